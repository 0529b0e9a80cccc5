"""A value, its interval and its limit as a bar: where each stands between the ends of a scale."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]
Scale = tuple[float, float]
SHARES = frozenset({"accuracy", "uar", "macro_f1", "recall", "precision", "f1", "ece", "curve_area", "localisation"})
WIDTH = 120.0
INSET = 4.0


@dataclass(frozen=True)
class Bar:
    """Positions along a bar of WIDTH units, None where there is nothing to draw.

    `low` and `high` are the interval's ends, `open_low` and `open_high` say that it goes on beyond the scale;
    `inside` is the part of the scale the limit allows, `limits` where the limit stands, `zero` where zero does.
    """

    value: float | None
    low: float | None
    high: float | None
    open_low: bool
    open_high: bool
    inside: tuple[float, float] | None
    limits: tuple[float, ...]
    zero: float | None


def scale_of(rows: Iterable[Row], *, most: float | None = None) -> Scale:
    """Return the scale on which rows of one metric are drawn: 0 to 1 for shares, else what holds them, and zero.

    `most` is the largest severity tested, where the metric is one.
    """
    drawn = list(rows)
    if all(row["metric"] in SHARES for row in drawn):
        return (0.0, 1.0)
    limits = [bound for row in drawn for bound in row.get("limit", {}).values()]
    numbers = [
        number
        for number in (
            *limits,
            *(row["value"] for row in drawn),
            *(end for row in drawn for end in row["interval"] or ()),
        )
        if number is not None
    ]
    if most is not None:
        numbers.append(most)
    low, high = min([0.0, *numbers]), max([0.0, *numbers])
    margin = (high - low) * 0.05 or 1.0
    return (low - margin if low < 0 else 0.0, high + margin)


def bar(row: Row, scale: Scale) -> Bar | None:
    """Return the bar of a verdict's or metric's row; None where nothing was measured."""
    value, interval, limit = row["value"], row["interval"], row.get("limit") or {}
    if value is None and interval is None:
        return None
    low, high = interval or (None, None)
    least, most = limit.get("min"), limit.get("max")
    beyond = interval is not None
    return Bar(
        value=None if value is None else _place(value, scale),
        low=(_place(low, scale) if low is not None else WIDTH - INSET) if beyond else None,
        high=(_place(high, scale) if high is not None else WIDTH) if beyond else None,
        open_low=beyond and low is not None and low < scale[0],
        open_high=beyond and (high is None or high > scale[1]),
        inside=_inside(least, most, scale) if limit else None,
        limits=tuple(_place(bound, scale) for bound in (least, most) if bound is not None),
        zero=_place(0.0, scale) if scale[0] < 0 else None,
    )


def _inside(least: float | None, most: float | None, scale: Scale) -> tuple[float, float]:
    return (_place(scale[0] if least is None else least, scale), _place(scale[1] if most is None else most, scale))


def _place(value: float, scale: Scale) -> float:
    share = (value - scale[0]) / (scale[1] - scale[0])
    return round(INSET + min(max(share, 0.0), 1.0) * (WIDTH - 2 * INSET), 1)
