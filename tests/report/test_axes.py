"""Ticks: at round numbers, few enough to read, and where they belong."""

from __future__ import annotations

import pytest

from audit.report.axes import axes_of, face_size


def test_seconds_and_hertz_stand_at_round_numbers() -> None:
    axes = axes_of({"seconds": [0.0, 3.0], "hertz": [[0.1, 250.0], [0.5, 1000.0], [0.55, 2000.0], [1.0, 8000.0]]})
    assert axes.across == ((0.0, "0"), (1 / 3, "1"), (2 / 3, "2"), (1.0, "3"))
    assert axes.up == ((1.0, "8k"), (0.55, "2k"), (0.1, "250"))
    assert (axes.across_unit, axes.up_unit) == ("s", "Hz")


@pytest.mark.parametrize(
    ("rows", "columns", "across", "down"),
    [
        (48, 48, ["0", "20", "40"], ["0", "20", "40"]),
        (224, 160, ["0", "50", "100", "150"], ["0", "100", "200"]),
        (4, 2, ["0", "1", "2"], ["0", "1", "2", "3", "4"]),
    ],
)
def test_pixels_count_from_the_upper_left_corner(rows: int, columns: int, across: list[str], down: list[str]) -> None:
    axes = axes_of({"seconds": [], "hertz": [], "pixels": [rows, columns]})
    assert [text for _, text in axes.across] == across
    assert [text for _, text in axes.up] == down
    for place, text in axes.across:
        assert place == pytest.approx(int(text) / columns)
    for place, text in axes.up:
        assert place == pytest.approx(1 - int(text) / rows)


def test_what_is_neither_has_no_ticks() -> None:
    axes = axes_of({"seconds": [], "hertz": []})
    assert axes.across == axes.up == ()
    assert face_size({"seconds": [], "hertz": [], "pixels": []}) is None


@pytest.mark.parametrize(("pixels", "size"), [([48, 48], (180, 180)), ([40, 80], (180, 90)), ([500, 50], (180, 360))])
def test_a_face_is_drawn_in_the_shape_of_its_pixels(pixels: list[int], size: tuple[int, int]) -> None:
    assert face_size({"pixels": pixels}) == size
