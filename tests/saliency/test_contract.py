"""What every saliency method promises, on every architecture: a map, or a refusal by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from audit.attribution import Attribution
from audit.errors import MethodError
from audit.kinds import find, known_methods
from audit.model import Model, as_found, recurrent
from audit.randomness import SampleRng

from .architectures import ARCHITECTURES

METHODS = sorted(known_methods("saliency"))
FEW: Mapping[str, Mapping[str, Any]] = {
    "lime": {"samples": 128, "rows": 4, "columns": 4},
    "kernel_shap": {"samples": 64, "rows": 4, "columns": 4},
    "smoothgrad": {"samples": 3},
    "integrated_gradients": {"steps": 4},
}
"""Keys that spare time; what they change is none of the promises."""
NO_GRADIENTS = "gives none"
REFUSED: Mapping[tuple[str, str], str] = {
    ("gradcam", "black-box"): "needs a torch module",
    ("gradcam", "torchscript"): "torch shows no layers of TorchScript",
    ("gradient_times_input", "black-box"): NO_GRADIENTS,
    ("integrated_gradients", "black-box"): NO_GRADIENTS,
    ("lrp", "black-box"): "needs a torch module",
    ("smoothgrad", "black-box"): NO_GRADIENTS,
}
"""Method and architecture, and words of the reason: no other pair may be refused, and each of these must be."""
SEEDS = (5, 6, 7)
TARGETS = torch.tensor([0, 1, 2])


class Frames(nn.Module):
    """Brings (n, 1, bands, frames) to (n, frames, bands)."""

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs.squeeze(1).transpose(1, 2)


def explained(method: str, model: Model, inputs: Tensor, rows: slice = slice(None)) -> Attribution:
    found = find("saliency", method).load()
    streams = SampleRng(SEEDS[rows])
    return found(model, inputs[rows].clone(), TARGETS[rows], streams, **FEW.get(method, {}))


def state(model: Model) -> list[Any]:
    """Return all that a method could leave changed in a network."""
    if model.module is None:
        return []
    tensors = [
        (name, value.clone(), value.requires_grad, value.grad)
        for name, value in (*model.module.named_parameters(), *model.module.named_buffers())
    ]
    layers = [
        (part.training, len(part._forward_hooks), len(part._forward_pre_hooks)) for part in model.module.modules()
    ]
    return [tensors, layers]


def same(before: list[Any], after: list[Any]) -> bool:
    if not before:
        return before == after
    tensors = all(
        old[0] == new[0] and torch.equal(old[1], new[1]) and old[2:] == new[2:]
        for old, new in zip(before[0], after[0], strict=True)
    )
    return tensors and before[1] == after[1]


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("method", METHODS)
def test_every_method_explains_every_architecture_or_says_why_not(method: str, name: str, tmp_path: Path) -> None:
    architecture = ARCHITECTURES[name]
    model, inputs = architecture.model(tmp_path), architecture.inputs(len(SEEDS))
    reason = REFUSED.get((method, name))
    with as_found(model):
        before = state(model)
        if reason is not None:
            with pytest.raises(MethodError, match=re.escape(reason)) as refusal:
                explained(method, model, inputs)
            assert method in str(refusal.value)
            assert same(before, state(model))
            return
        given = inputs.clone()
        generator = torch.get_rng_state()
        found = explained(method, model, given)
        assert same(before, state(model))
        assert torch.equal(given, inputs)
        assert torch.equal(generator, torch.get_rng_state())
        values = found.values
        assert values.shape == inputs.shape
        assert not values.requires_grad
        assert bool(torch.isfinite(values).all())
        assert float(values.flatten(1).std(1).max()) > 0, "every map is constant"
        for measure, numbers in found.measures.items():
            assert numbers.shape == (len(inputs),), measure
            assert bool(torch.isfinite(numbers).all()), measure
        again = explained(method, model, inputs)
        assert torch.equal(values, again.values)
        assert all(torch.equal(found.measures[measure], again.measures[measure]) for measure in found.measures)
        alone = torch.cat([explained(method, model, inputs, slice(row, row + 1)).values for row in range(len(inputs))])
        scale = float(values.abs().max())
        torch.testing.assert_close(alone, values, rtol=0, atol=1e-4 * max(scale, 1e-12))


def test_every_refusal_that_is_expected_is_of_a_method_and_an_architecture_that_exist() -> None:
    assert {method for method, _ in REFUSED} <= set(METHODS)
    assert {name for _, name in REFUSED} <= set(ARCHITECTURES)


@pytest.mark.parametrize("arrives", ["module", "torchscript", "exported"])
@pytest.mark.parametrize("name", ["bidirectional-lstm", "gru", "cnn-lstm", "residual", "transformer"])
def test_recurrent_layers_are_known_in_whatever_form_a_network_comes(name: str, arrives: str, tmp_path: Path) -> None:
    architecture = replace(ARCHITECTURES[name], order=None, arrives=arrives)
    if ARCHITECTURES[name].order is not None:
        architecture = replace(architecture, network=lambda: nn.Sequential(Frames(), ARCHITECTURES[name].network()))
    module = architecture.model(tmp_path).module
    assert module is not None
    assert recurrent(module) == (name in ("bidirectional-lstm", "gru", "cnn-lstm"))
