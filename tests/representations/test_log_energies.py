"""Log energies against their definition, frame by frame, and against librosa's filters."""

from pathlib import Path

import librosa
import numpy as np
import pytest
import torch

from audit.errors import ModelError
from audit.representations.log_energies import _axes, log_energies

from .sounds import RATES, Clip, batch, chord, clips, speech

SETTINGS = [
    {},
    {"frame_length": 400, "hop_length": 160, "n_fft": 512, "n_mels": 26, "fmin": 100.0, "fmax": 7000.0},
    {"frame_length": 1000, "alpha": 0.5, "mel_scale": "slaney", "norm": "slaney", "n_mels": 40},
]


def by_definition(clip: Clip, rate: int, keys: dict) -> Clip:
    """Return band energies (n_mels, frames): cut, multiply by the window, transform, sum under triangles."""
    length, hop = keys.get("frame_length", 1024), keys.get("hop_length", 512)
    alpha, size = keys.get("alpha", 0.53836), keys.get("n_fft", length)
    window = np.array([alpha - (1 - alpha) * np.cos(2 * np.pi * i / (length - 1)) for i in range(length)])
    bank = librosa.filters.mel(
        sr=rate,
        n_fft=size,
        n_mels=keys.get("n_mels", 64),
        fmin=keys.get("fmin", 0.0),
        fmax=keys.get("fmax"),
        htk=keys.get("mel_scale", "htk") == "htk",
        norm=keys.get("norm"),
        dtype=np.float64,
    )
    columns = []
    for start in range(0, len(clip) - length + 1, hop):
        spectrum = np.fft.rfft(np.concatenate([clip[start : start + length] * window, np.zeros(size - length)]))
        columns.append(bank @ np.abs(spectrum) ** 2)
    return np.stack(columns, axis=1)


@pytest.mark.parametrize("keys", SETTINGS, ids=["default", "padded", "von Hann"])
@pytest.mark.parametrize("rate", RATES)
def test_they_equal_their_definition_within_1e_9(keys: dict, rate: int) -> None:
    for kind, clip in clips(rate).items():
        expected = by_definition(clip, rate, keys)
        ours = log_energies(batch(clip), rate, scaling="power", **keys)[0, 0].numpy()
        np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-9, err_msg=kind)
        levels = log_energies(batch(clip), rate, scaling="decibel", ref=1.0, top_db=None, **keys)[0, 0].numpy()
        natural = np.log(np.maximum(expected, 1e-10))
        np.testing.assert_allclose(levels * np.log(10) / 10, natural, rtol=0, atol=1e-7, err_msg=kind)


def test_the_window_is_hammings_with_the_coefficients_53836_and_46164() -> None:
    clip = torch.zeros(1, 1024, dtype=torch.float64)
    clip[0, 256] = 1.0
    energy = log_energies(clip, 16000, scaling="power", n_mels=1, norm=None)[0, 0, 0, 0]
    at = 0.53836 - 0.46164 * np.cos(2 * np.pi * 256 / 1023)
    bank = librosa.filters.mel(sr=16000, n_fft=1024, n_mels=1, htk=True, norm=None, dtype=np.float64)
    assert float(energy) == pytest.approx(bank.sum() * at**2)


def test_they_equal_librosas_spectrogram_without_padding() -> None:
    window = 0.53836 - 0.46164 * np.cos(2 * np.pi * np.arange(1024) / 1023)
    clip = chord(16000, 16000)
    spectrum = librosa.stft(clip, n_fft=1024, hop_length=512, window=window, center=False)
    mel = librosa.feature.melspectrogram(
        S=np.abs(spectrum) ** 2, sr=16000, n_fft=1024, n_mels=64, htk=True, norm=None, dtype=np.float64
    )
    expected = librosa.power_to_db(mel, ref=np.max) / 80 + 1
    np.testing.assert_allclose(log_energies(batch(clip), 16000)[0, 0].numpy(), expected, rtol=0, atol=1e-9)


@pytest.mark.data
def test_on_real_speech_single_precision_is_within_1e_4_of_the_definition(audit_data: Path) -> None:
    for clip in speech(audit_data):
        expected = librosa.power_to_db(by_definition(clip, 16000, {}), ref=np.max) / 80 + 1
        np.testing.assert_allclose(log_energies(batch(clip).float(), 16000)[0, 0], expected, rtol=0, atol=1e-4)


def test_the_axes_name_the_middle_of_each_frame() -> None:
    axes = _axes(4096, 16000, frame_length=1024, hop_length=512)
    np.testing.assert_allclose(axes.seconds, (np.arange(7) * 512 + 512) / 16000)


def test_a_clip_shorter_than_a_frame_and_a_transform_shorter_than_one_are_refused() -> None:
    with pytest.raises(ModelError, match="clips of 800 samples are shorter than frame_length: 1024"):
        log_energies(torch.zeros(1, 800), 16000)
    with pytest.raises(ModelError, match="n_fft: 512 is shorter than frame_length: 1024"):
        log_energies(torch.zeros(1, 8000), 16000, n_fft=512)


def test_their_gradient_agrees_with_finite_differences() -> None:
    waveform = torch.from_numpy(chord(1500, 8000)[None]).requires_grad_(True)
    keys = {"frame_length": 256, "hop_length": 128, "n_mels": 12, "scaling": "decibel", "ref": 1.0}
    assert torch.autograd.gradcheck(lambda w: log_energies(w, 8000, **keys).sum(), waveform, fast_mode=True, atol=1e-4)
