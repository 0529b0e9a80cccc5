"""Curves as plotly figures; colours are names of the style sheet's, so one figure serves light, dark and print."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

from audit.report.curve import LEVEL, Curve, Point
from audit.report.reliability import Reliability
from audit.wording import plain

Figure = dict[str, Any]
LONGEST_LABEL = 32
PAGE: Figure = {
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
    "font": {"color": "--ink", "size": 13},
    "hoverlabel": {"bgcolor": "--paper", "bordercolor": "--rule", "font": {"color": "--ink"}},
    "dragmode": False,
}
GRID: Figure = {"gridcolor": "--line", "zeroline": False, "linecolor": "--rule", "tickfont": {"color": "--soft"}}


def figure(drawn: Curve, confidence: str) -> Figure:
    """Return the curve with its `confidence` (95%) band, what it is compared with, and the limits that stand in it."""
    emotion = drawn.emotion
    name = "accuracy" if emotion is None else f"recall, {label(emotion)}"
    name += ", strongest" if drawn.alone else ""
    own = line_of(drawn.points, name, "--blue", "circle", width=3)
    traces = [*_others(drawn), *band_of(drawn.points, f"{confidence} interval"), own]
    if drawn.limits:
        traces.append(_limits(drawn))
    layout = layout_of(drawn.points, drawn.axis, backwards=drawn.backwards)
    return {"data": traces, "layout": {**layout, "shapes": _shapes(drawn), "annotations": _notes(drawn)}}


def diagram(drawn: Reliability, confidence: str) -> Figure:
    """Return a reliability diagram: how often answers are right that are so sure, with `confidence` (95%) intervals."""
    # One clip, or the clips of one speaker, tell nothing of the others: they stand in the table.
    bins = [row for row in drawn.bins if row["interval"] is not None]
    most = max((row["count"] for row in bins), default=1)
    told = [
        f"confidence {row['confidence']:.2f}: right {row['right']:.2f} "
        f"({row['interval'][0]:.2f}–{row['interval'][1]:.2f}), n={row['count']}"
        for row in bins
    ]
    trace = {
        "type": "scatter",
        "mode": "markers",
        "name": f"share right, {confidence} interval",
        "x": [round(row["confidence"], 4) for row in bins],
        "y": [round(row["right"], 4) for row in bins],
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [round(row["interval"][1] - row["right"], 4) for row in bins],
            "arrayminus": [round(row["right"] - row["interval"][0], 4) for row in bins],
            "color": "--blue",
            "thickness": 1.5,
            "width": 3,
        },
        # The larger a marker the more clips it stands for.
        "marker": {"color": "--blue", "size": [round(5 + 9 * math.sqrt(row["count"] / most), 1) for row in bins]},
        "hovertext": told,
        "hoverinfo": "text",
        "showlegend": False,
    }
    even = {"type": "line", "x0": 0, "y0": 0, "x1": 1, "y1": 1, "layer": "below"}
    note = {"text": "as sure as right", "x": 0.14, "y": 0.08, "xanchor": "left", "showarrow": False}
    axis = {**GRID, "range": [-0.02, 1.05], "fixedrange": True, "tickformat": ".1f", "dtick": 0.2}
    layout = {
        **PAGE,
        "height": 360,
        "margin": {"l": 56, "r": 12, "t": 12, "b": 48},
        "xaxis": {**axis, "title": _title("confidence"), "showgrid": False, "ticks": "outside"},
        "yaxis": {**axis, "title": _title("share right")},
        "hovermode": "closest",
        "shapes": [{**even, "line": {"color": "--ink", "width": 1, "dash": "dash"}}],
        "annotations": [{**note, "font": {"size": 12, "color": "--soft"}}],
    }
    return {"data": [trace], "layout": layout}


def embedded(figure_: Mapping[str, Any]) -> str:
    """Return a figure as JSON that no HTML parser can leave: <, > and & are escaped."""
    text = json.dumps(figure_, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def label(name: str) -> str:
    """Return a name as plotly shows it as it is: short, and none of its tags understood."""
    text = plain(name)
    return html.escape(text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 1] + "…", quote=False)


ALONE = (("--orange", "diamond", "dash"), ("--plum", "square", "dot"), ("--ochre", "triangle-up", "dashdot"))
"""How attacks of several are drawn, one after the other; further ones begin again, and tell by their legend."""


def _others(drawn: Curve) -> list[Figure]:
    if drawn.alone:
        styles = zip(drawn.alone.items(), cycle(ALONE), strict=False)
        return [
            line_of(points, f"{label(method)} alone", color, symbol, width=1.5, dash=dash)
            for (method, points), (color, symbol, dash) in styles
        ]
    if drawn.emotion is not None:
        return [line_of(drawn.overall, "all emotions, accuracy", "--faint", "square", width=1.5, dash="dot")]
    worst = drawn.worst_emotion
    others = {name: points for name, points in drawn.emotions.items() if name != worst and points}
    traces = []
    for number, (name, points) in enumerate(others.items()):
        trace = line_of(points, label(name), "--faint", None, width=1)
        first = {"showlegend": True, "name": "recall, other emotions"} if number == 0 else {"showlegend": False}
        traces.append({**trace, **first, "hovertext": label(name), "legendgroup": "others"})
    if worst is not None:
        name = f"recall, {label(worst)} (lowest)"
        traces.append(line_of(drawn.emotions[worst], name, "--orange", "diamond", width=2, dash="dash"))
    return traces


def line_of(
    points: Sequence[Point], name: str, color: str, symbol: str | None, *, width: float, dash: str = "solid"
) -> Figure:
    """Return points as a line, with markers where it has a `symbol`."""
    return {
        "type": "scatter",
        "mode": "lines+markers" if symbol else "lines",
        "name": name,
        "x": [point.at for point in points],
        "y": [round(point.value, 4) for point in points],
        "line": {"color": color, "width": width, "dash": dash},
        **({"marker": {"color": color, "symbol": symbol, "size": 7}} if symbol else {}),
        "hovertext": [f"{name}: {point.value:.2f}{_between(point)}" for point in points],
        "hoverinfo": "text" if symbol else "skip",
    }


def _between(point: Point) -> str:
    return "" if point.low is None or point.high is None else f" ({point.low:.2f}–{point.high:.2f})"


def band_of(points: Sequence[Point], name: str, color: str = "--band") -> list[Figure]:
    """Return the intervals of points as a shaded band; none where no point has one."""
    known = [(point.at, point.low, point.high) for point in points if point.low is not None and point.high is not None]
    if not known:
        return []
    edge = {
        "type": "scatter",
        "mode": "lines",
        "line": {"width": 0},
        "hoverinfo": "skip",
        "x": [at for at, *_ in known],
    }
    low = {**edge, "y": [round(low, 4) for _, low, _ in known], "showlegend": False}
    high = {**edge, "y": [round(high, 4) for *_, high in known], "fill": "tonexty", "fillcolor": color}
    return [low, {**high, "name": name, "showlegend": True}]


def _limits(drawn: Curve) -> Figure:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "limit",
        "x": [at for at, *_ in drawn.limits],
        "y": [bound for _, bound, _ in drawn.limits],
        "hovertext": [f"limit {says}" for *_, says in drawn.limits],
        "hoverinfo": "text",
        "marker": {"symbol": "line-ew", "size": 22, "line": {"width": 3, "color": "--ink"}},
    }


def _shapes(drawn: Curve) -> list[Figure]:
    shapes: list[Figure] = []
    if drawn.clean is not None:
        shapes.append(_rule("y", drawn.clean, "dot"))
    critical = drawn.critical
    if critical is not None:
        shapes.append(_rule("y", LEVEL, "solid"))
    if critical is not None and critical["value"] is not None:
        shapes.append(
            {**_rule("x", critical["value"], "dash"), "line": {"color": "--ink", "width": 1.5, "dash": "dash"}}
        )
        low, high = critical["interval"] or (None, None)
        if low is not None:
            end = drawn.points[-1].at if high is None else high
            span = {"type": "rect", "xref": "x", "yref": "paper", "x0": low, "x1": end, "y0": 0, "y1": 1}
            shapes.append({**span, "fillcolor": "--shade", "line": {"width": 0}, "layer": "below"})
    return shapes


def _rule(axis: str, at: float, dash: str) -> Figure:
    across = {"xref": "paper", "x0": 0, "x1": 1, "yref": "y", "y0": at, "y1": at}
    along = {"yref": "paper", "y0": 0, "y1": 1, "xref": "x", "x0": at, "x1": at}
    line = {"color": "--rule", "width": 1, "dash": dash}
    return {"type": "line", **(across if axis == "y" else along), "line": line, "layer": "below"}


def _notes(drawn: Curve) -> list[Figure]:
    notes: list[Figure] = []
    place: Figure
    plain_note = {"showarrow": False, "font": {"size": 12, "color": "--soft"}}
    if drawn.clean is not None:
        place = {"xref": "paper", "x": 1, "xanchor": "right", "y": drawn.clean, "yanchor": "bottom"}
        notes.append({**plain_note, **place, "text": f"clean {drawn.clean:.2f}"})
    if drawn.critical is not None and drawn.critical["value"] is not None:
        place = {"yref": "paper", "y": 1, "yanchor": "bottom", "x": drawn.critical["value"], "xanchor": "left"}
        notes.append({**plain_note, **place, "text": f"critical epsilon {drawn.critical_value}"})
    return notes


def layout_of(points: Sequence[Point], axis: str, *, backwards: bool) -> Figure:
    """Return the axes of a share over severities, the mildest of the `points` on the left."""
    ends = [points[0].at, points[-1].at]
    room = 0.03 * abs(ends[1] - ends[0]) or 0.5
    x = [ends[0] + room, ends[1] - room] if backwards else [ends[0] - room, ends[1] + room]
    title = _title(axis)
    return {
        **PAGE,
        "height": 360,
        "margin": {"l": 44, "r": 12, "t": 24, "b": 48},
        "xaxis": {**GRID, "title": title, "range": x, "fixedrange": True, "showgrid": False, "ticks": "outside"},
        "yaxis": {**GRID, "range": [-0.02, 1.05], "fixedrange": True, "tickformat": ".1f", "dtick": 0.2},
        "hovermode": "x",
        "legend": {
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": -0.24,
            "yanchor": "top",
            "traceorder": "reversed",
        },
    }


def _title(text: str) -> Figure:
    return {"text": html.escape(text), "font": {"color": "--soft", "size": 13}, "standoff": 12}
