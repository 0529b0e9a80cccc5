"""What every sanity test promises, on every architecture: maps of the shape that is due, or a refusal, and no trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from audit.errors import MethodError, ModelRaisedError
from audit.explained import Explain, Explained
from audit.kinds import find, known_methods
from audit.model import Model, TorchModel
from audit.saliency.gradcam import gradcam
from audit.saliency.lrp.lrp import lrp

from ..saliency.architectures import ARCHITECTURES
from ..toys import EMOTIONS, SPEC, explained, learned, picture_model, pictures, same, state, streams

TESTS = sorted(known_methods("sanity"))
FEW: Mapping[str, Mapping[str, Any]] = {
    "label_shuffle": {"epochs": 150, "learning_rate": 0.01},
    "parameter_randomisation": {"stages": 3},
}
SEEDS = (5, 6, 7)
REFUSED: Mapping[tuple[str, str], str] = {
    ("label_shuffle", "black-box"): "shows no parameters|gives no gradients",
    ("label_shuffle", "torchscript"): "no gradient reaches the parameters",
    ("parameter_randomisation", "black-box"): "shows no parameters",
}
"""Test and architecture, and words of the reason: no other pair may be refused, and each of these must be."""


def asked(name: str, case: Explained) -> list[tuple[float, Tensor]]:
    test: Callable[..., Iterator[tuple[float, Tensor]]] = find("sanity", name).load()
    return list(test(case, streams(SEEDS), **FEW.get(name, {})))


def answers(model: Model, inputs: Tensor, turn: int) -> Tensor:
    """Return, as a map, the inputs weighed by what the network as it is now says of each, and by the turn."""
    with torch.no_grad():
        said = model.logits(inputs)[:, 0].view(-1, *[1] * (inputs.ndim - 1))
    return inputs * said + turn


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("name", TESTS)
def test_every_test_gives_maps_of_every_architecture_and_leaves_no_trace(
    name: str, architecture: str, tmp_path: Path
) -> None:
    model = ARCHITECTURES[architecture].model(tmp_path)
    inputs = ARCHITECTURES[architecture].inputs(len(SEEDS))
    if model.module is not None:
        for parameter in model.module.parameters():
            parameter.grad = torch.ones_like(parameter) if parameter.requires_grad else None
    case = explained(model, inputs, answers(model, inputs, 0), answers)
    given, before, said = inputs.clone(), state(model), model.logits(inputs).detach()
    gradients = [None if p.grad is None else p.grad.clone() for p in (model.module or nn.Module()).parameters()]
    if (name, architecture) in REFUSED:
        with pytest.raises(MethodError, match=REFUSED[name, architecture]):
            asked(name, case)
        assert same(before, state(model))
        return
    found = asked(name, case)
    assert same(before, state(model))
    assert all(g is None or bool((g == 1).all()) for g in gradients)
    assert torch.equal(inputs, given)
    assert torch.equal(model.logits(inputs).detach(), said)
    assert found
    severities = [severity for severity, _ in found]
    assert severities == sorted(set(severities))
    for severity, maps in found:
        assert 0.0 <= severity <= 1.0
        assert maps.shape == inputs.shape
        assert bool(torch.isfinite(maps).all())
    again = asked(name, case)
    assert all(torch.equal(one, other) for (_, one), (_, other) in zip(found, again, strict=True))


@pytest.mark.parametrize("name", [name for name in TESTS if name != "label_shuffle"])
def test_what_a_test_makes_of_a_recording_does_not_depend_on_the_others(name: str, tmp_path: Path) -> None:
    """Shuffled labels are those of all the recordings, and so the exception."""
    model, inputs = ARCHITECTURES["residual"].model(tmp_path), ARCHITECTURES["residual"].inputs(len(SEEDS))
    found = asked(name, explained(model, inputs, answers(model, inputs, 0), answers))
    for row in range(len(SEEDS)):
        one = slice(row, row + 1)
        alone = asked(name, explained(model, inputs[one], answers(model, inputs[one], 0), answers))
        for (severity, maps), (other, single) in zip(found, alone, strict=True):
            assert severity == other
            torch.testing.assert_close(maps[one], single, rtol=0, atol=1e-6)


class Failing(nn.Module):
    """The learned network, which raises at one of its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.network = learned()
        self.calls, self.last = 0, 10**9

    def forward(self, inputs: Tensor) -> Tensor:
        self.calls += 1
        if self.calls > self.last:
            raise RuntimeError("out of order")
        return self.network(inputs)


