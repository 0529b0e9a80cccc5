"""A metric over the severities of a sweep, with its interval, and the limits that stand at them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audit.report.interval import SHARES
from audit.report.measured import ALONE, Measured
from audit.report.numbers import fixed, places, short, span

Row = Mapping[str, Any]
MILDER_WHEN_LARGER = frozenset({"snr_db", "quality"})
UNITS: Mapping[str, str] = {"snr_db": "signal-to-noise ratio, dB", "sigma": "sigma", "epsilon": "epsilon"}
LEVEL = 0.5
SHARE_PLACES = 3


@dataclass(frozen=True)
class Point:
    """A metric at one severity; `low` and `high` are None where there is no interval."""

    at: float
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Curve:
    """One sweep: accuracy over all clips or, for `emotion`, its recall, and what to compare that with.

    Points go from the mildest severity to the severest. `alone` is what each of several
    attacks comes to by itself. `limits` are (severity, limit, says); `critical` is the row of
    the critical epsilon, None for a sweep that is no attack.
    """

    check: str
    kind: str
    parameter: str
    axis: str
    backwards: bool
    emotion: str | None
    metric: str
    points: tuple[Point, ...]
    clean: float | None
    overall: tuple[Point, ...]
    emotions: Mapping[str, tuple[Point, ...]]
    alone: Mapping[str, tuple[Point, ...]]
    limits: tuple[tuple[float, float, str], ...]
    critical: Row | None
    area: Row | None

    @property
    def worst_emotion(self) -> str | None:
        """The emotion with the lowest recall on average over the sweep, None where none was measured."""
        means = {name: sum(p.value for p in points) / len(points) for name, points in self.emotions.items() if points}
        return min(means, key=lambda name: means[name]) if means else None

    @property
    def says(self) -> str:
        """What the curve shows in one sentence."""
        noun = "Accuracy" if self.emotion is None else f"Recall of {self.emotion}"
        noun += f" under the strongest of {', '.join(self.alone)}" if self.alone else ""
        last = self.points[-1]
        end = f"{last.value:.2f} at {self.parameter} {short(last.at)}"
        start = self.clean if self.clean is not None else self.points[0].value
        origin = "clean" if self.clean is not None else f"at {self.parameter} {short(self.points[0].at)}"
        verb = "falls" if last.value < start - 0.005 else "stays" if last.value < start + 0.005 else "rises"
        sentence = f"{noun} {verb} from {start:.2f} {origin} to {end}" if verb != "stays" else f"{noun} stays at {end}"
        return f"{sentence}; {self.crossing}." if self.crossing else f"{sentence}."

    @property
    def crossing(self) -> str:
        """Where the curve falls under one half, in words; "" for a sweep that is no attack."""
        if self.critical is None or (self.critical["value"] is None and self.critical["interval"] is None):
            return ""
        if self.critical["value"] is None:
            return "it stays at one half or above as far as was tested"
        interval = self.critical["interval"]
        decimals = places([self.critical["value"], *(interval or ())])
        return f"it first falls under one half at {self.critical_value} ({span(interval, decimals)})"

    @property
    def critical_value(self) -> str:
        """The critical epsilon as a number; "" where there is none."""
        if self.critical is None or self.critical["value"] is None:
            return ""
        return fixed(self.critical["value"], places([self.critical["value"], *(self.critical["interval"] or ())]))


def curve(measured: Measured, check: str, emotion: str | None = None) -> Curve | None:
    """Return a check's curve over all clips, or of one emotion; None where nothing of it was measured."""
    parameter = measured.parameter(check)
    metric = "accuracy" if emotion is None else "recall"
    backwards = parameter in MILDER_WHEN_LARGER
    found = points(measured.all(check, metric, emotion=emotion), backwards)
    if not found:
        return None
    clean = measured.one("clean", metric, emotion=emotion)
    names = measured.document["model"]["emotions"]
    own = [row for row in measured.document["verdicts"] if row["check"] == check and row["at"] is not None]
    return Curve(
        check=check,
        kind=measured.kind(check),
        parameter=parameter,
        axis=axis_of(measured, check),
        backwards=backwards,
        emotion=emotion,
        metric=metric,
        points=found,
        clean=None if clean is None else clean["value"],
        overall=points(measured.all(check, "accuracy"), backwards),
        emotions={name: points(measured.all(check, "recall", emotion=name), backwards) for name in names},
        alone=_alone(measured, check, metric, emotion, backwards),
        limits=tuple(
            (row["at"], bound, f"{'at least' if side == 'min' else 'at most'} {short(bound)}")
            for row in own
            if row["metric"] == metric and row["emotion"] == emotion and row["group"] is None
            for side, bound in row["limit"].items()
            if bound is not None
        ),
        critical=measured.one(check, "critical_epsilon", emotion=emotion),
        area=measured.one(check, "curve_area", emotion=emotion),
    )


