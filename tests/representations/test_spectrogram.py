"""The spectrogram against librosa's."""

from pathlib import Path

import librosa
import numpy as np
import pytest
import torch

from audit.errors import ModelError
from audit.representations.spectrogram import _axes, spectrogram

from .sounds import RATES, Clip, batch, clips, speech

SETTINGS = [{}, {"n_fft": 512, "win_length": 400, "hop_length": 160, "window": "hamming"}, {"power": 1.0}]


def by_librosa(clip: Clip, keys: dict, scaling: str) -> Clip:
    power = keys.get("power", 2.0)
    transform = {"n_fft": 1024, "hop_length": 512} | {k: v for k, v in keys.items() if k != "power"}
    cells = np.abs(librosa.stft(clip, **transform)) ** power
    level = cells if scaling == "power" else librosa.power_to_db(cells, ref=np.max)
    return np.clip(level / 80 + 1, 0, 1) if scaling == "unit" else level


@pytest.mark.filterwarnings("ignore:n_fft=.* is too large:UserWarning")
@pytest.mark.parametrize("keys", SETTINGS, ids=["default", "narrow", "magnitude"])
@pytest.mark.parametrize("scaling", ["unit", "decibel", "power"])
@pytest.mark.parametrize("rate", RATES)
def test_it_equals_librosa_within_1e_9(keys: dict, scaling: str, rate: int) -> None:
    for kind, clip in clips(rate).items():
        ours = spectrogram(batch(clip), rate, scaling=scaling, **keys)[0, 0].numpy()
        np.testing.assert_allclose(ours, by_librosa(clip, keys, scaling), rtol=1e-9, atol=1e-9, err_msg=kind)


@pytest.mark.data
def test_on_real_speech_single_precision_is_within_2e_4_of_librosa(audit_data: Path) -> None:
    for clip in speech(audit_data):
        ours = spectrogram(batch(clip).float(), 16000)[0, 0].numpy()
        np.testing.assert_allclose(ours, by_librosa(clip, {}, "unit"), rtol=0, atol=2e-4)


def test_a_tone_is_found_where_the_axes_say() -> None:
    rate = 16000
    tone = np.sin(2 * np.pi * 3000 * np.arange(rate) / rate) * (np.arange(rate) > rate // 2)
    cells = spectrogram(batch(tone), rate)[0, 0]
    axes = _axes(rate, rate)
    assert cells.shape == (len(axes.hertz), len(axes.seconds))
    assert axes.hertz[int(cells.sum(1).argmax())] == 3000
    assert axes.seconds[int((cells.amax(0) > 0.9).nonzero()[0])] == pytest.approx(0.5, abs=0.04)


def test_unit_needs_a_floor() -> None:
    with pytest.raises(ModelError, match="give top_db, or scaling: decibel"):
        spectrogram(torch.zeros(1, 4000), 16000, top_db=None)
