"""The adapter to torchattacks: bounds and shapes that it does not know, and what cannot be right with it."""

from __future__ import annotations

import random
import sys
from typing import Any

import numpy as np
import pytest
import torch
import torchattacks as peer
from torch import nn

from audit.attacks.torchattacks import torchattacks
from audit.errors import MethodError
from audit.input_spec import FaceInput, SpeechInput
from audit.model import TorchModel
from audit.randomness import SampleRng
from audit.scaling import Affine

from ..toys import picture_model, pictures
from .linear import FACE, TWO, Linear, cells, linear, recognised


def test_in_zero_one_it_is_the_library_itself() -> None:
    model = picture_model()
    inputs, truths = pictures(4, seed=9)
    (found,) = torchattacks(model, inputs, truths, SampleRng(range(4)), epsilon=[0.1], name="FGSM")
    torch.testing.assert_close(found, peer.FGSM(model.module, eps=0.1)(inputs, truths), rtol=0, atol=1e-6)


@pytest.mark.parametrize("shape", [(64,), (1, 64), (8, 8), (2, 4, 8)], ids=str)
@pytest.mark.parametrize("name", ["PGD", "MIFGSM", "APGD", "Square"])
def test_waveforms_keep_their_sign_and_any_shape_is_taken(name: str, shape: tuple[int, ...]) -> None:
    """On [-1, 1]: the library alone would return them cut off at zero."""
    model = linear(shape, bias=9.0)
    inputs = 0.8 * cells(3, *shape) - 0.4
    targets = torch.zeros(3).long()
    keys: dict[str, Any] = {"name": name, "settings": {"n_queries": 60} if name == "Square" else None}
    (found,) = torchattacks(model, inputs, targets, SampleRng([1, 2, 3]), epsilon=[0.05], **keys)
    assert float((found - inputs).abs().max()) <= 0.05 + 1e-6
    assert bool((found < 0).any(dim=-1).all())
    if name in ("PGD", "MIFGSM"):
        torch.testing.assert_close(found, inputs - 0.05 * model.module.weights.sign(), rtol=0, atol=1e-6)


def test_cells_with_bounds_of_their_own_keep_them_and_one_epsilon() -> None:
    unit = torch.tensor([1.0, 0.25]).repeat_interleave(4)
    spec = SpeechInput(16000, 1.0, "waveform", scaling=Affine(0.5, unit))
    weights = torch.ones(8)
    model = TorchModel(Linear(weights, 9.0).requires_grad_(False), spec, TWO)
    inputs = spec.clip(torch.tensor([[-9.0, -1.45, 0.2, 0.4, -9.0, -5.9, 1.0, 1.9]]))
    (found,) = torchattacks(model, inputs, torch.zeros(1).long(), SampleRng([1]), epsilon=[0.2], name="PGD")
    torch.testing.assert_close(found, spec.clip(inputs - 0.2), rtol=0, atol=2e-6)


def test_its_steps_fit_a_small_epsilon() -> None:
    """The library's own step of 2/255 would only jump between the ball's corners."""
    model = picture_model()
    inputs, truths = pictures(8, seed=9)
    (found,) = torchattacks(model, inputs, truths, SampleRng(range(8)), epsilon=[0.001], name="PGD")
    inner = (found - inputs).abs()
    assert bool(((inner > 1e-6) & (inner < 0.00099)).any())
    (given,) = torchattacks(
        *(model, inputs, truths, SampleRng(range(8))),
        epsilon=[0.001],
        name="PGD",
        settings={"steps": 1, "alpha": 1.0, "random_start": False},
    )
    moved = (given - inputs).abs()
    torch.testing.assert_close(moved[(inputs > 0.01) & (inputs < 0.99)].amax(), torch.tensor(0.001), rtol=0, atol=1e-6)


