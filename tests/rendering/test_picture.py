"""Pictures: the right way up, in the right colours, transparent where nothing counts, and small."""

from __future__ import annotations

import io

import librosa
import numpy as np
import pytest
from matplotlib import colormaps
from numpy.typing import NDArray
from PIL import Image

from audit.rendering.picture import (
    CIVIDIS,
    MOST_COLUMNS,
    MOST_ROWS,
    OPPOSES,
    SUPPORTS,
    compared,
    hertz_ticks,
    overlay_png,
    reduced,
    scaled,
    spectrogram_png,
    wave_overlay_png,
    wave_png,
)


def pixels(png: bytes) -> NDArray[np.int64]:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"), dtype=np.int64)


def random(*shape: int) -> NDArray[np.float64]:
    return np.random.default_rng(0).random(shape)


def test_the_stops_are_cividis_within_nine_of_256() -> None:
    table = np.array([colormaps["cividis"](i / 255)[:3] for i in range(256)]) * 255
    stops = np.array([tuple(bytes.fromhex(stop)) for stop in CIVIDIS])
    places = np.linspace(0, 255, len(stops))
    ours = np.stack([np.interp(np.arange(256), places, stops[:, c]) for c in range(3)], axis=1)
    assert np.abs(ours - table).max() < 9


def test_the_lowest_frequency_is_at_the_bottom_and_the_first_moment_at_the_left() -> None:
    plane = np.zeros((8, 6))
    plane[0, 0] = 1.0
    shown = pixels(spectrogram_png(plane, 0.0, 1.0))
    assert shown.shape == (8, 6, 4)
    assert tuple(shown[-1, 0, :3]) == (0xFE, 0xE8, 0x38)
    assert tuple(shown[0, 0, :3]) == (0x00, 0x22, 0x4E)
    assert (shown[..., 3] == 255).all()


def test_levels_beyond_the_scale_take_its_end_colours() -> None:
    assert spectrogram_png(np.array([[-5.0, 9.0]]), 0.0, 1.0) == spectrogram_png(np.array([[0.0, 1.0]]), 0.0, 1.0)


def test_a_spectrogram_of_one_level_is_drawn_too() -> None:
    assert pixels(spectrogram_png(np.full((4, 4), 0.3), 0.3, 0.3)).shape == (4, 4, 4)


def test_a_map_hides_more_of_the_spectrogram_the_more_it_counts() -> None:
    shown = pixels(overlay_png(np.array([[-1.0, -0.5, 0.0, 0.5, 1.0]])))[0]
    opacity = shown[:, 3]
    assert opacity[2] == 0
    assert opacity[0] > opacity[1] > 0
    assert opacity[4] > opacity[3] > 0
    assert opacity.max() < 255
    assert tuple(shown[4, :3]) == SUPPORTS
    assert tuple(shown[0, :3]) == OPPOSES


def test_a_map_is_scaled_to_its_own_largest_relevance() -> None:
    map_ = random(128, 94) - 0.5
    assert np.allclose(scaled(map_ * 1e-6), scaled(map_ * 1e6))
    assert scaled(map_).max() == 1.0
    assert scaled(map_).min() == -1.0
    assert np.array_equal(np.sign(scaled(map_)), np.sign(map_))


def test_a_map_of_zeros_stays_zero_and_one_of_a_single_cell_is_seen() -> None:
    assert not scaled(np.zeros((8, 8))).any()
    single = np.zeros((40, 40))
    single[3, 3] = -2.0
    assert scaled(single)[3, 3] == -1.0


@pytest.mark.parametrize("draw", [lambda x: spectrogram_png(x, 0, 1), lambda x: overlay_png(2 * x - 1)])
def test_the_noisiest_picture_of_three_seconds_stays_under_15_kb(draw) -> None:  # type: ignore[no-untyped-def]
    assert len(draw(random(128, 94))) < 15_000


@pytest.mark.parametrize("draw", [lambda x: spectrogram_png(x, 0, 1), lambda x: overlay_png(2 * x - 1)])
def test_pictures_are_equal_to_the_byte(draw) -> None:  # type: ignore[no-untyped-def]
    assert draw(random(128, 94)) == draw(random(128, 94))


def test_a_long_clip_is_averaged_down() -> None:
    shown = pixels(spectrogram_png(np.repeat(np.repeat([[0.0, 1.0]], 1025, 0), 1000, 1), 0, 1))
    assert shown.shape[:2] == (MOST_ROWS, MOST_COLUMNS)
    assert tuple(shown[9, 0, :3]) == (0x00, 0x22, 0x4E)
    assert tuple(shown[9, -1, :3]) == (0xFE, 0xE8, 0x38)


def test_a_waveform_shows_its_loud_part_taller_and_silence_as_a_line() -> None:
    wave = np.zeros(48000)
    wave[:24000] = np.sin(np.arange(24000))
    filled = pixels(wave_png(wave, 1.0))[..., 3] > 0
    assert filled[:, 10].sum() > 90
    assert 1 <= filled[:, -10].sum() <= 3


def test_relevance_colours_the_waveform_where_it_counts_and_nothing_beside_it() -> None:
    wave = np.sin(np.arange(48000)) * 0.5
    relevance = np.zeros(48000)
    relevance[:12000] = 1.0
    plain = pixels(wave_png(wave, 1.0))[..., 3] > 0
    coloured = pixels(wave_overlay_png(wave, 1.0, reduced(relevance[None])))
    assert plain.shape == coloured.shape[:2]
    assert tuple(coloured[48, 10, :3]) == SUPPORTS
    assert coloured[48, 10, 3] > 0
    assert not coloured[:, -10, 3].any()
    assert not coloured[~plain][:, 3].any()


def test_maps_that_are_compared_share_the_scale_of_the_largest_relevance_of_all() -> None:
    before, after = np.array([[2.0, 0.0, 1.0]]), np.array([[-2.0, 1.0, 1.0]])
    found = compared(before, after)
    unit = np.percentile([4.0, 1.0, 0.0], 99)
    assert found["clean"] == pytest.approx(before / unit)
    assert found["perturbed"] == pytest.approx(after / unit)
    assert found["difference"] == pytest.approx(((after - before) / unit).clip(-1, 1))
    assert not any(plane.any() for plane in compared(np.zeros((2, 2)), np.zeros((2, 2))).values())


def test_a_waveform_shorter_than_the_picture_is_drawn() -> None:
    assert pixels(wave_png(np.array([0.1, -0.1, 0.2]), 0.2)).shape[1] == 3


def test_ticks_stand_at_round_frequencies_in_their_rows() -> None:
    hertz = librosa.mel_frequencies(n_mels=128, fmin=0, fmax=8000)
    ticks = hertz_ticks(hertz)
    assert [frequency for _, frequency in ticks] == [250, 500, 1000, 2000, 4000, 8000]
    for position, frequency in ticks:
        row = min(int(position * 128), 127)
        step = hertz[min(row + 1, 127)] - hertz[max(row - 1, 0)]
        assert abs(hertz[row] - frequency) <= step
    assert all(0 <= position <= 1 for position, _ in ticks)


def test_ticks_leave_out_what_the_rows_do_not_hear() -> None:
    ticks = hertz_ticks(librosa.mel_frequencies(n_mels=64, fmin=300, fmax=3000))
    assert [frequency for _, frequency in ticks] == [500, 1000, 2000]


def test_ticks_of_evenly_spaced_rows_are_never_too_close() -> None:
    positions = [position for position, _ in hertz_ticks(np.linspace(0, 24000, 513))]
    assert len(positions) >= 3
    assert min(np.diff(positions)) >= 0.06