@pytest.mark.parametrize("calls", range(1, 8))
@pytest.mark.parametrize("name", TESTS)
def test_a_network_that_fails_in_the_middle_is_left_as_it_came(name: str, calls: int) -> None:
    module = Failing()
    model = TorchModel(module, SPEC, EMOTIONS)
    case = explained(model, *(2 * [pictures(16)[0]]), answers)
    before = state(model)
    module.last = module.calls + calls
    with suppress(ModelRaisedError):
        asked(name, case)
    assert same(before, state(model))


@pytest.mark.parametrize("error", [MethodError("no map of this"), ZeroDivisionError("a method's own")])
@pytest.mark.parametrize(
    ("name", "turn"), [*((name, 1) for name in TESTS), ("parameter_randomisation", 2), ("parameter_randomisation", 3)]
)
def test_a_method_that_fails_in_the_middle_leaves_the_network_as_it_came(
    name: str, turn: int, error: Exception
) -> None:
    model = picture_model()
    inputs, _ = pictures(16)
    model.module[4].weight.requires_grad_(True)
    model.module[4].weight.grad = torch.ones_like(model.module[4].weight)
    turns: list[int] = []

    def failing(other: Model, given: Tensor, _: int) -> Tensor:
        turns.append(1)
        if len(turns) == turn:
            raise error
        return given

    before = state(model)
    with pytest.raises(type(error)):
        asked(name, explained(model, inputs, inputs, failing))
    assert same(before, state(model))
    assert bool((model.module[4].weight.grad == 1).all())


def test_a_test_that_nobody_reads_to_its_end_leaves_the_network_as_it_came() -> None:
    model = picture_model()
    before = state(model)
    test = find("sanity", "parameter_randomisation").load()
    maps = test(explained(model, *(2 * [pictures(4)[0]])), streams(4))
    next(maps)
    assert not same(before, state(model))
    maps.close()
    assert same(before, state(model))


class Counting(nn.Module):
    """Keeps, in training, a running mean as a new tensor each time, as a network of one's own may."""

    def __init__(self) -> None:
        super().__init__()
        self.network = learned()
        self.register_buffer("mean", torch.zeros(()))

    def forward(self, inputs: Tensor) -> Tensor:
        if self.training:
            self.mean = 0.9 * self.mean + 0.1 * inputs.mean()
        return self.network(inputs)


def test_a_buffer_that_training_puts_another_tensor_in_the_place_of_comes_back() -> None:
    model = TorchModel(Counting().eval(), SPEC, EMOTIONS)
    before = state(model)
    asked("label_shuffle", explained(model, *(2 * [pictures(16)[0]])))
    assert float(model.module.mean) == 0.0
    assert same(before, state(model))


@pytest.mark.parametrize(
    "architecture", ["plain-cnn", "residual", "transformer", "cnn-lstm", "exported", "channels-last"]
)
@pytest.mark.parametrize("method", [gradcam, lrp])
def test_methods_that_read_the_network_itself_read_the_shifted_one(
    method: Any, architecture: str, tmp_path: Path
) -> None:
    model = ARCHITECTURES[architecture].model(tmp_path)
    inputs = ARCHITECTURES[architecture].inputs(len(SEEDS))
    targets = model.logits(inputs).argmax(1)

    def maps(other: Model, given: Tensor, _: int) -> Tensor:
        return method(other, given, targets, streams(SEEDS)).values

    explain: Explain = maps
    own = maps(model, inputs, 0)
    ((_, shifted),) = asked("input_shift", explained(model, inputs, own, explain))
    scale = float(own.abs().max())
    torch.testing.assert_close(shifted, own, rtol=0, atol=0.02 * scale)
