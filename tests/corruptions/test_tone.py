"""A tone by its definition: its frequency, its level, its own phase per clip, and what it refuses."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from audit.checks.change import snr_db
from audit.corruptions.tone import tone
from audit.errors import MethodError
from audit.input_spec import SpeechInput
from audit.randomness import SampleRng

WAVES = SpeechInput(16000, 1.0, "waveform")


@pytest.fixture
def waves() -> Tensor:
    return 0.1 * torch.randn(4, 16000, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("level", [0.0, 20.0, 40.0])
@pytest.mark.parametrize("hertz", [50.0, 997.0, 7999.0])
def test_it_meets_its_ratio_exactly(waves: Tensor, rng: SampleRng, hertz: float, level: float) -> None:
    reached = snr_db(waves, tone(waves, WAVES, rng, hertz=hertz, snr_db=level))
    torch.testing.assert_close(reached, torch.full((4,), level).double(), rtol=0, atol=2e-4)


@pytest.mark.parametrize("hertz", [50.0, 440.0, 3500.0])
def test_all_that_is_added_lies_at_its_frequency(waves: Tensor, rng: SampleRng, hertz: float) -> None:
    added = (tone(waves, WAVES, rng, hertz=hertz) - waves).double().numpy()
    energy = np.abs(np.fft.rfft(added)) ** 2
    assert (energy.argmax(axis=1) == round(hertz)).all()
    assert (energy[:, round(hertz)] / energy.sum(axis=1) > 0.9999).all()


def test_it_is_a_sine_of_the_clips_own_phase(waves: Tensor) -> None:
    seeds = [11, 22, 33, 44]
    phases = SampleRng(seeds).uniform(waves[:, :1]).double()
    times = torch.arange(16000, dtype=torch.float64) / 16000
    expected = []
    for wave, phase in zip(waves.double(), phases, strict=True):
        sine = torch.sin(2 * math.pi * (440.0 * times + phase))
        expected.append(wave + sine * 0.1 * wave.square().mean().sqrt() / sine.square().mean().sqrt())
    found = tone(waves, WAVES, SampleRng(seeds), hertz=440.0)
    torch.testing.assert_close(found, torch.stack(expected).float(), rtol=0, atol=1e-6)
    assert len(set(phases.flatten().tolist())) == 4


def test_a_clips_tone_does_not_depend_on_its_batch(waves: Tensor) -> None:
    whole = tone(waves, WAVES, SampleRng([1, 2, 3, 4]), hertz=440.0)
    assert torch.equal(whole[2:3], tone(waves[2:3], WAVES, SampleRng([3]), hertz=440.0))


def test_silence_stays_silent_and_the_clip_that_was_given_stays_as_it_was(rng: SampleRng) -> None:
    silence = torch.zeros(4, 16000)
    assert not tone(silence, WAVES, rng, hertz=440.0).any()
    assert not silence.any()


@pytest.mark.parametrize("hertz", [0.0, -1.0, 8000.0, math.nan])
def test_a_frequency_that_the_clip_cannot_hold_is_refused(waves: Tensor, rng: SampleRng, hertz: float) -> None:
    with pytest.raises(MethodError, match="above 0 and below 8000, half the sampling rate"):
        tone(waves, WAVES, rng, hertz=hertz)
