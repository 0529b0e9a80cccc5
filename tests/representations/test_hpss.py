"""Harmonic and percussive parts against librosa's."""

from pathlib import Path

import librosa
import numpy as np
import pytest
import torch

from audit.errors import ModelError
from audit.representations.hpss import hpss

from .sounds import RATES, Clip, batch, clips, speech

SETTINGS = [
    {},
    {"kernel_size": 8, "mask_power": 1.0, "margin": 3.0, "n_fft": 512, "hop_length": 256},
    {"kernel_size": 17, "mask_power": float("inf"), "n_mels": None, "win_length": 800},
    {"mask_power": 0.5, "n_mels": 40, "mel_scale": "htk", "norm": None},
]


def by_librosa(clip: Clip, rate: int, keys: dict) -> Clip:
    given = {"n_fft": 1024, "hop_length": 512, "win_length": None, "n_mels": 128, "kernel_size": 31} | keys
    magnitudes = np.abs(librosa.stft(clip, **{key: given[key] for key in ("n_fft", "hop_length", "win_length")}))
    parts = librosa.decompose.hpss(
        magnitudes, kernel_size=given["kernel_size"], power=keys.get("mask_power", 2.0), margin=keys.get("margin", 1.0)
    )
    energy = np.stack(parts) ** 2
    if given["n_mels"] is None:
        return energy
    bank = {"htk": keys.get("mel_scale") == "htk", "norm": keys.get("norm", "slaney"), "dtype": np.float64}
    return librosa.filters.mel(sr=rate, n_fft=given["n_fft"], n_mels=given["n_mels"], **bank) @ energy


@pytest.mark.filterwarnings("ignore:n_fft=.* is too large:UserWarning", "ignore:Empty filters:UserWarning")
@pytest.mark.parametrize("keys", SETTINGS, ids=["default", "margin", "hard masks", "soft masks"])
@pytest.mark.parametrize("rate", RATES)
def test_both_parts_equal_librosas_within_1e_9(keys: dict, rate: int) -> None:
    for kind, clip in clips(rate, seconds=0.5).items():
        ours = hpss(batch(clip), rate, scaling="power", **keys)[0].numpy()
        np.testing.assert_allclose(ours, by_librosa(clip, rate, keys), rtol=1e-7, atol=1e-9, err_msg=kind)


@pytest.mark.data
def test_on_real_speech_levels_of_single_precision_are_within_1e_3_of_librosa(audit_data: Path) -> None:
    for clip in speech(audit_data, seconds=1.0):
        expected = librosa.power_to_db(by_librosa(clip, 16000, {}), ref=np.max) / 80 + 1
        np.testing.assert_allclose(hpss(batch(clip).float(), 16000)[0].numpy(), expected, rtol=0, atol=1e-3)


def test_one_component_is_that_channel_of_both_and_both_hold_all_of_the_clip() -> None:
    clip = batch(clips(16000, seconds=0.5)["chord"])
    both = hpss(clip, 16000, scaling="power", mask_power=1.0, n_mels=None)
    for channel, component in enumerate(("harmonic", "percussive")):
        alone = hpss(clip, 16000, scaling="power", mask_power=1.0, n_mels=None, component=component)
        assert torch.equal(alone, both[:, channel : channel + 1])
    whole = torch.stft(
        clip, 1024, 512, window=torch.hann_window(1024, dtype=clip.dtype), pad_mode="constant", return_complex=True
    )
    torch.testing.assert_close(both.sqrt().sum(1), whole.abs(), rtol=1e-9, atol=1e-9)


def test_a_tone_is_harmonic_and_a_click_percussive() -> None:
    tone = 0.5 * torch.sin(2 * torch.pi * 1000 * torch.arange(16000) / 16000)[None]
    click = torch.zeros(1, 16000)
    click[0, 8000] = 1.0
    for clip, louder, quieter in ((tone, 0, 1), (click, 1, 0)):
        found = hpss(clip, 16000, scaling="power")[0, :, :, 2:-2].sum(dim=(1, 2))
        assert found[louder] > 100 * found[quieter]


def test_a_margin_below_1_and_a_mask_without_power_are_refused() -> None:
    for keys, told in (({"margin": 0.5}, "margin: 0.5"), ({"mask_power": 0.0}, "mask_power: 0 and kernel_size: 31")):
        with pytest.raises(ModelError, match=told):
            hpss(torch.zeros(1, 4000), 16000, **keys)


def test_its_gradient_agrees_with_finite_differences() -> None:
    waveform = torch.from_numpy(clips(16000)["short"][None, :1200]).requires_grad_(True)
    keys = {"n_fft": 128, "hop_length": 64, "kernel_size": 5, "n_mels": 8, "scaling": "power"}
    assert torch.autograd.gradcheck(lambda w: hpss(w, 16000, **keys).sqrt().sum(), waveform, fast_mode=True, eps=1e-8)
