"""Pitch classes and tonal centroids against librosa's."""

from pathlib import Path

import librosa
import numpy as np
import pytest
import torch

from audit.errors import ModelError
from audit.representations.chroma import chroma
from audit.representations.chroma_cqt import chroma_cqt
from audit.representations.tonnetz import tonnetz

from .sounds import RATES, batch, chord, clips, speech

pytestmark = [
    pytest.mark.filterwarnings("ignore:n_fft=.* is too large:UserWarning"),
    pytest.mark.filterwarnings("ignore:Trying to estimate tuning:UserWarning"),
]
NORMS = {"max": np.inf, None: None, 1.0: 1, 2.0: 2}
CHROMA = [
    {},
    {"tuning": None, "norm": 2.0},
    {"tuning": -0.2, "n_chroma": 24, "octwidth": None, "base_c": False, "norm": None, "n_fft": 4096},
    {"ctroct": 4.0, "hop_length": 160, "win_length": 800, "window": "hamming", "norm": 1.0},
]
CHROMA_CQT = [
    {},
    {"tuning": None, "norm": 2.0},
    {"n_octaves": 6, "bins_per_octave": 24, "n_chroma": 24, "fmin": 70.0, "norm": None, "hop_length": 256},
    {"threshold": 0.02, "norm": 1.0},
]


def theirs(keys: dict) -> dict:
    found = {"tuning": 0.0} | keys
    return found | {"norm": NORMS[keys.get("norm", "max")]}


@pytest.mark.parametrize("keys", CHROMA, ids=["default", "estimated tuning", "fine", "one third"])
@pytest.mark.parametrize("rate", RATES)
def test_of_a_spectrogram_it_equals_librosa_within_1e_6(keys: dict, rate: int) -> None:
    for kind, clip in clips(rate).items():
        ours = chroma(batch(clip), rate, **keys)[0, 0].numpy()
        expected = librosa.feature.chroma_stft(y=clip, sr=rate, **theirs(keys))
        np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-6, err_msg=kind)


@pytest.mark.parametrize("keys", CHROMA_CQT, ids=["default", "estimated tuning", "fine", "threshold"])
@pytest.mark.parametrize("rate", RATES)
def test_of_a_constant_q_transform_it_equals_librosa_within_2e_5(keys: dict, rate: int) -> None:
    for kind in ("noise", "chord", "silence", "short"):
        clip = clips(rate)[kind]
        ours = chroma_cqt(batch(clip), rate, **keys)[0, 0].numpy()
        expected = librosa.feature.chroma_cqt(y=clip, sr=rate, **theirs(keys))
        np.testing.assert_allclose(ours, expected, rtol=0, atol=2e-5, err_msg=kind)


@pytest.mark.parametrize("keys", [{}, {"tuning": None, "bins_per_octave": 12}], ids=["default", "estimated tuning"])
@pytest.mark.parametrize("rate", RATES)
def test_tonal_centroids_equal_librosas_within_2e_5(keys: dict, rate: int) -> None:
    for kind in ("noise", "chord", "silence", "short"):
        clip = clips(rate)[kind]
        ours = tonnetz(batch(clip), rate, **keys)[0, 0].numpy()
        expected = librosa.feature.tonnetz(y=clip, sr=rate, **({"tuning": 0.0} | keys))
        np.testing.assert_allclose(ours, expected, rtol=0, atol=2e-5, err_msg=kind)


@pytest.mark.data
def test_on_real_speech_single_precision_is_within_1e_3_of_librosa(audit_data: Path) -> None:
    for clip in speech(audit_data, seconds=1.0):
        heard = batch(clip).float()
        for ours, expected in (
            (chroma(heard, 16000), librosa.feature.chroma_stft(y=clip, sr=16000, tuning=0.0)),
            (chroma_cqt(heard, 16000), librosa.feature.chroma_cqt(y=clip, sr=16000, tuning=0.0)),
            (tonnetz(heard, 16000), librosa.feature.tonnetz(y=clip, sr=16000, tuning=0.0)),
        ):
            np.testing.assert_allclose(ours[0, 0].numpy(), expected, rtol=0, atol=1e-3)


def test_silence_after_a_tone_stays_0_where_librosa_normalises_what_resampling_leaves() -> None:
    rate = 16000
    clip = np.concatenate([chord(rate, rate), np.zeros(7 * rate)])
    ours = chroma_cqt(batch(clip), rate)[0, 0].numpy()
    assert (ours[:, -64:] == 0).all()
    assert (librosa.feature.chroma_cqt(y=clip, sr=rate, tuning=0.0)[:, -64:].max(axis=0) == 1).any()
    assert (tonnetz(batch(clip), rate)[0, 0, :, -64:] == 0).all()


@pytest.mark.parametrize("method", [chroma, chroma_cqt])
def test_a_note_is_in_its_row(method) -> None:  # type: ignore[no-untyped-def]
    rate = 16000
    for row, hertz in ((9, 440.0), (0, 523.25)):
        note = np.sin(2 * np.pi * hertz * np.arange(2 * rate) / rate)
        assert (method(batch(note), rate)[0, 0, :, 20:40].argmax(0) == row).all()


def test_each_clip_of_a_batch_has_its_own_tuning() -> None:
    pair = torch.from_numpy(np.stack([chord(16000, 16000, 223.0), chord(16000, 16000, 236.0)]))
    for method in (chroma, chroma_cqt):
        together = method(pair, 16000, tuning=None)
        torch.testing.assert_close(together[1:], method(pair[1:], 16000, tuning=None), rtol=0, atol=1e-9)
        assert not torch.allclose(together, method(pair, 16000), atol=0.01)


def test_a_norm_below_1_is_refused() -> None:
    with pytest.raises(ModelError, match=r"norm: 0\.5 is not allowed; give max"):
        chroma(torch.zeros(1, 4000), 16000, norm=0.5)


@pytest.mark.parametrize("norm", ["max", 1.0, 2.0, None])
def test_its_gradient_agrees_with_finite_differences(norm: float | str | None) -> None:
    waveform = torch.from_numpy(chord(1200, 8000)[None]).requires_grad_(True)
    weights = torch.rand(12, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert torch.autograd.gradcheck(
        lambda w: (weights * chroma(w, 8000, n_fft=512, hop_length=256, norm=norm)).sum(), waveform, fast_mode=True
    )
