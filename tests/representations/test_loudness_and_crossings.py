"""Root mean squares and zero crossings against librosa's."""

from pathlib import Path

import librosa
import numpy as np
import pytest
import torch

from audit.errors import ModelError
from audit.representations.rms import rms
from audit.representations.spectrum import frame_axes
from audit.representations.zero_crossing_rate import zero_crossing_rate

from .sounds import RATES, batch, clips, speech

FRAMES = [{}, {"frame_length": 400, "hop_length": 160}, {"frame_length": 513, "hop_length": 100}]


@pytest.mark.parametrize("keys", FRAMES, ids=["default", "short", "odd"])
@pytest.mark.parametrize("rate", RATES)
def test_amplitudes_equal_librosas_within_1e_12(keys: dict, rate: int) -> None:
    for kind, clip in clips(rate).items():
        ours = rms(batch(clip), rate, scaling="amplitude", **keys)[0, 0].numpy()
        expected = librosa.feature.rms(y=clip, dtype=np.float64, **keys)
        np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-12, err_msg=kind)


def test_levels_equal_librosas_and_unit_is_their_share_of_the_floor() -> None:
    for kind, clip in clips(16000).items():
        amplitude = librosa.feature.rms(y=clip, dtype=np.float64)
        expected = librosa.amplitude_to_db(amplitude, ref=np.max, top_db=60.0)
        ours = rms(batch(clip), 16000, scaling="decibel", top_db=60.0)[0, 0].numpy()
        np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-9, err_msg=kind)
        np.testing.assert_allclose(rms(batch(clip), 16000, top_db=60.0)[0, 0], expected / 60 + 1, atol=1e-9)
    with pytest.raises(ModelError, match="give top_db"):
        rms(batch(clip), 16000, top_db=None)


def test_the_root_mean_square_of_a_sine_is_its_amplitude_over_the_root_of_2() -> None:
    sine = 0.5 * torch.sin(2 * torch.pi * 100 * torch.arange(16000) / 16000)[None]
    found = rms(sine, 16000, frame_length=1600, hop_length=160, scaling="amplitude")[0, 0, 0]
    torch.testing.assert_close(found[10:-10], torch.full_like(found[10:-10], 0.5 / 2**0.5), rtol=1e-5, atol=0)


def test_the_gradient_of_amplitudes_agrees_with_finite_differences() -> None:
    waveform = torch.from_numpy(clips(16000)["short"][None]).requires_grad_(True)
    keys = {"frame_length": 256, "hop_length": 128}
    assert torch.autograd.gradcheck(
        lambda w: rms(w, 16000, scaling="amplitude", **keys).square().sum(), waveform, fast_mode=True
    )


@pytest.mark.parametrize("keys", FRAMES, ids=["default", "short", "odd"])
@pytest.mark.parametrize("extra", [{}, {"threshold": 0.05}, {"zero_pos": False}, {"threshold": 0.0}], ids=str)
@pytest.mark.parametrize("rate", RATES)
def test_crossings_equal_librosas(keys: dict, extra: dict, rate: int) -> None:
    for kind, clip in clips(rate).items():
        ours = zero_crossing_rate(batch(clip), rate, **keys, **extra)[0, 0].numpy()
        expected = librosa.feature.zero_crossing_rate(clip, **keys, **extra)
        np.testing.assert_array_equal(ours, expected, err_msg=kind)
        assert len(frame_axes(len(clip), rate, **keys).seconds) == ours.shape[-1]


@pytest.mark.data
def test_on_real_speech_both_equal_librosas_in_single_precision(audit_data: Path) -> None:
    for clip in speech(audit_data):
        single = clip.astype(np.float32)
        crossings = zero_crossing_rate(batch(single), 16000)[0, 0].numpy()
        np.testing.assert_allclose(crossings, librosa.feature.zero_crossing_rate(single), rtol=0, atol=1e-7)
        amplitude = rms(batch(single), 16000, scaling="amplitude")[0, 0].numpy()
        np.testing.assert_allclose(amplitude, librosa.feature.rms(y=single), rtol=1e-5, atol=1e-7)


def test_a_count_of_crossings_has_no_gradient() -> None:
    assert not zero_crossing_rate(torch.rand(1, 4000, requires_grad=True), 16000).requires_grad
