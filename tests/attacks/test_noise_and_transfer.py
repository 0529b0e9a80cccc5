"""Attacks that ask little of the judged model: random noise, and what was made against another model."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from audit.attacks.pgd import pgd
from audit.attacks.transfer import transfer
from audit.attacks.uniform_noise import uniform_noise
from audit.errors import MethodError
from audit.kinds import find, import_file
from audit.model import TorchModel
from audit.randomness import SampleRng

from .linear import FACE, TWO, WAVE, Linear, cells, linear, recognised

NETWORK = """
import torch
from torch import nn


class Weighted(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros({shape}))

    def forward(self, inputs):
        margin = inputs.flatten(1) @ self.weights.flatten() + 9.0
        return torch.stack([torch.zeros_like(margin), margin], dim=1)


def build() -> nn.Module:
    return Weighted()
"""
MODEL = """
version: 1
model: other
loader: torch
source: network.py:build
weights: other.safetensors
input: {{{input}}}
emotions: [{emotions}]
"""


def written(folder: Path, weights: Tensor, given: str, emotions: str = "fear, anger") -> Path:
    """Write a model that weighs the cells, whose second output has the margin, and return its manifest."""
    folder.mkdir(exist_ok=True)
    (folder / "network.py").write_text(NETWORK.format(shape=tuple(weights.shape)))
    save_file({"weights": weights.detach().clone()}, folder / "other.safetensors")
    path = folder / "other.model.yaml"
    path.write_text(MODEL.format(input=given, emotions=emotions).lstrip())
    return path


GREY = "modality: face, height: 8, width: 8, colour: grey"
HEARD = "modality: speech, sampling_rate: 16000, seconds: 1.0, representation: waveform"


@pytest.mark.parametrize("among", ["corners", "ball"])
def test_noise_is_as_large_as_it_may_be_and_no_larger(among: Any) -> None:
    inputs = 0.5 + 0.1 * cells(3, 1, 8, 8)
    model = linear((1, 8, 8), bias=100.0, spec=FACE)
    (found,) = uniform_noise(
        model, inputs, torch.zeros(3).long(), SampleRng([1, 2, 3]), epsilon=[0.1], draws=5, among=among
    )
    sizes = (found - inputs).abs()
    if among == "corners":
        # A clip that no draw made worse is kept as it was.
        changed = sizes.flatten(1).any(1)
        assert bool(changed.any())
        torch.testing.assert_close(sizes[changed], torch.full_like(sizes[changed], 0.1))
    else:
        assert bool((sizes <= 0.1 + 1e-7).all())
        assert 0.04 < float(sizes[sizes.flatten(1).any(1)].mean()) < 0.06


def test_of_all_draws_the_worst_is_kept() -> None:
    inputs, model = 0.5 + 0.1 * cells(1, 1, 8, 8), linear((1, 8, 8), bias=100.0, spec=FACE)
    weights = model.module.weights
    streams = SampleRng([7])
    corners = [(2 * streams.uniform(inputs) - 1).sign() for _ in range(6)]
    lowest = min((corner.flatten() @ weights.flatten()).item() for corner in corners)
    (found,) = uniform_noise(model, inputs, torch.zeros(1).long(), SampleRng([7]), epsilon=[0.1], draws=6)
    reached = ((found - inputs).flatten() @ weights.flatten()).item()
    assert reached == pytest.approx(0.1 * min(lowest, 0.0), abs=1e-5)


def test_noise_needs_answers_alone_and_at_least_one_draw() -> None:
    assert not find("attack", "uniform_noise").facts["gradients"]
    with pytest.raises(MethodError, match="draws of at least 1, not 0"):
        next(uniform_noise(linear((4,)), cells(1, 4), torch.zeros(1).long(), SampleRng([1]), epsilon=[0.1], draws=0))


def test_against_the_same_weights_a_transfer_is_the_attack_itself(tmp_path: Path) -> None:
    """Its emotions in another order."""
    model = linear((1, 8, 8), bias=9.0, spec=FACE)
    path = written(tmp_path, model.module.weights, GREY)
    inputs, targets = 0.3 + 0.4 * cells(3, 1, 8, 8), torch.zeros(3).long()
    (found,) = transfer(model, inputs, targets, SampleRng([1, 2, 3]), epsilon=[0.05], source=path, steps=10)
    torch.testing.assert_close(found, inputs - 0.05 * model.module.weights.sign())


def test_it_goes_on_after_the_other_model_is_fooled(tmp_path: Path) -> None:
    """A clip that only just fools the other model would say nothing of this one."""
    weights = linear((1, 8, 8)).module.weights
    path = written(tmp_path, weights, GREY)
    stronger = TorchModel(Linear(weights, 10.5).requires_grad_(False).eval(), FACE, TWO)
    inputs, targets = 0.3 + 0.4 * cells(6, 1, 8, 8), torch.zeros(6).long()
    with torch.no_grad():
        room = (stronger.logits(inputs)[:, 0].max() / weights.abs().sum()).item()
    (found,) = transfer(stronger, inputs, targets, SampleRng(range(6)), epsilon=[1.05 * room], source=path, steps=10)
    assert recognised(stronger, stronger.spec.clip(found), targets) == 0


def test_the_judged_model_is_asked_nothing_and_the_other_is_on_its_bill(tmp_path: Path) -> None:
    model = linear((1, 8, 8), bias=9.0, spec=FACE)
    path = written(tmp_path, model.module.weights, GREY)
    answered = []
    model.module.register_forward_hook(lambda *_: answered.append(1))
    keys: dict[str, Any] = {"epsilon": [0.05], "source": path, "steps": 3}
    list(transfer(model, cells(2, 1, 8, 8), torch.zeros(2).long(), SampleRng([1, 2]), **keys))
    assert answered == []
    assert model.ledger.total.backward_samples > 0
    assert not find("attack", "transfer").facts["gradients"]


@pytest.mark.parametrize(
    ("given", "emotions", "message"),
    [
        (GREY.replace("8", "4"), "fear, anger", "4 x 4 pixels, grey; name a source that takes the same"),
        (GREY + ", scaling: {low: -1, high: 1}", "fear, anger", "same representation and scaling"),
        (HEARD, "fear, anger", "and model 'other' waveform of 1 s at 16000 Hz"),
        (GREY, "fear, joy", "does not know anger"),
    ],
    ids=["size", "scaling", "modality", "emotions"],
)
def test_another_kind_of_model_is_refused(tmp_path: Path, given: str, emotions: str, message: str) -> None:
    shape = (1, 4, 4) if "4, width" in given else (16000,) if given == HEARD else (1, 8, 8)
    path = written(tmp_path, torch.ones(shape), given, emotions)
    model = linear((1, 8, 8), spec=FACE)
    with pytest.raises(MethodError, match=message):
        next(transfer(model, cells(1, 1, 8, 8), torch.zeros(1).long(), SampleRng([1]), epsilon=[0.1], source=path))


def test_a_manifest_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none.model.yaml"
    with pytest.raises(MethodError, match=r"none\.model\.yaml: no such file; a manifest"):
        next(transfer(linear((64,)), cells(1, 64), torch.zeros(1).long(), SampleRng([1]), epsilon=[0.1], source=path))


def test_on_waveforms_the_other_models_front_end_is_part_of_it(
    tmp_path: Path, repository: Path, resnet: TorchModel
) -> None:
    source = "modality: speech, sampling_rate: 16000, seconds: 3.0, representation: melspectrogram"
    weights = torch.randn(1, 128, 94, generator=torch.Generator().manual_seed(2)) / math.sqrt(128 * 94)
    path = written(tmp_path, weights, source, ", ".join(reversed(TWO)))
    other = TorchModel(import_file(tmp_path / "network.py").build(), resnet.spec, tuple(reversed(TWO)))
    other.module.weights.data.copy_(weights)
    other.module.requires_grad_(False)
    # The judged model hears the waveform itself.
    judged = TorchModel(
        Linear(torch.zeros(48000), 1.0).requires_grad_(False), WAVE.__class__(16000, 3.0, "waveform"), TWO
    )
    waveforms = 0.1 * torch.randn(2, 48000, generator=torch.Generator().manual_seed(1))
    keys: dict[str, Any] = {"epsilon": [0.001], "steps": 3}
    (found,) = transfer(judged, waveforms, torch.zeros(2).long(), SampleRng([1, 2]), source=path, **keys)
    (direct,) = pgd(other.view_from_waveform(), waveforms, torch.ones(2).long(), SampleRng([1, 2]), **keys)
    torch.testing.assert_close(found, direct, rtol=0, atol=1e-6)
