"""The accuracy of two audits over one sweep, on the clips that both judged, as curves on one another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from audit.comparison.compare import Comparison, Difference
from audit.comparison.sentence import amount
from audit.estimate import Estimate
from audit.report.curve import MILDER_WHEN_LARGER, Point, axis_of
from audit.report.measured import Measured
from audit.report.numbers import short
from audit.report.plots import band_of, layout_of, line_of

Figure = dict[str, Any]


@dataclass(frozen=True)
class Overlay:
    """Two curves of one check, the mildest severity first, and what they show in one sentence."""

    check: str
    axis: str
    backwards: bool
    a: tuple[Point, ...]
    b: tuple[Point, ...]
    says: str


def overlay(found: Comparison, check: str) -> Overlay:
    """Return the curves of a check that was compared."""
    measured = Measured(found.b.document)
    parameter = measured.parameter(check)
    backwards = parameter in MILDER_WHEN_LARGER
    swept = sorted(found.all(check, metric="accuracy"), key=lambda each: each.at or 0.0, reverse=backwards)
    a, b = (tuple(_point(each, side) for each, side in zip(swept, sides, strict=True)) for sides in _sides(swept))
    return Overlay(check, axis_of(measured, check), backwards, a, b, _says(found, swept, parameter))


def figure(drawn: Overlay, confidence: str) -> Figure:
    """Return both curves with their `confidence` (95%) bands."""
    a = line_of(drawn.a, "A, accuracy", "--orange", "diamond", width=2.5, dash="dash")
    b = line_of(drawn.b, "B, accuracy", "--blue", "circle", width=3)
    bands = [*band_of(drawn.a, f"A, {confidence} interval", "--other"), *band_of(drawn.b, f"B, {confidence} interval")]
    return {"data": [*bands, a, b], "layout": layout_of(drawn.b, drawn.axis, backwards=drawn.backwards)}


def _sides(swept: list[Difference]) -> tuple[list[Estimate], list[Estimate]]:
    return [each.a for each in swept], [each.b for each in swept]


def _point(difference: Difference, found: Estimate) -> Point:
    return Point(difference.at or 0.0, found.value or 0.0, *(found.interval or (None, None)))


def _says(found: Comparison, swept: list[Difference], parameter: str) -> str:
    first, last = swept[0], swept[-1]
    ends = [f"{name} goes from {x.value or 0:.2f} to {y.value or 0:.2f}" for name, x, y in _ends(first, last)]
    told = f"From {parameter} {short(first.at)} to {short(last.at)} the accuracy of {' and that of '.join(ends)}"
    holding = [each for each in swept if found.holds(each)]
    if not holding:
        return f"{told}; at no severity does a difference hold over all of this page."
    most = max(holding, key=lambda each: abs(each.gain))
    return (
        f"{told}; at {len(holding)} of {len(swept)} severities the difference holds over all of this page, "
        f"the largest at {parameter} {short(most.at)}, where B is right on {amount(most.gain)}."
    )


def _ends(first: Difference, last: Difference) -> list[tuple[str, Estimate, Estimate]]:
    return [("A", first.a, last.a), ("B", first.b, last.b)]
