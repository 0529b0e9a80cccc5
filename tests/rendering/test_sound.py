"""Clips to listen to: nothing changes where nothing was asked for, and what was hidden is gone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import soundfile
import torch
from numpy.typing import NDArray

from audit.data import Sample, Waveform, read_audio
from audit.errors import MethodError
from audit.input_spec import InputSpec, SpeechInput
from audit.rendering.sound import masked_clip, perturbed_clip, quantised, write_flac

MEL = SpeechInput(16000, 3.0, "melspectrogram", {})
WAVE = SpeechInput(16000, 3.0, "waveform", {})
SPECS = [
    MEL,
    replace(MEL, parameters={"n_fft": 512, "hop_length": 400, "n_mels": 40, "fmin": 60.0, "fmax": 7000.0}),
    replace(MEL, parameters={"n_fft": 2048, "win_length": 400, "hop_length": 160, "n_mels": 64}),
    replace(MEL, sampling_rate=22050, seconds=1.2345, parameters={"n_fft": 1024, "hop_length": 1024}),
    WAVE,
    replace(WAVE, parameters={"shape": "channel"}),
]


def noise(spec: InputSpec, seed: int = 0) -> Waveform:
    draws = np.random.default_rng(seed).standard_normal(spec.samples)
    return (0.1 * draws).astype(np.float32)


def represented(waveform: Waveform, spec: InputSpec) -> NDArray[np.float32]:
    return spec.represent(torch.from_numpy(waveform)[None])[0].numpy()


def cells(spec: InputSpec) -> tuple[int, int]:
    axes = spec.axes
    return (len(axes.hertz) if axes.hertz is not None else 1, len(axes.seconds))


def level_db(part: NDArray[np.floating], whole: NDArray[np.floating]) -> float:
    return float(10 * np.log10(np.square(part).sum() / np.square(whole).sum()))


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_a_mask_that_hides_nothing_returns_the_clip(spec: InputSpec) -> None:
    clip = noise(spec)
    kept = masked_clip(clip, spec, np.ones(cells(spec), bool))
    assert kept.shape == clip.shape
    assert kept.dtype == np.float32
    assert np.abs(kept - clip).max() < 1e-5


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_a_mask_that_hides_everything_leaves_silence(spec: InputSpec) -> None:
    assert np.abs(masked_clip(noise(spec), spec, np.zeros(cells(spec), bool))).max() == 0.0


def test_a_hidden_band_loses_40_db_and_the_rest_less_than_a_thousandth() -> None:
    """Leakage is that of one analysis window: within 50 Hz of the band's edges."""
    clip = noise(MEL)
    hertz = MEL.axes.hertz
    assert hertz is not None
    keep = np.ones(cells(MEL), bool)
    keep[(hertz >= 1000) & (hertz <= 2000)] = False
    before, after = np.abs(np.fft.rfft(clip)), np.abs(np.fft.rfft(masked_clip(clip, MEL, keep)))
    bins = np.fft.rfftfreq(len(clip), 1 / 16000)
    inside, outside = (bins > 1050) & (bins < 1950), (bins < 950) | (bins > 2050)
    assert level_db(after[inside], before[inside]) < -40
    assert level_db((after - before)[outside], before[outside]) < -30


def test_a_hidden_moment_is_silent_and_the_rest_untouched() -> None:
    """Leakage is that of one analysis window: within 64 ms of the moment's edges."""
    clip = noise(MEL)
    keep = np.ones(cells(MEL), bool)
    keep[:, 20:40] = False
    masked = masked_clip(clip, MEL, keep)
    seconds, columns = np.arange(len(clip)) / 16000, MEL.axes.seconds
    inside = (seconds > columns[20] + 0.064) & (seconds < columns[39] - 0.064)
    outside = (seconds < columns[20] - 0.064) | (seconds > columns[39] + 0.064)
    assert np.abs(masked[inside]).max() < 1e-6
    assert np.abs((masked - clip)[outside]).max() < 1e-6