def test_no_global_random_state_is_touched() -> None:
    model = picture_model()
    inputs, truths = pictures(2, seed=9)
    states = [torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()]
    for name in ("PGD", "APGD", "Square"):
        settings = {"n_queries": 3} if name == "Square" else {"steps": 2}
        list(torchattacks(model, inputs, truths, SampleRng([1, 2]), epsilon=[0.1], name=name, settings=settings))
    assert torch.equal(states[0], torch.get_rng_state())
    assert np.array_equal(states[1], np.random.get_state()[1])
    assert states[2] == random.getstate()


def test_the_number_of_emotions_reaches_attacks_on_each_of_them() -> None:
    """The library believes in ten classes."""
    model = picture_model()
    inputs, truths = pictures(4, seed=9)
    keys: dict[str, Any] = {"name": "APGDT", "settings": {"steps": 10}}
    (found,) = torchattacks(model, inputs, truths, SampleRng(range(4)), epsilon=[0.2], **keys)
    assert recognised(model, found, truths) < 4


def test_nothing_happens_at_epsilon_zero() -> None:
    inputs, truths = pictures(2, seed=9)
    (found,) = torchattacks(picture_model(), inputs, truths, SampleRng([1, 2]), epsilon=[0.0], name="PGD")
    assert torch.equal(found, inputs)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"name": "CW"}, "CW cannot be used, no epsilon bounds what it does"),
        ({"name": "DeepFool"}, "DeepFool cannot be used, no epsilon bounds"),
        ({"name": "GN"}, "GN cannot be used, no epsilon bounds"),
        ({"name": "PGDL2"}, "it works in the l2 norm; use pgd_l2"),
        ({"name": "PDG"}, "has no 'PDG'; did you mean 'PGD'"),
        ({"name": "PGD", "settings": {"stps": 3}}, "takes no setting 'stps'; did you mean 'steps'"),
        ({"name": "PGD", "settings": {"eps": 3}}, "takes no setting 'eps'"),
        ({"name": "APGD", "settings": {"norm": "L2"}}, "epsilon is meant as Linf"),
        ({"name": "PGD", "settings": {"steps": "many"}}, "steps must be a whole number of at least 1, not 'many'"),
    ],
)
def test_what_cannot_be_right_is_refused_by_name(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(MethodError, match=message):
        next(torchattacks(linear((64,)), cells(1, 64), torch.zeros(1).long(), SampleRng([1]), epsilon=[0.1], **keys))


def test_inputs_without_bounds_are_refused() -> None:
    spec = SpeechInput(16000, 3.0, "melspectrogram", {"scaling": "clip"})
    assert not np.isfinite(spec.bounds).all()
    model = TorchModel(nn.Sequential(nn.Flatten(), nn.Linear(64, 2)), spec, TWO)
    with pytest.raises(MethodError, match="have no bounds, and it works in"):
        next(torchattacks(model, cells(1, 1, 8, 8), torch.zeros(1).long(), SampleRng([1]), epsilon=[0.1], name="PGD"))


def test_an_attack_that_changes_the_shape_says_so() -> None:
    model = TorchModel(Linear(torch.ones(32), 1.0), FaceInput(4, 8), TWO)
    settings = {"diversity_prob": 1.0}
    with pytest.raises(MethodError, match=r"as for square pictures|DIFGSM fails on inputs"):
        next(
            torchattacks(
                *(model, cells(1, 1, 4, 8), torch.zeros(1).long(), SampleRng([1])),
                epsilon=[0.1],
                name="DIFGSM",
                settings=settings,
            )
        )


def test_without_the_library_the_message_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchattacks", None)
    with pytest.raises(MethodError, match=r"pip install --no-deps torchattacks==3\.5\.1"):
        next(
            torchattacks(linear((64,)), cells(1, 64), torch.zeros(1).long(), SampleRng([1]), epsilon=[0.1], name="PGD")
        )


def test_the_model_keeps_its_mode() -> None:
    module = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(64, 2)).train()
    model = TorchModel(module, FACE, TWO)
    list(torchattacks(model, cells(2, 1, 8, 8), torch.zeros(2).long(), SampleRng([1, 2]), epsilon=[0.1], name="FGSM"))
    assert module.training
    assert module[1].training
