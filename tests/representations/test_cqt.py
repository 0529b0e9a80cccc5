"""The constant-Q transform against librosa's, whose resampling is computed in single precision."""

from pathlib import Path

import librosa
import numpy as np
import pytest
import torch

from audit.errors import ModelError
from audit.representations.cqt import _axes, cqt

from .sounds import RATES, Clip, batch, chord, clips, speech

TOO_LONG = "ignore:n_fft=.* is too large:UserWarning"
SETTINGS = [
    {},
    {"fmin": 80.0, "n_bins": 144, "bins_per_octave": 24, "hop_length": 256},
    {"n_bins": 80, "filter_scale": 0.5, "sparsity": 0.0, "window": "hamming", "tuning": 0.3},
    {"n_bins": 17, "fmin": 300.0, "scale": False, "norm": 2.0, "hop_length": 501},
]
LOW = [{"n_bins": 40}, {"n_bins": 40, "scale": False, "norm": None, "hop_length": 1000}]
MAGNITUDE = {"power": 1.0, "scaling": "power"}


def close(ours: Clip, expected: Clip, kind: str, share: float = 1e-6) -> None:
    np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=share * max(expected.max(), 1e-3), err_msg=kind)


@pytest.mark.filterwarnings(TOO_LONG)
@pytest.mark.parametrize("keys", SETTINGS, ids=["default", "fine", "short filters", "few bins"])
@pytest.mark.parametrize("rate", RATES)
def test_magnitudes_equal_librosas_within_a_millionth_of_the_largest(keys: dict, rate: int) -> None:
    for kind, clip in clips(rate).items():
        ours = cqt(batch(clip), rate, **keys, **MAGNITUDE)[0, 0].numpy()
        close(ours, np.abs(librosa.cqt(clip, sr=rate, **keys)), kind)


@pytest.mark.filterwarnings(TOO_LONG)
@pytest.mark.parametrize("keys", LOW, ids=["scaled", "unscaled"])
@pytest.mark.parametrize("rate", RATES)
def test_low_bins_are_heard_at_a_quarter_of_the_rate_and_equal_librosas_but_for_the_ends(keys: dict, rate: int) -> None:
    # soxr treats the ends of a clip otherwise where it resamples by more than 2: faded out, they tell nothing.
    for kind, clip in clips(rate, seconds=2.0).items():
        faded = clip * np.hanning(len(clip))
        ours = cqt(batch(faded), rate, **keys, **MAGNITUDE)[0, 0].numpy()
        close(ours, np.abs(librosa.cqt(faded, sr=rate, **keys)), kind, share=1e-4)


@pytest.mark.filterwarnings(TOO_LONG)
@pytest.mark.parametrize("kind", ["noise", "chord"])
def test_levels_equal_librosas_within_a_hundredth_of_a_decibel(kind: str) -> None:
    clip = clips(24000)[kind]
    expected = librosa.amplitude_to_db(np.abs(librosa.cqt(clip, sr=24000)), ref=np.max)
    ours = cqt(batch(clip), 24000, scaling="decibel")[0, 0].numpy()
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-2)
    np.testing.assert_allclose(cqt(batch(clip), 24000)[0, 0].numpy(), expected / 80 + 1, rtol=0, atol=2e-4)


@pytest.mark.filterwarnings(TOO_LONG)
def test_the_tuning_of_each_clip_is_its_own() -> None:
    pair = np.stack([chord(16000, 16000, 223.0), chord(16000, 16000, 236.0)])
    ours = cqt(torch.from_numpy(pair), 16000, tuning=None, **MAGNITUDE)[:, 0].numpy()
    for got, clip in zip(ours, pair, strict=True):
        close(got, np.abs(librosa.cqt(clip, sr=16000, tuning=None)), "chord")
    assert not np.allclose(ours, cqt(torch.from_numpy(pair), 16000, **MAGNITUDE)[:, 0].numpy(), rtol=0.01)


@pytest.mark.filterwarnings(TOO_LONG)
@pytest.mark.data
def test_on_real_speech_single_precision_is_within_1e_3_of_librosa(audit_data: Path) -> None:
    for clip in speech(audit_data):
        expected = librosa.amplitude_to_db(np.abs(librosa.cqt(clip, sr=16000)), ref=np.max) / 80 + 1
        np.testing.assert_allclose(cqt(batch(clip).float(), 16000)[0, 0].numpy(), expected, rtol=0, atol=1e-3)


def test_a_note_is_found_where_the_axes_say() -> None:
    rate = 24000
    note = np.sin(2 * np.pi * 440 * np.arange(2 * rate + 1) / rate)
    cells, axes = cqt(batch(note), rate)[0, 0], _axes(2 * rate + 1, rate)
    assert cells.shape == (len(axes.hertz), len(axes.seconds))
    assert axes.hertz[int(cells.sum(1).argmax())] == pytest.approx(440, rel=1e-6)


@pytest.mark.parametrize("samples", [48000, 48001, 47999, 24576, 511])
def test_the_axes_have_as_many_columns_as_the_input_where_it_is_heard_at_half_its_rate(samples: int) -> None:
    assert len(_axes(samples, 48000).seconds) == cqt(torch.rand(1, samples), 48000).shape[-1]


def test_filters_beyond_half_the_sampling_rate_are_refused() -> None:
    with pytest.raises(ModelError, match=r"above the 4000 Hz .* take fewer bins"):
        cqt(torch.zeros(1, 8000), 8000)


def test_its_gradient_agrees_with_finite_differences() -> None:
    waveform = torch.from_numpy(chord(1500, 8000)[None]).requires_grad_(True)
    keys = {"fmin": 200.0, "n_bins": 24, "hop_length": 128, "scaling": "decibel", "ref": 1.0, "top_db": None}
    assert torch.autograd.gradcheck(
        lambda w: cqt(w, 8000, **keys).sum(dim=(1, 2, 3)), waveform, fast_mode=True, atol=1e-4
    )
