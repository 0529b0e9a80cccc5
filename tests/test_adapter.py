"""Axis orders, chunks, activations and labels between the audit and a model of anyone's making."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from audit.adapter import Ahead, Behind, Chunks, adapted
from audit.errors import ModelError
from audit.input_spec import FaceInput, SpeechInput
from audit.model import Activation, BlackBox, TorchModel, as_found
from audit.randomness import SampleRng
from audit.saliency.lrp.lrp import lrp

MEL = SpeechInput(16000, 1.0, "melspectrogram", {})
FACE = FaceInput(4, 5)
WAVE = SpeechInput(8000, 0.01, "waveform")


def drawn(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("letters", "shape", "order", "expected"),
    [
        (FACE.letters, (2, 3, 4, 5), "nhwc", lambda x: x.permute(0, 2, 3, 1)),
        (MEL.letters, (2, 1, 6, 7), "ntf", lambda x: x[:, 0].transpose(1, 2)),
        (MEL.letters, (2, 1, 6, 7), "nft1", lambda x: x[:, 0].unsqueeze(-1)),
        (MEL.letters, (2, 1, 6, 1), "nf", lambda x: x[:, 0, :, 0]),
        (WAVE.letters, (2, 80), "n1s", lambda x: x[:, None]),
        (WAVE.letters, (2, 1, 80), "ns", lambda x: x[:, 0]),
    ],
)
def test_an_order_is_what_numpy_would_make_of_it(letters, shape, order, expected) -> None:  # type: ignore[no-untyped-def]
    inputs = drawn(*shape)
    assert torch.equal(Ahead(letters, order, None)(inputs), expected(inputs))


@pytest.mark.parametrize(
    ("order", "told"),
    [
        ("nhw", "leaves out 'c', which has 3 places"),
        ("nhwx", "every letter of it once"),
        ("nhwcc", "every letter of it once"),
        ("hwcn", "n first"),
    ],
)
def test_an_order_that_does_not_fit_is_refused(order: str, told: str) -> None:
    with pytest.raises(ModelError, match=told):
        Ahead(FACE.letters, order, None)(drawn(2, 3, 4, 5))


def test_chunks_are_a_stack_of_pieces_of_the_clip() -> None:
    inputs = drawn(2, 1, 6, 10)
    stacked = Ahead(MEL.letters, None, Chunks(4, 3))(inputs)
    assert stacked.shape == (2, 3, 1, 6, 4)
    for piece in range(3):
        assert torch.equal(stacked[:, piece], inputs[..., 3 * piece : 3 * piece + 4])
    assert Ahead(MEL.letters, "nktf", Chunks(4, 3))(inputs).shape == (2, 3, 4, 6)
    with pytest.raises(ModelError, match="of 11 columns: one input has 10"):
        Ahead(MEL.letters, None, Chunks(11, 1))(inputs)


@pytest.mark.parametrize("activation", get_args(Activation))
def test_softmax_is_never_taken_twice(activation: Activation) -> None:
    scores = 3 * drawn(5, 4) - 1
    outputs = {
        "none": scores,
        "softmax": scores.softmax(1),
        "log_softmax": scores.log_softmax(1),
        "sigmoid": scores.sigmoid(),
    }[activation]
    expected = (
        scores.sigmoid() / scores.sigmoid().sum(1, keepdim=True) if activation == "sigmoid" else scores.softmax(1)
    )
    found = Behind(activation, [[0], [1], [2], [3]], 4)(outputs)
    torch.testing.assert_close(found.softmax(1), expected)


@pytest.mark.parametrize("activation", ["none", "softmax"])
def test_merged_labels_have_the_sum_of_their_probabilities(activation: Activation) -> None:
    scores = 5 * drawn(6, 5)
    outputs = scores if activation == "none" else scores.softmax(1)
    found = Behind(activation, [[3], [0, 2], [1, 4]], 5)(outputs).softmax(1)
    p = scores.softmax(1)
    torch.testing.assert_close(found, torch.stack([p[:, 3], p[:, 0] + p[:, 2], p[:, 1] + p[:, 4]], 1))


def test_without_a_label_the_others_share_what_remains() -> None:
    scores = 5 * drawn(6, 4)
    kept = scores.softmax(1)[:, [2, 0, 3]]
    found = Behind("none", [[2], [0], [3]], 4)(scores).softmax(1)
    torch.testing.assert_close(found, kept / kept.sum(1, keepdim=True))


def test_a_probability_of_zero_is_no_infinite_logit() -> None:
    assert torch.isfinite(Behind("softmax", [[0], [1]], 2)(torch.tensor([[1.0, 0.0]]))).all()


def test_a_network_is_wrapped_as_a_module_so_that_its_graph_and_layers_are_found() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(60, 3), nn.Softmax(1)).eval()
    inputs = drawn(2, 3, 4, 5)
    expected = network(inputs.permute(0, 2, 3, 1)).detach()
    model = adapted(
        TorchModel(network, FACE, ("a", "b", "c")),
        Ahead(FACE.letters, "nhwc", None),
        Behind("softmax", [[2], [0, 1]], 3),
        ("z", "y"),
    )
    assert model.module is not None
    assert network in set(model.module.modules())
    assert model.emotions == ("z", "y")
    leaf = inputs.requires_grad_(True)
    logits = model.logits(leaf)
    torch.testing.assert_close(logits.softmax(1), torch.stack([expected[:, 2], expected[:, 0] + expected[:, 1]], 1))
    assert torch.autograd.grad(logits.sum(), leaf)[0].abs().sum() >= 0


def test_a_network_that_needs_nothing_is_left_as_it_is() -> None:
    network = nn.Linear(80, 2).eval()
    model = adapted(
        TorchModel(network, WAVE, ("a", "b")),
        Ahead(WAVE.letters, None, None),
        Behind("none", [[0], [1]], 2),
        ("a", "b"),
    )
    assert model.module is network


def test_a_black_box_is_wrapped_as_it_answers() -> None:
    def answer(inputs: np.ndarray) -> np.ndarray:
        assert inputs.shape == (3, 1, 80)
        return inputs[:, 0, :2]

    model = adapted(
        BlackBox(answer, WAVE, ("a", "b")), Ahead(WAVE.letters, "n1s", None), Behind("none", [[1], [0]], 2), ("b", "a")
    )
    inputs = drawn(3, 80)
    assert torch.equal(model.logits(inputs), inputs[:, [1, 0]])
    assert not model.differentiable


def test_what_the_adapter_does_has_rules_for_relevance() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(60, 8, bias=False), nn.ReLU(), nn.Linear(8, 3, bias=False)).eval()
    # Of positive weights, so that no logit is so close to zero that a relative error says nothing.
    with torch.no_grad():
        for weights in network.parameters():
            weights.abs_()
    ahead, behind = Ahead(FACE.letters, "nhwc", None), Behind("none", [[2], [0]], 3)
    model = adapted(TorchModel(network, FACE, ("a", "b", "c")), ahead, behind, ("c", "a"))
    inputs = drawn(4, 3, 4, 5)
    with as_found(model):
        targets = model.logits(inputs).argmax(1)
        found = lrp(model, inputs, targets, SampleRng([0, 1, 2, 3]))
    assert found.values.shape == inputs.shape
    assert float(found.measures["conservation"].max()) < 1e-3
