"""Spectral contrast, and the vector it is part of, against librosa's."""

from pathlib import Path

import librosa
import numpy as np
import pytest
import torch

from audit.errors import ModelError
from audit.representations.spectral_contrast import spectral_contrast
from audit.representations.spectral_vector import spectral_vector

from .sounds import RATES, Clip, batch, clips, speech

pytestmark = pytest.mark.filterwarnings("ignore:n_fft=.* is too large:UserWarning")
SETTINGS = [
    {},
    {"n_fft": 1024, "hop_length": 160, "win_length": 400, "fmin": 100.0, "n_bands": 4, "quantile": 0.2},
    {"window": "hamming", "n_bands": 1, "fmin": 1000.0},
]


@pytest.mark.parametrize("keys", SETTINGS, ids=["default", "narrow", "two bands"])
@pytest.mark.parametrize("linear", [False, True], ids=["decibel", "linear"])
@pytest.mark.parametrize("rate", RATES)
def test_it_equals_librosa_within_1e_6(keys: dict, linear: bool, rate: int) -> None:
    for kind, clip in clips(rate).items():
        ours = spectral_contrast(batch(clip), rate, scaling="linear" if linear else "decibel", **keys)[0, 0].numpy()
        expected = librosa.feature.spectral_contrast(y=clip, sr=rate, linear=linear, **keys)
        np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-6, err_msg=kind)
        if not linear:
            unit = spectral_contrast(batch(clip), rate, most_db=20.0, **keys)[0, 0].numpy()
            np.testing.assert_allclose(unit, np.clip(expected / 20, 0, 1), rtol=1e-6, atol=1e-6, err_msg=kind)


@pytest.mark.parametrize("keys", [{"fmin": 3.0}, {"n_bands": 8}, {"quantile": 1.0}], ids=str)
def test_bands_without_bins_and_quantiles_outside_0_and_1_are_refused(keys: dict) -> None:
    with pytest.raises(ModelError, match=r"take fewer n_bands, another fmin|give a share between"):
        spectral_contrast(torch.zeros(1, 4000), 16000, **keys)


def test_a_tone_has_more_contrast_than_noise() -> None:
    rate = 16000
    tone = torch.sin(2 * torch.pi * 600 * torch.arange(rate) / rate)[None]
    noise = batch(clips(rate)["noise"])
    tonal, noisy = (spectral_contrast(clip, rate)[0, 0, 2, 5:-5].mean() for clip in (tone, noise))
    assert tonal > 2 * noisy


def test_its_gradient_agrees_with_finite_differences() -> None:
    waveform = torch.from_numpy(clips(16000)["short"][None, :1200]).requires_grad_(True)
    keys = {"n_fft": 256, "hop_length": 128, "n_bands": 4, "scaling": "decibel"}
    assert torch.autograd.gradcheck(lambda w: spectral_contrast(w, 16000, **keys).sum(), waveform, fast_mode=True)


def vector_by_librosa(clip: Clip, rate: int, n_mfcc: int = 44, n_bands: int = 6, **keys: int) -> Clip:
    parts = (
        librosa.feature.mfcc(y=clip, sr=rate, n_mfcc=n_mfcc, dtype=np.float64, **keys),
        librosa.feature.spectral_centroid(y=clip, sr=rate, **keys),
        librosa.feature.spectral_contrast(y=clip, sr=rate, n_bands=n_bands, **keys),
    )
    return np.concatenate([part.mean(axis=1) for part in parts])


@pytest.mark.parametrize("keys", [{}, {"n_mfcc": 13, "n_bands": 4, "n_fft": 1024, "hop_length": 256}], ids=str)
@pytest.mark.parametrize("rate", RATES)
def test_the_vector_is_librosas_means_one_after_the_other(keys: dict, rate: int) -> None:
    for kind, clip in clips(rate).items():
        ours = spectral_vector(batch(clip), rate, **keys)
        assert ours.shape == (1, 1, 52 if not keys else 19, 1)
        np.testing.assert_allclose(
            ours[0, 0, :, 0].numpy(), vector_by_librosa(clip, rate, **keys), rtol=1e-6, atol=1e-5, err_msg=kind
        )


@pytest.mark.data
def test_on_real_speech_single_precision_is_within_a_fiftieth_of_a_decibel_of_librosa(audit_data: Path) -> None:
    for clip in speech(audit_data):
        found = spectral_vector(batch(clip).float(), 16000)[0, 0, :, 0].numpy()
        np.testing.assert_allclose(found, vector_by_librosa(clip, 16000), rtol=1e-4, atol=1e-3)
        contrast = librosa.feature.spectral_contrast(y=clip, sr=16000)
        ours = spectral_contrast(batch(clip).float(), 16000, scaling="decibel")[0, 0].numpy()
        np.testing.assert_allclose(ours, contrast, rtol=0, atol=2e-2)
