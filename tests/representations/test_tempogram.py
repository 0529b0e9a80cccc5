"""Tempograms and their derivatives against librosa's."""

from pathlib import Path

import librosa
import numpy as np
import pytest
import torch

from audit.errors import ModelError
from audit.representations.delta_tempogram import _bounds, delta_tempogram
from audit.representations.tempogram import tempogram

from .sounds import RATES, Clip, batch, clips, speech

pytestmark = pytest.mark.filterwarnings("ignore:n_fft=.* is too large:UserWarning")
NORMS = {"max": np.inf, None: None, 1.0: 1, 2.0: 2}
SETTINGS = [
    {},
    {"win_length": 33, "hop_length": 160, "norm": 2.0},
    {"win_length": 64, "window": "hamming", "norm": None},
]


def by_librosa(clip: Clip, rate: int, keys: dict) -> Clip:
    return librosa.feature.tempogram(y=clip, sr=rate, **(keys | {"norm": NORMS[keys.get("norm", "max")]}))


@pytest.mark.parametrize("keys", SETTINGS, ids=["default", "short", "unnormalised"])
@pytest.mark.parametrize("rate", RATES)
def test_it_equals_librosa_within_1e_6(keys: dict, rate: int) -> None:
    for kind, clip in clips(rate).items():
        ours = tempogram(batch(clip), rate, **keys)[0, 0].numpy()
        np.testing.assert_allclose(ours, by_librosa(clip, rate, keys), rtol=1e-5, atol=1e-6, err_msg=kind)


@pytest.mark.parametrize("derived", [{}, {"width": 5, "order": 2}], ids=["first", "second"])
@pytest.mark.parametrize("keys", SETTINGS, ids=["default", "short", "unnormalised"])
def test_the_derivative_equals_librosas_within_1e_6(keys: dict, derived: dict) -> None:
    for kind, clip in clips(16000).items():
        if kind == "short" and keys.get("hop_length") != 160:
            continue
        ours = delta_tempogram(batch(clip), 16000, **keys, **derived)[0, 0].numpy()
        expected = librosa.feature.delta(by_librosa(clip, 16000, keys), **derived)
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-6, err_msg=kind)


@pytest.mark.data
def test_on_real_speech_single_precision_is_within_1e_4_of_librosa(audit_data: Path) -> None:
    for clip in speech(audit_data):
        expected, single = by_librosa(clip, 16000, {}), batch(clip).float()
        np.testing.assert_allclose(tempogram(single, 16000)[0, 0].numpy(), expected, rtol=0, atol=1e-4)
        derived = librosa.feature.delta(expected)
        np.testing.assert_allclose(delta_tempogram(single, 16000)[0, 0].numpy(), derived, rtol=0, atol=1e-5)


def test_strokes_at_a_steady_pace_have_their_lag() -> None:
    rate, hop = 16000, 160
    clip = np.zeros(4 * rate)
    clip[:: rate // 4] = 1.0
    found = tempogram(batch(clip), rate, hop_length=hop, win_length=100)[0, 0, :, 150:250].mean(1)
    assert int(found[10:].argmax()) + 10 == rate // 4 // hop


def test_what_it_swings_between_is_what_its_bounds_say() -> None:
    assert _bounds() == pytest.approx((-1 / 6, 1 / 6))
    assert _bounds(norm=None) == (-float("inf"), float("inf"))


@pytest.mark.parametrize("keys", [{"width": 4}, {"width": 1}, {"width": 99}, {"order": 9}, {"order": 0}], ids=str)
def test_a_derivative_over_frames_that_cannot_be_is_refused(keys: dict) -> None:
    with pytest.raises(ModelError, match="is not allowed; give"):
        delta_tempogram(torch.zeros(1, 16000), 16000, **keys)


def test_its_gradient_agrees_with_finite_differences() -> None:
    waveform = torch.from_numpy(clips(8000)["chord"][None, :3000]).requires_grad_(True)
    keys = {"n_fft": 256, "hop_length": 128, "n_mels": 12, "win_length": 16}
    for method in (tempogram, delta_tempogram):
        assert torch.autograd.gradcheck(
            lambda w, method=method: method(w, 8000, **keys).square().sum(), waveform, fast_mode=True
        )
