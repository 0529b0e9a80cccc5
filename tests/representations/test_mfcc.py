"""MFCCs against librosa's."""

import librosa
import numpy as np
import pytest
import torch

from audit.representations.mfcc import mfcc

SETTINGS = [
    {},
    {"n_mfcc": 40, "n_fft": 512, "hop_length": 160, "n_mels": 64, "fmin": 50.0, "fmax": 7000.0},
    {"n_mfcc": 13, "lifter": 22.0, "window": "hamming"},
]


@pytest.mark.parametrize("keys", SETTINGS, ids=["default", "narrow", "liftered"])
def test_it_equals_librosa_within_1e_5(keys: dict) -> None:
    waveforms = np.random.default_rng(0).normal(0, 0.1, (3, 16000))
    ours = mfcc(torch.from_numpy(waveforms), 16000, **keys)[:, 0].numpy()
    means = mfcc(torch.from_numpy(waveforms), 16000, mean=True, **keys)
    assert means.shape == (3, 1, keys.get("n_mfcc", 20), 1)
    for got, mean, waveform in zip(ours, means[:, 0, :, 0].numpy(), waveforms, strict=True):
        expected = librosa.feature.mfcc(y=waveform, sr=16000, dtype=np.float64, **keys)
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-5)
        np.testing.assert_allclose(mean, expected.mean(axis=1), rtol=1e-9, atol=1e-5)


def test_gradients_reach_the_waveform() -> None:
    waveforms = torch.randn(1, 4000, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    few = {"n_fft": 256, "hop_length": 128, "n_mels": 16, "n_mfcc": 4, "mean": True}
    assert torch.autograd.gradcheck(
        lambda x: mfcc(torch.cat([x, waveforms[:, 5:]], 1), 16000, **few),
        waveforms[:, :5].clone().requires_grad_(True),
    )