def axis_of(measured: Measured, check: str) -> str:
    """Return what a check sweeps, with its unit: `epsilon, of full scale`."""
    parameter = measured.parameter(check)
    if parameter not in UNITS:
        return parameter.replace("_", " ")
    on_waveform = measured.entry(check).get("space") == "waveform"
    space = ", of full scale" if on_waveform else ", in input units" if parameter != "snr_db" else ""
    return UNITS[parameter] + space


def _alone(
    measured: Measured, check: str, metric: str, emotion: str | None, backwards: bool
) -> dict[str, tuple[Point, ...]]:
    by_method: dict[str, list[Row]] = {}
    for row in measured.all(check, f"{metric}/{ALONE}", emotion=emotion):
        by_method.setdefault(row["method"], []).append(row)
    return {method: points(rows, backwards) for method, rows in by_method.items()}


def points(rows: list[Row], backwards: bool = False) -> tuple[Point, ...]:
    """Return the rows that were measured at a severity, the mildest first."""
    kept = [row for row in rows if row["at"] is not None and row["value"] is not None]
    kept.sort(key=lambda row: row["at"], reverse=backwards)
    return tuple(Point(row["at"], row["value"], *(row["interval"] or (None, None))) for row in kept)


def table(measured: Measured, drawn: Curve) -> tuple[list[str], list[list[str]]]:
    """Return head and rows of the data under a curve: everything that was measured at each severity."""
    head, columns = [drawn.parameter], []
    alone = drawn.metric + "/" + ALONE
    if drawn.emotion is None:
        named: list[tuple[str, str, str | None]] = [
            ("accuracy", "accuracy", None),
            ("UAR", "uar", None),
            ("macro F1", "macro_f1", None),
            ("drop", "drop", None),
            ("reached SNR, dB", "snr_db", None),
            *((f"recall, {name}", "recall", name) for name in drawn.emotions),
        ]
    else:
        emotion = drawn.emotion
        named = [("recall", "recall", emotion), ("precision", "precision", emotion), ("F1", "f1", emotion)]
    for method in drawn.alone:
        own = [row for row in measured.all(drawn.check, alone, emotion=drawn.emotion) if row["method"] == method]
        head.append(f"{drawn.metric}, {method} alone")
        columns.append({row["at"]: row for row in own})
    for label, metric, emotion_of in named:
        rows = {row["at"]: row for row in measured.all(drawn.check, metric, emotion=emotion_of)}
        if rows:
            head.append(label)
            columns.append(rows)
    return head, [[short(p.at), *(_cell(rows.get(p.at)) for rows in columns)] for p in drawn.points]


def _cell(row: Row | None) -> str:
    if row is None or row["value"] is None:
        return "n/a"
    decimals = SHARE_PLACES if row["metric"] in SHARES else places([row["value"], *(row["interval"] or ())])
    if row["interval"] is None:
        return fixed(row["value"], decimals)
    return f"{fixed(row['value'], decimals)} ({span(row['interval'], decimals)})"
