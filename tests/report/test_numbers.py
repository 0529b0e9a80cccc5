"""Numbers in print, and the bars beside them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import AuditError
from audit.report.address import anchor, media, pages
from audit.report.interval import INSET, WIDTH, bar, scale_of
from audit.report.numbers import count, fixed, places, seconds, short, span


def test_a_number_is_never_rounded_onto_its_limit() -> None:
    decimals = places([0.6996], [0.7])
    assert fixed(0.6996, decimals) == "0.6996"
    assert fixed(0.7, places([0.7], [0.7])) == "0.70"


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_two_numbers_apart_by_more_than_a_millionth_never_read_alike(value: float, limit: float) -> None:
    decimals = places([value], [limit])
    if abs(value - limit) > 1e-6:
        assert fixed(value, decimals) != fixed(limit, decimals)


def test_a_small_number_is_short_and_a_negative_one_has_a_real_minus() -> None:
    assert fixed(9.9e-6, places([9.9e-6])) == "9.9e−6"
    assert fixed(-0.25, 2) == "−0.25"
    assert fixed(-0.001, 2) == "0.00"
    assert short(3e-5) == "3e−05"


def test_an_interval_reads_with_open_and_negative_ends() -> None:
    assert span([0.48, 0.64], 2) == "0.48–0.64"
    assert span([-0.02, 0.1], 2) == "−0.02 to 0.10"
    assert span([0.008, None], 3) == "from 0.008"
    assert span([None, None], 3) == "beyond what was tested"
    assert span([0.1, 0.1], 2) == "exact"
    assert span(None, 2) == "no interval"


def test_counts_and_times_read_as_words() -> None:
    assert (count(1, "clip"), count(11170000, "parameter")) == ("1 clip", "11,170,000 parameters")
    assert (seconds(0.4213), seconds(14.23), seconds(187.9)) == ("0.42 s", "14.2 s", "3 min 07 s")


def test_a_bar_stands_where_its_numbers_are() -> None:
    row = {"metric": "recall", "value": 0.5, "interval": [0.25, 0.75], "limit": {"min": 0.7, "max": None}}
    drawn = bar(row, scale_of([row]))
    assert drawn is not None
    inner = WIDTH - 2 * INSET
    assert (drawn.value, drawn.low, drawn.high) == (INSET + inner / 2, INSET + inner / 4, INSET + 3 * inner / 4)
    assert drawn.limits == (round(INSET + 0.7 * inner, 1),)
    assert drawn.inside == (drawn.limits[0], WIDTH - INSET)
    assert not drawn.open_low
    assert not drawn.open_high


def test_a_bar_goes_on_beyond_what_was_tested() -> None:
    row = {"metric": "critical_epsilon", "value": None, "interval": [0.008, None], "limit": {"min": 0.002, "max": None}}
    drawn = bar(row, scale_of([row], most=0.01))
    assert drawn is not None
    assert drawn.value is None
    assert drawn.open_high
    assert drawn.high == WIDTH


def test_what_was_not_measured_has_no_bar() -> None:
    assert bar({"metric": "recall", "value": None, "interval": None}, (0.0, 1.0)) is None


def test_a_scale_holds_every_number_and_zero() -> None:
    rows = [{"metric": "faithfulness", "value": 0.4, "interval": [-0.2, 0.8], "limit": {"min": 0.05, "max": None}}]
    low, high = scale_of(rows)
    assert low < -0.2
    assert high > 0.8


@given(st.lists(st.text(min_size=1), unique=True, max_size=8))
def test_every_emotion_has_a_file_of_its_own_with_a_plain_name(emotions: list[str]) -> None:
    found = pages(emotions)
    assert len(set(found.values())) == len(emotions)
    for address in found.values():
        folder, _, name = address.partition("/")
        assert folder == "emotion"
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-")
        assert len(name) < 130


def test_the_anchor_of_a_check_is_its_id() -> None:
    assert anchor("fgsm-waveform_2.0") == "fgsm-waveform_2.0"
    assert " " not in anchor('a "b"')


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "media/../x.png", "../media/x.png", "media", "javascript:alert(1)", "media\\x"]
)
def test_media_lie_in_the_media_folder(path: str) -> None:
    with pytest.raises(AuditError, match="media must lie in media/"):
        media(path)
    assert media("media/a b.png") == "media/a%20b.png"
