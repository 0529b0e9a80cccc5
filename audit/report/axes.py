"""The edges of a picture: seconds and hertz of a spectrogram, pixels of a face, as ticks at round numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audit.report.numbers import short

Row = Mapping[str, Any]
Tick = tuple[float, str]
SECONDS_APART = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
PIXELS_APART = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
MOST_TICKS = 4
CLOSEST_TICKS = 0.1
FACE_WIDTH, SHEET_WIDTH, TALLEST_FACE = 180, 200, 360


@dataclass(frozen=True)
class Axes:
    """Ticks as (position from 0 to 1, label): `across` from the left, `up` from the bottom, and the unit of each.

    `caption` says what lies below the picture where nothing is ticked.
    """

    across: tuple[Tick, ...] = ()
    up: tuple[Tick, ...] = ()
    across_unit: str = ""
    up_unit: str = ""
    caption: str = "cells of the input"


def axes_of(row: Row, *, frames: bool = False) -> Axes:
    """Return the ticks of an exhibit's `axes`; none where its columns are neither moments nor pixels.

    With `frames`, a picture is a sheet of a video's frames, of which no tick would say where it lies in one.
    """
    if frames:
        return Axes(across_unit="px", caption="frames, row by row")
    if row.get("pixels"):
        rows, columns = row["pixels"]
        # Pixels count from the top.
        down = tuple((1.0 - at, text) for at, text in _ticks(0, rows, PIXELS_APART))
        return Axes(_ticks(0, columns, PIXELS_APART), down, "px")
    start, end = row["seconds"] or (0.0, 0.0)
    hertz = tuple(_apart((position, _hertz(hertz)) for position, hertz in reversed(row["hertz"])))
    return Axes(_ticks(start, end, SECONDS_APART), hertz, "s", "Hz")


def face_size(row: Row, *, frames: bool = False) -> tuple[int, int] | None:
    """Return the width and height that a face, or a sheet of `frames`, is drawn in; None for what is neither.

    They are in the shape of its pixels.
    """
    if not row.get("pixels"):
        return None
    rows, columns = row["pixels"]
    width = SHEET_WIDTH if frames else FACE_WIDTH
    return width, min(round(width * rows / columns), TALLEST_FACE)


def _ticks(start: float, end: float, apart: Sequence[float]) -> tuple[Tick, ...]:
    if end <= start:
        return ()
    step = next((s for s in apart if (end - start) / s <= MOST_TICKS), apart[-1])
    places = [start + i * step for i in range(int((end - start) / step + 1e-9) + 1)]
    return tuple(((at - start) / (end - start), short(round(at, 6))) for at in places)


def _apart(ticks: Iterable[Tick]) -> list[Tick]:
    kept: list[Tick] = []
    for position, text in ticks:
        if not kept or kept[-1][0] - position >= CLOSEST_TICKS:
            kept.append((position, text))
    return kept


def _hertz(value: float) -> str:
    return f"{short(value / 1000)}k" if value >= 1000 else short(value)