def test_hidden_samples_of_a_waveform_model_are_silenced_and_no_others() -> None:
    clip = noise(WAVE)
    keep = np.ones((1, WAVE.samples), bool)
    keep[0, 5000:9000] = False
    expected = clip.copy()
    expected[5000:9000] = 0
    assert np.array_equal(masked_clip(clip, WAVE, keep), expected)


def test_a_mask_over_rows_that_are_no_frequencies_turns_moments_down() -> None:
    clip = noise(WAVE)
    keep = np.ones((4, WAVE.samples), bool)
    keep[0, 5000:9000] = False
    masked = masked_clip(clip, WAVE, keep)
    assert np.allclose(masked[5000:9000], 0.75 * clip[5000:9000], atol=1e-7)
    assert np.array_equal(masked[:5000], clip[:5000])


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_a_perturbation_that_changes_nothing_returns_the_clip(spec: InputSpec) -> None:
    clip = noise(spec)
    values = represented(clip, spec)
    assert np.abs(perturbed_clip(clip, spec, values, values) - clip).max() < 1e-5


@pytest.mark.parametrize(
    ("parameters", "change"),
    [
        ({}, lambda x: x - 6.0206 / 80),
        ({"top_db": 60}, lambda x: x - 6.0206 / 60),
        ({"scaling": "decibel"}, lambda x: x - 6.0206),
        ({"scaling": "power"}, lambda x: x / 4),
        ({"scaling": "power", "power": 1.0}, lambda x: x / 2),
        ({"scaling": "decibel", "power": 1.0}, lambda x: x - 3.0103),
    ],
)
def test_half_the_amplitude_everywhere_is_heard_as_half_the_amplitude(parameters: dict[str, object], change) -> None:  # type: ignore[no-untyped-def]
    spec = replace(MEL, parameters=parameters)
    clip = noise(spec)
    values = represented(clip, spec)
    assert np.abs(perturbed_clip(clip, spec, values, change(values)) - clip / 2).max() < 1e-4


def test_a_smooth_change_arrives_within_a_fifth_of_a_decibel() -> None:
    clip = noise(MEL)
    values = represented(clip, MEL)
    tilt = np.linspace(-8, 8, 128)[:, None] / 80
    target = values + tilt
    arrived = represented(perturbed_clip(clip, MEL, values, target), MEL)
    loud = values > 0.3
    error = 80 * (arrived - target)[loud]
    # A spectrogram relative to its own maximum knows no absolute level.
    assert np.sqrt(np.square(error - np.median(error)).mean()) < 0.2


def test_a_change_drawn_anew_for_every_cell_arrives_in_part() -> None:
    clip = noise(MEL)
    values = represented(clip, MEL)
    change = 0.05 * np.random.default_rng(1).standard_normal(values.shape)
    arrived = represented(perturbed_clip(clip, MEL, values, values + change), MEL) - values
    assert 0.35 < np.corrcoef(arrived.ravel(), change.ravel())[0, 1] < 0.95


def test_the_perturbed_input_of_a_waveform_model_is_what_is_heard() -> None:
    clip, other = noise(WAVE), noise(WAVE, seed=1)
    assert np.array_equal(perturbed_clip(clip, WAVE, clip, other), other)
    channel = replace(WAVE, parameters={"shape": "channel"})
    assert np.array_equal(perturbed_clip(clip, channel, clip[None], other[None]), other)


def test_a_gain_stays_within_40_decibels() -> None:
    clip = noise(MEL)
    values = np.zeros((1, *cells(MEL)), np.float32)
    louder = perturbed_clip(clip, MEL, values, values + 1.0)
    assert np.allclose(louder, 100 * clip, atol=1e-3)


def test_a_change_of_an_input_without_levels_is_refused() -> None:
    with pytest.raises(MethodError, match="no levels over frequency"):
        perturbed_clip(noise(WAVE), WAVE, np.zeros((4, 10)), np.zeros((4, 10)))


