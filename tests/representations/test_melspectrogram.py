"""The mel-spectrogram against librosa's."""

from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
import torch

from audit.errors import ModelError
from audit.representations.melspectrogram import melspectrogram

SETTINGS = [
    {},
    {"n_fft": 512, "hop_length": 160, "win_length": 400, "n_mels": 64, "fmin": 50.0, "fmax": 7000.0},
    {"window": "hamming", "power": 1.0, "mel_scale": "htk", "norm": None},
    {"ref": 1.0, "top_db": 60.0, "amin": 1e-8},
]


def clips(kind: str, data: Path | None) -> np.ndarray:
    if kind == "noise":
        return np.random.default_rng(0).normal(0, 0.1, (3, 48000))
    assert data is not None
    paths = sorted((data / "nemo" / "samples").glob("*.flac"))[:3]
    return np.stack([librosa.util.fix_length(soundfile.read(path)[0], size=48000) for path in paths])


def by_librosa(waveform: np.ndarray, keys: dict, scaling: str) -> np.ndarray:
    defaults = {"n_fft": 1024, "hop_length": 512, "n_mels": 128, "power": 2.0, "norm": "slaney", "fmax": 8000.0}
    mel_keys = {k: v for k, v in keys.items() if k not in ("ref", "amin", "top_db", "mel_scale")}
    mel = librosa.feature.melspectrogram(
        y=waveform, sr=16000, htk=keys.get("mel_scale") == "htk", dtype=np.float64, **(defaults | mel_keys)
    )
    if scaling == "power":
        return mel
    top = keys.get("top_db", 80.0)
    ref = np.max if keys.get("ref", "max") == "max" else keys["ref"]
    level = librosa.power_to_db(mel, ref=ref, amin=keys.get("amin", 1e-10), top_db=top)
    return np.clip(level / top + 1, 0, 1) if scaling == "unit" else level


@pytest.mark.parametrize("keys", SETTINGS, ids=["default", "narrow", "magnitude-htk", "fixed-reference"])
@pytest.mark.parametrize("scaling", ["unit", "decibel", "power"])
@pytest.mark.parametrize("kind", ["noise", pytest.param("speech", marks=pytest.mark.data)])
def test_it_equals_librosa_within_1e_5(keys: dict, scaling: str, kind: str, request: pytest.FixtureRequest) -> None:
    data = request.getfixturevalue("audit_data") if kind == "speech" else None
    waveforms = clips(kind, data)
    ours = melspectrogram(torch.from_numpy(waveforms), 16000, scaling=scaling, **keys)[:, 0].numpy()
    for got, waveform in zip(ours, waveforms, strict=True):
        np.testing.assert_allclose(got, by_librosa(waveform, keys, scaling), rtol=1e-9, atol=1e-5)


def test_without_a_floor_the_faintest_power_is_librosas() -> None:
    waveform = clips("noise", None)[0] * np.linspace(1, 0, 48000) ** 8
    keys = {"top_db": None, "ref": 1.0}
    ours = melspectrogram(torch.from_numpy(waveform[None]), 16000, scaling="decibel", **keys)[0, 0].numpy()
    assert np.ptp(ours) > 90
    np.testing.assert_allclose(ours, by_librosa(waveform, keys, "decibel"), rtol=1e-9, atol=1e-5)
    with pytest.raises(ModelError, match="give top_db, or scaling: decibel"):
        melspectrogram(torch.from_numpy(waveform[None]), 16000, top_db=None)


@pytest.mark.data
def test_single_precision_on_real_speech_stays_within_1e_5_of_double(audit_data: Path) -> None:
    waveforms = torch.from_numpy(clips("speech", audit_data))
    single = melspectrogram(waveforms.float(), 16000).double()
    torch.testing.assert_close(single, melspectrogram(waveforms, 16000), rtol=0, atol=1e-5)


def test_its_gradient_agrees_with_finite_differences() -> None:
    waveform = torch.randn(1, 2048, dtype=torch.float64, generator=torch.Generator().manual_seed(3)) * 0.1
    keys = {"n_fft": 256, "hop_length": 128, "n_mels": 16, "scaling": "decibel", "top_db": 200.0, "ref": 1.0}
    assert torch.autograd.gradcheck(
        lambda w: melspectrogram(w, 16000, **keys).sum(dim=(1, 2, 3)),
        waveform.requires_grad_(True),
        fast_mode=True,
        atol=1e-4,
    )


def test_the_gradient_at_silence_is_finite() -> None:
    waveform = torch.zeros(1, 4096, requires_grad=True)
    melspectrogram(waveform, 16000).sum().backward()
    assert torch.isfinite(waveform.grad).all()


def test_the_input_stays_as_it_was() -> None:
    waveform = torch.rand(2, 4096)
    kept = waveform.clone()
    melspectrogram(waveform, 16000)
    assert torch.equal(waveform, kept)
