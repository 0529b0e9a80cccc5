"""What holds for every representation of speech that there is."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from audit.input_spec import SpeechInput
from audit.kinds import Method, known_methods, representation

from .sounds import chord, noise, speech

RATE = 16000
SAMPLES = RATE // 2 + 1
NAMES = sorted(
    name
    for name, method in known_methods("representation").items()
    if method.facts["modality"] == "speech" and method.facts["axes"] is not None
)
COUNTED = {"zero_crossing_rate"}
"""Those that no gradients pass through."""


def method_of(name: str) -> Method:
    return known_methods("representation")[name]


def represent(name: str) -> Callable[..., Tensor]:
    return method_of(name).load()


@pytest.fixture(scope="module")
def waveforms() -> Tensor:
    """Noise, a chord, a chord that stops in the middle, a click and silence."""
    struck = chord(SAMPLES, RATE)
    click = np.zeros(SAMPLES)
    click[SAMPLES // 2] = 1.0
    stopped = np.where(np.arange(SAMPLES) < SAMPLES // 2, struck, 0.0)
    return torch.from_numpy(np.stack([noise(SAMPLES), struck, stopped, click, 0.0 * click])).float()


def test_all_that_the_system_needs_are_there() -> None:
    assert set(NAMES) >= {
        *("spectrogram", "melspectrogram", "cqt", "mfcc", "chroma", "tonnetz", "hpss", "rms", "zero_crossing_rate"),
        *("spectral_contrast", "tempogram", "delta_tempogram", "waveform", "log_energies", "spectral_vector"),
    }


@pytest.mark.parametrize("name", NAMES)
def test_inputs_have_the_shape_of_their_axes_and_lie_within_their_bounds(name: str, waveforms: Tensor) -> None:
    spec = SpeechInput(RATE, SAMPLES / RATE, name)
    inputs = spec.represent(waveforms)
    assert inputs.dtype == waveforms.dtype
    assert len(inputs) == len(waveforms)
    assert name == "waveform" or inputs.ndim == 4
    assert bool(torch.isfinite(inputs).all())
    if spec.axes.seconds is not None:
        assert inputs.shape[-1] == len(spec.axes.seconds)
        assert 0 <= spec.axes.seconds[0] <= spec.axes.seconds[-1] <= spec.seconds
    if spec.axes.hertz is not None:
        assert inputs.shape[-2] == len(spec.axes.hertz)
        assert (np.diff(spec.axes.hertz) > 0).all()
        assert 0 <= spec.axes.hertz[0] <= spec.axes.hertz[-1] <= RATE / 2
    low, high = spec.bounds
    # Rounding of single precision: attacks and corruptions are clipped to the bounds.
    assert low - 1e-6 <= float(inputs.min())
    assert float(inputs.max()) <= high + 1e-6


@pytest.mark.parametrize("name", NAMES)
def test_every_scaling_keeps_to_the_bounds_it_says(name: str, waveforms: Tensor) -> None:
    scaling = method_of(name).parameters.get("scaling")
    choices = [
        word for word in ("unit", "decibel", "power", "amplitude", "linear") if scaling and word in scaling.annotation
    ]
    for choice in choices:
        low, high = method_of(name).facts["bounds"](scaling=choice)
        inputs = represent(name)(waveforms, RATE, scaling=choice)
        assert low - 1e-4 <= float(inputs.min()) <= float(inputs.max()) <= high + 1e-4
    assert (scaling is None) == (not choices)


@pytest.mark.parametrize("name", NAMES)
def test_neither_the_batch_nor_its_order_changes_an_input(name: str, waveforms: Tensor) -> None:
    whole = represent(name)(waveforms, RATE)
    tolerance = 1e-5 * max(1.0, float(whole.abs().max()))
    for index in range(len(waveforms)):
        alone = represent(name)(waveforms[index : index + 1], RATE)
        torch.testing.assert_close(alone[0], whole[index], rtol=0, atol=tolerance)
    torch.testing.assert_close(represent(name)(waveforms.flip(0), RATE).flip(0), whole, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_waveforms_give_the_same_inputs_and_stay_as_they_were(name: str, waveforms: Tensor) -> None:
    kept = waveforms.clone()
    assert torch.equal(represent(name)(waveforms, RATE), represent(name)(waveforms, RATE))
    assert torch.equal(waveforms, kept)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["as they are", "faint", "silent"])
def test_gradients_pass_and_are_finite_or_the_mark_says_that_none_do(name: str, kind: str, waveforms: Tensor) -> None:
    assert method_of(name).facts["gradients"] is (name not in COUNTED)
    leaf = (waveforms * {"as they are": 1.0, "faint": 1e-12, "silent": 0.0}[kind]).requires_grad_(True)
    inputs = represent(name)(leaf, RATE)
    assert inputs.requires_grad is (name not in COUNTED)
    assert bool(torch.isfinite(inputs).all())
    if name in COUNTED:
        return
    # Weighed, for where all rows sum to one the sum stays what it is.
    weights = torch.rand(inputs.shape, generator=torch.Generator().manual_seed(0))
    (inputs * weights).sum().backward()
    assert bool(torch.isfinite(leaf.grad).all())
    if kind == "as they are":
        assert bool((leaf.grad[:2].abs().amax(1) > 0).all())


@pytest.mark.parametrize("name", NAMES)
def test_gradients_pass_also_where_inference_came_first(name: str) -> None:
    # An odd rate: no table of filters has been made for it yet.
    clips = torch.from_numpy(np.stack([chord(9001, 17011)]))
    with torch.inference_mode():
        represent(name)(clips, 17011)
    leaf = clips.clone().requires_grad_(True)
    inputs = represent(name)(leaf, 17011)
    if name not in COUNTED:
        inputs.sum().backward()
        assert bool(torch.isfinite(leaf.grad).all())


@pytest.mark.data
@pytest.mark.parametrize("name", NAMES)
def test_real_speech_is_neither_cut_off_nor_all_alike(name: str, audit_data: Path) -> None:
    spec = SpeechInput(RATE, 2.0, name)
    inputs = spec.represent(torch.from_numpy(speech(audit_data)).float())
    assert bool((inputs[0] - inputs[1]).abs().mean() > 1e-3 * inputs.std())
    assert float((inputs >= spec.bounds[1] - 1e-6).float().mean()) < 0.25


def test_an_input_specification_says_whether_gradients_pass() -> None:
    assert SpeechInput(RATE, 1.0, "cqt").differentiable
    assert not SpeechInput(RATE, 1.0, "zero_crossing_rate").differentiable
    assert not SpeechInput(RATE, 1.0, "preprocess", {"function": "mine.py:own"}).differentiable


def test_a_representation_has_gradients_unless_its_mark_says_otherwise() -> None:
    def own(waveforms: Any, sampling_rate: int) -> Any:
        return waveforms

    assert representation(bounds=None)(own).__audit__["gradients"] is True  # type: ignore[attr-defined]
    assert representation(bounds=None, gradients=False)(own).__audit__["gradients"] is False  # type: ignore[attr-defined]


def test_the_document_names_each_with_its_rows_and_its_gradients(repository: Path) -> None:
    text = (repository / "docs" / "your-model.md").read_text()
    told = {
        row[0]: row[1:] for row in re.findall(r"^\| `(\w+)` \|.*\| (\d*)[^|]*\|[^|]*\| (yes|no) \|$", text, flags=re.M)
    }
    assert set(told) == set(NAMES)
    for name, (rows, gradients) in told.items():
        inputs = represent(name)(torch.zeros(1, SAMPLES), RATE)
        assert rows == (str(inputs.shape[-2]) if inputs.ndim == 4 else "")
        assert (gradients == "yes") is method_of(name).facts["gradients"]
