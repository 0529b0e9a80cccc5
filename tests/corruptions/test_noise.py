"""Gaussian and white noise by their definitions, and sample by sample."""

import pytest
import torch
from torch import Tensor

from audit.checks.change import snr_db
from audit.corruptions.gaussian_noise import gaussian_noise
from audit.corruptions.white_noise import white_noise
from audit.input_spec import InputSpec, SpeechInput
from audit.randomness import SampleRng

WAVES = SpeechInput(16000, 1.0, "waveform")


def test_gaussian_noise_is_the_published_formula(mels: Tensor, nemo_spec: InputSpec) -> None:
    noisy = gaussian_noise(mels, nemo_spec, SampleRng([1, 2, 3, 4]), sigma=0.1)
    expected = (mels + 0.1 * SampleRng([1, 2, 3, 4]).normal(mels)).clip(0, 1)
    assert torch.equal(noisy, expected)


def test_its_spread_is_sigma_where_nothing_is_clipped(nemo_spec: InputSpec, rng: SampleRng) -> None:
    middle = torch.full((4, 1, 128, 94), 0.5)
    assert float((gaussian_noise(middle, nemo_spec, rng, sigma=0.05) - middle).std()) == pytest.approx(0.05, rel=0.02)


def test_no_sigma_changes_nothing(mels: Tensor, nemo_spec: InputSpec, rng: SampleRng) -> None:
    assert torch.equal(gaussian_noise(mels, nemo_spec, rng, sigma=0.0), mels)


@pytest.mark.parametrize("level", [-5.0, 0.0, 20.0, 40.0])
def test_white_noise_meets_its_ratio_exactly(level: float, rng: SampleRng) -> None:
    waves = 0.1 * torch.sin(torch.arange(16000) / 20).repeat(4, 1)
    reached = snr_db(waves, white_noise(waves, WAVES, rng, snr_db=level))
    torch.testing.assert_close(reached, torch.full((4,), level).double(), rtol=0, atol=1e-5)


def test_a_clips_noise_does_not_depend_on_its_batch(mels: Tensor, nemo_spec: InputSpec) -> None:
    whole = gaussian_noise(mels, nemo_spec, SampleRng([1, 2, 3, 4]), sigma=0.1)
    alone = gaussian_noise(mels[2:3], nemo_spec, SampleRng([3]), sigma=0.1)
    assert torch.equal(whole[2:3], alone)


def test_drawing_noise_leaves_the_global_generator_alone(mels: Tensor, nemo_spec: InputSpec, rng: SampleRng) -> None:
    before = torch.get_rng_state()
    gaussian_noise(mels, nemo_spec, rng, sigma=0.1)
    assert torch.equal(torch.get_rng_state(), before)
