"""Blank pictures, silent and clipped recordings."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from audit.checks.data import DataRun
from audit.data import Dataset
from audit.screening import Decoded
from audit.screens.blank import contrast_of
from audit.screens.clipped import saturated
from audit.screens.silent import levels
from audit.suite import Use

from .made import RATE, SPEECH, Floats, check_of, found_by, sample, session_of, texture, voice

Screened = Callable[..., DataRun]


def tone(amplitude: float, seconds: float = 1.0) -> Floats:
    return (amplitude * np.sin(2 * np.pi * 440 * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def test_a_picture_with_next_to_no_contrast_is_blank(screened: Screened) -> None:
    faint = np.full((48, 48), 0.5, np.float32)
    faint[0, 0] = 0.6
    judged = {"anger/a": faint, "fear/b": texture(1), "fear/dark": 0.2 * texture(1)}
    run = screened(judged, {"fear/x": np.zeros((48, 48), np.float32)}, "blank")
    assert found_by(run)["blank"] == {"anger/a": 1.0, "fear/b": 0.0, "fear/dark": 0.0}
    # One pixel of 2,304 that differs by a tenth, as the file has it: 25 of 255.
    assert run.found["blank"]["anger/a"] == "blank: its grey values differ by 0.0020 (standard deviation, of 1)"
    assert run.summary["screens"][0]["train"] == 1


def test_contrast_is_the_standard_deviation_of_grey() -> None:
    half = np.zeros((4, 4, 3), np.float32)
    half[:2] = 1.0
    assert contrast_of(Decoded(half, 0)) == pytest.approx(0.5)
    assert contrast_of(Decoded(half * [1, 0, 0], 0)) == pytest.approx(0.5 / 3)


def test_levels_are_root_mean_squares_in_decibels_of_full_scale() -> None:
    whole, parts = levels(Decoded(tone(0.1), RATE))
    assert whole == pytest.approx(20 * math.log10(0.1 / math.sqrt(2)), abs=1e-3)
    assert len(parts) == 50
    assert parts[7] == pytest.approx(whole, abs=0.5)
    assert levels(Decoded(np.zeros(RATE, np.float32), RATE))[0] == -200.0


def test_a_clip_is_silent_where_nearly_all_of_it_is(screened: Screened) -> None:
    mostly = np.concatenate([tone(0.5, 0.05), np.zeros(RATE, np.float32)])
    judged = {"anger/faint": tone(1e-4), "fear/mostly": mostly, "happiness/quiet": tone(2e-3), "fear/said": voice(1)}
    run = screened(judged, None, "silent")
    assert found_by(run)["silent"] == {
        "anger/faint": 1.0,
        "fear/mostly": 1.0,
        "fear/said": 0.0,
        "happiness/quiet": 0.0,
    }
    assert run.found["silent"] == {
        "anger/faint": "nearly silent: -83 dB of full scale in all",
        "fear/mostly": "mostly silent: 94% of it is below -70 dB of full scale",
    }


def test_a_clip_is_clipped_where_its_tops_are_flat(screened: Screened) -> None:
    judged = {"anger/flat": np.clip(tone(1.5), -1, 1), "fear/whole": tone(0.99), "fear/touches": tone(0.5)}
    judged["fear/touches"][::1000] = 1.0
    run = screened(judged, None, "clipped")
    assert found_by(run)["clipped"] == {"anger/flat": 1.0, "fear/touches": 0.0, "fear/whole": 0.0}
    # A sine of 1.5 is beyond one for 1 - 2 asin(2/3) / pi of the time.
    share = 1 - 2 * math.asin(1 / 1.5) / math.pi
    assert run.found["clipped"]["anger/flat"] == f"{share:.1%} of its samples are clipped"


def test_a_run_is_counted_whole_and_at_one_end_alone() -> None:
    sound = np.zeros(100, np.float32)
    sound[10:12], sound[20:23], sound[40:46:2], sound[41:46:2], sound[97:] = 1.0, -1.0, 1.0, -1.0, 1.0
    assert saturated(Decoded(sound, RATE), level=0.999, run=3) == pytest.approx(0.06)
    assert saturated(Decoded(sound, RATE), level=0.999, run=2) == pytest.approx(0.08)
    assert saturated(Decoded(sound, RATE), level=0.999, run=1) == pytest.approx(0.14)


def test_a_picture_is_clipped_where_most_of_it_is_black_or_white(screened: Screened) -> None:
    judged = {"anger/sign": (texture(1) > 0.5).astype(np.float32), "fear/b": 0.1 + 0.8 * texture(2)}
    run = screened(judged, None, "clipped")
    assert found_by(run)["clipped"] == {"anger/sign": 1.0, "fear/b": 0.0}
    assert run.found["clipped"]["anger/sign"] == "100.0% of its pixels are black or white"


def test_a_saturated_colour_is_neither_black_nor_white() -> None:
    picture = np.zeros((2, 2, 3), np.float32)
    picture[0, 0, 0], picture[1, 1] = 1.0, 1.0
    assert saturated(Decoded(picture, 0), level=0.999, run=3) == 0.75


def test_the_keys_of_a_screen_reach_what_reads_the_recordings() -> None:
    sound = tone(0.6)

    def read(_: object) -> tuple[Floats, int]:
        return sound, RATE

    dataset = Dataset((sample("a"),), (), read)
    for level, found in ((0.999, 0.0), (0.5, 1.0)):
        check = check_of(Use("screen", "clipped", {"level": level}))
        assert found_by(DataRun(check, session_of(dataset, SPEECH), dataset, None))["clipped"] == {"a": found}