@pytest.mark.parametrize("bits", [16, 24])
def test_flac_reads_back_what_was_quantised(tmp_path: Path, bits: Literal[16, 24]) -> None:
    clip = noise(MEL)
    path = tmp_path / "clip.flac"
    write_flac(path, clip, 16000, bits)
    read, rate = soundfile.read(path, dtype="int32")
    assert rate == 16000
    assert soundfile.info(path).subtype == f"PCM_{bits}"
    assert np.array_equal(read >> (32 - bits), quantised(clip, bits))
    assert np.abs(read / 2**31 - clip).max() <= 0.5 / 2 ** (bits - 1) + 1e-9


@pytest.mark.parametrize("bits", [16, 24])
def test_a_16_bit_recording_is_written_bit_for_bit(tmp_path: Path, bits: Literal[16, 24]) -> None:
    recorded = np.random.default_rng(0).integers(-32768, 32768, 16000).astype(np.int16)
    write_flac(tmp_path / "clip.flac", (recorded / 32768).astype(np.float32), 16000, bits)
    assert np.array_equal(soundfile.read(tmp_path / "clip.flac", dtype="int16")[0], recorded)


def test_an_attack_of_one_step_of_16_bits_survives_in_24(tmp_path: Path) -> None:
    clip = noise(MEL)
    change = np.float32(3e-5) * np.sign(noise(MEL, 1))
    for name, values in (("before", clip), ("after", clip + change)):
        write_flac(tmp_path / name, values, 16000, 24)
    heard = soundfile.read(tmp_path / "after")[0] - soundfile.read(tmp_path / "before")[0]
    assert np.corrcoef(heard, change)[0, 1] > 0.999


def test_a_clip_beyond_full_scale_is_made_quieter_and_keeps_its_shape() -> None:
    clip = noise(MEL) * 40
    loud = quantised(clip).astype(np.float64)
    assert np.abs(loud).max() >= 32767
    assert np.corrcoef(loud, clip)[0, 1] > 0.99999


def test_silence_is_quantised_to_zeros() -> None:
    assert not quantised(np.zeros(100, np.float32)).any()


def test_two_writings_are_equal_to_the_byte(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_flac(tmp_path / name, noise(MEL), 16000)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.data
def test_a_hidden_segment_of_real_speech_loses_28_db(audit_data: Path) -> None:
    path = next(iter(sorted((audit_data / "nemo/samples").glob("*_anger_*.flac"))))
    clip = MEL.fit(read_audio(Sample("a", path, "anger"))[0])
    values = represented(clip, MEL)[0]
    keep = np.ones(cells(MEL), bool)
    keep[48:64, 24:36] = False
    after = represented(masked_clip(clip, MEL, keep), MEL)[0]
    core = np.zeros_like(keep)
    core[50:62, 26:34] = True
    loud = values > 0.4
    assert 80 * (values - after)[core & loud].mean() > 20
    assert np.abs(80 * (values - after)[keep & loud]).mean() < 1.0


def test_a_change_of_both_parts_of_the_sound_is_heard_once() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 16000).astype(np.float32)
    spec = SpeechInput(16000, 1.0, "hpss", {"scaling": "decibel"})
    clean = spec.represent(torch.from_numpy(noise)[None])[0].numpy()
    heard = perturbed_clip(noise, spec, clean, clean + np.float32(6.0))
    assert 20 * np.log10(heard.std() / noise.std()) == pytest.approx(6.0, abs=0.1)


def test_bands_that_hold_no_levels_cannot_be_heard() -> None:
    spec = SpeechInput(16000, 1.0, "spectral_contrast")
    assert len(spec.axes.hertz) == 7
    with pytest.raises(MethodError, match="holds no levels"):
        perturbed_clip(np.zeros(16000, np.float32), spec, np.zeros((1, 7, 32)), np.ones((1, 7, 32)))
