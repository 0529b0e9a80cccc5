"""Reads gates: which metrics each kind of check has, what they may be asked per, at and of, and within which range."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from audit.errors import did_you_mean
from audit.grammar.document import Node
from audit.grammar.gate_metrics import AVERAGES, METRICS, PREDICTED, SHARE, Metric
from audit.grammar.keys import Key, Table
from audit.grammar.values import Choice, Either, Flag, ListOf, Number, Text
from audit.kinds import known_methods
from audit.suite import Check, Gate, Place, Waiver

ABOVE_CHANCE, NO_FLOOR, EVERY = "above_chance", "none", "every"
WAIVER = Table(
    "a waiver",
    (
        Key("until", Text("a day, as 2027-01-31", r"\d{4}-\d{2}-\d{2}"), "the last day it holds", required=True),
        Key("reason", Text("why this is lived with"), "why", required=True),
    ),
)
FLOOR = Key(
    "floor",
    Either((Choice((ABOVE_CHANCE, NO_FLOOR)), Number(0, 1))),
    "the clean UAR, and an emotion's clean F1, below which the gate cannot pass; above_chance by default for what a "
    "guesser keeps too",
)
FOR_ALL = (
    Key("informational", Flag(), "whether it is shown and never blocks", default=False),
    Key("waive", WAIVER, "a failure that is lived with until a day"),
)
WITHOUT = Key(
    "without",
    Either((Text("a screen"), ListOf(Text("a screen"), least=1))),
    "screens of the suite's data check: what they found is not counted",
    default=(),
)
OF = {
    "saliency": (Key("of", Text("a saliency method of this check"), "which saliency method", required=True),),
    "attack": (Key("of", Text("an attack of this check"), "which attack alone; of several, the strongest by default"),),
    "data": (Key("of", Text("a screen of this check"), "which screen", required=True),),
}
ABOUT_MAPS = (
    Key("by", Text("a faithfulness score of this check"), "which score; the first by default"),
    Key("region", Text("a region of this check"), "which region; where the emotion lies by default"),
    Key("after", Text("a sanity test of this check"), "which sanity test"),
)
ACROSS = Key("across", Text("a column of the clips, as speaker or sex"), "whose values are compared, of a gap")


def gate_table(kind: str) -> Table:
    """Return the keys of a gate in a check of this kind."""
    metrics = tuple(name for name, metric in METRICS.items() if kind in metric.kinds)
    of = OF.get(kind, ())
    at = (
        Key("at", Either((Choice((EVERY,)), Number())), "which value of the sweep, or every one: a verdict for each"),
    )
    return Table(
        "a gate",
        (
            Key("metric", Choice(metrics), "what is measured", required=True),
            *of,
            *(ABOUT_MAPS if kind == "saliency" else ()),
            *((Key("per", Choice(per), "one verdict for each"),) if (per := _pers(kind)) else ()),
            *(at if kind in ("corruption", "attack") else ()),
            Key("min", Number(), "the value must not be below"),
            Key("max", Number(), "the value must not be above"),
            *((ACROSS, FLOOR, WITHOUT) if kind in PREDICTED else ()),
            *FOR_ALL,
        ),
    )


def _pers(kind: str) -> tuple[str, ...]:
    """Return what gates of a kind of check can be asked per."""
    pers = dict.fromkeys(per for metric in METRICS.values() if kind in metric.kinds for per in metric.per)
    return tuple(per for per in ("emotion", "group") if per in pers)


def read_gates(node: Node, check: Check, groups: bool) -> tuple[Gate, ...]:
    """Return the gate at `node`, one for each value of the sweep where it says `at: every`.

    Raises SuiteError as `read_gate` does.
    """
    at = node.entries.get("at")
    if at is None or at.value != EVERY or check.sweep is None:
        return (read_gate(node, check, groups),)
    each = (replace(at, value=value) for value in check.sweep[1])
    return tuple(read_gate(replace(node, value={**node.entries, "at": one}), check, groups) for one in each)


def read_gate(node: Node, check: Check, groups: bool) -> Gate:
    """Return the gate at `node` in a check that has everything but its gates; `groups`: whether the suite has any.

    Raises SuiteError for what the metric cannot be asked, at its place.
    """
    kind = check.kind
    _refuse_elsewhere(node, kind)
    row = gate_table(kind).read(node)
    name, entries = row["metric"], node.entries
    metric = METRICS[name]
    _check_per(node, name, metric, row.get("per"), groups)
    if kind in OF:
        _check_named(node, name, metric, check)
    _check_across(node, name, metric)
    if check.sweep is not None:
        _check_at(node, name, metric, row["at"], check.sweep)
    if row["min"] is None and row["max"] is None:
        raise node.error(f"a gate on {name} needs a limit: `min:`, `max:` or both")
    for end in ("min", "max"):
        _check_range(entries.get(end), name, metric)
    _check_tested(entries.get("min"), name, check)
    if row["min"] is not None and row["max"] is not None and row["min"] > row["max"]:
        raise entries["max"].error(f"max {row['max']:g} lies below min {row['min']:g}; nothing could pass")
    place = Place(node.mark.path, node.mark.line, node.mark.column)
    named = {key: row.get(key) for key in ("at", "of", "by", "region", "after", "across")}
    return Gate(
        name,
        row["min"],
        row["max"],
        row.get("per"),
        **named,
        without=_without(node, row.get("without", ())),
        floor=_floor(row.get("floor"), metric),
        informational=row["informational"],
        waive=_waiver(entries["waive"], row["waive"]) if row["waive"] else None,
        place=place,
    )


def _floor(given: str | float | None, metric: Metric) -> Any:
    if given is None:
        return ABOVE_CHANCE if metric.relative else None
    return None if given == NO_FLOOR else given


def _without(node: Node, given: str | tuple[str, ...]) -> tuple[str, ...]:
    names = (given,) if isinstance(given, str) else given
    known = known_methods("screen")
    for name in names:
        if name not in known:
            entry = node.entries["without"]
            raise entry.error(f"there is no screen {name!r}{did_you_mean(name, known)} (there are: {', '.join(known)})")
    return tuple(names)


def _waiver(node: Node, row: dict[str, Any]) -> Waiver:
    try:
        until = date.fromisoformat(row["until"])
    except ValueError as error:
        raise node.entries["until"].error(f"until: there is no day {row['until']} ({error})") from error
    return Waiver(until, row["reason"])


NOUNS = {"saliency": "saliency method", "attack": "attack", "data": "screen"}


def _methods(check: Check) -> list[str]:
    """Return what `of` may name; a data check that names no screen has them all."""
    if check.kind == "data" and not check.uses:
        return sorted(known_methods("screen"))
    return [use.name for use in check.uses]


def _check_named(node: Node, name: str, metric: Metric, check: Check) -> None:
    """Refuse a method, score, region or sanity test that the check does not have, or the metric does not take."""
    has = {
        "of": (NOUNS.get(check.kind, "method"), _methods(check)),
        "by": ("faithfulness score", [use.name for use in check.faithfulness]),
        "region": ("region", [region.name for region in check.regions]),
        "after": ("sanity test", [use.name for use in check.sanity]),
    }
    for key, (noun, names) in has.items():
        entry = node.entries.get(key)
        if entry is None:
            continue
        if key != "of" and key not in metric.keys:
            others = ", ".join(other for other, each in METRICS.items() if key in each.keys)
            raise entry.key_error(f"{name} takes no `{key}` ({others} do)")
        if entry.value not in names:
            raise entry.error(
                f"this check has no {noun} {entry.value!r}{did_you_mean(str(entry.value), names)} "
                f"(it has: {', '.join(names) or 'none'})"
            )
    if "after" in metric.keys and "after" not in node.entries:
        raise node.error(f"{name} needs `after:`, one of {', '.join(has['after'][1]) or 'the sanity tests'}")


def _check_across(node: Node, name: str, metric: Metric) -> None:
    if "across" in metric.keys and "across" not in node.entries:
        raise node.error(
            f"{name} needs `across:`, the column of the clips whose values are compared, as speaker or sex"
        )
    if "across" in node.entries and "across" not in metric.keys:
        others = ", ".join(other for other, each in METRICS.items() if "across" in each.keys)
        raise node.entries["across"].key_error(f"{name} takes no `across` ({others} do)")


def _refuse_elsewhere(node: Node, kind: str) -> None:
    entries = node.entries
    metric = entries.get("metric")
    if metric is not None and metric.value in METRICS and kind not in METRICS[str(metric.value)].kinds:
        where = ", ".join(METRICS[str(metric.value)].kinds)
        own = ", ".join(name for name, other in METRICS.items() if kind in other.kinds)
        raise metric.error(f"{metric.value} is measured by checks of kind {where}; one of kind {kind} has: {own}")
    if "of" in entries and kind not in OF:
        raise entries["of"].key_error(
            "`of` names a saliency method, an attack or a screen; only gates of such a check have it"
        )
    if "per" in entries and not _pers(kind):
        raise entries["per"].key_error(f"a {kind} check is about the model as a whole, and knows no `per`; remove it")
    if "at" in entries and kind not in ("corruption", "attack"):
        raise entries["at"].key_error(f"`at` names a value of a sweep, and a {kind} check has none; remove it")


def _check_per(node: Node, name: str, metric: Metric, per: str | None, groups: bool) -> None:
    place = node.entries.get("per", node.entries["metric"])
    if per not in metric.per:
        allowed = " or ".join(f"`per: {each}`" if each else "no `per`" for each in metric.per)
        if per is None:
            hint = f"; over all emotions use {AVERAGES[name]}" if name in AVERAGES else ""
            raise place.error(f"{name} belongs to one emotion: add {allowed}{hint}")
        hint = "; the accuracy on one emotion's clips is its recall" if (name, per) == ("accuracy", "emotion") else ""
        raise place.error(f"{name} cannot be asked per {per}; it takes {allowed}{hint}")
    if per == "group" and not groups:
        raise place.error("the suite has no groups; add `groups: {name: [emotion, ...]}` at its top")


def _check_at(node: Node, name: str, metric: Metric, at: float | None, sweep: tuple[str, Sequence[float]]) -> None:
    parameter, values = sweep
    listed = ", ".join(f"{value:g}" for value in values)
    if metric.whole_curve:
        if at is not None:
            raise node.entries["at"].key_error(f"{name} is measured over the whole sweep; remove `at`")
        return
    if at is None:
        raise node.error(f"{name} needs `at:`, one of the sweep's values of {parameter} ({listed})")
    if at not in values:
        nearest = min(values, key=lambda value: abs(value - at))
        raise node.entries["at"].error(
            f"{at:g} is no value of the sweep of {parameter}; the nearest is {nearest:g} ({listed})"
        )


def _check_tested(node: Node | None, name: str, check: Check) -> None:
    """Refuse a least critical epsilon that no epsilon of the sweep can show to be reached."""
    if name != "critical_epsilon" or node is None or check.sweep is None or not isinstance(node.value, int | float):
        return
    parameter, values = check.sweep
    if parameter == "epsilon" and node.value > max(values):
        raise node.error(
            f"min {node.value:g} lies beyond the largest epsilon of the sweep, {max(values):g}, and nothing "
            "larger is tested; add larger ones to the sweep, or lower the limit"
        )


def _check_range(node: Node | None, name: str, metric: Metric) -> None:
    low, high = metric.values
    if node is None or not isinstance(node.value, int | float) or low <= node.value <= high:
        return
    percent = metric.values == SHARE and 1 < node.value <= 100
    hint = f"; {node.value:g} % is {node.value / 100:g}" if percent else ""
    span = f"from {low:g} to {high:g}" if math.isfinite(high) else f"at least {low:g}"
    raise node.error(f"{name} lies {span}, {node.name} cannot be {node.value:g}{hint}")


def gate_entry(gate: Gate) -> dict[str, Any]:
    """Return the gate as a suite writes it."""
    written = {
        "metric": gate.metric,
        "of": gate.of,
        "by": gate.by,
        "region": gate.region,
        "after": gate.after,
        "across": gate.across,
        "per": gate.per,
        "at": gate.at,
        "min": gate.minimum,
        "max": gate.maximum,
        "without": list(gate.without) or None,
        "floor": (gate.floor or NO_FLOOR) if METRICS[gate.metric].relative else gate.floor,
        "informational": gate.informational or None,
        "waive": waiver_entry(gate.waive) if gate.waive else None,
    }
    return {key: value for key, value in written.items() if value is not None}


def waiver_entry(waiver: Waiver) -> dict[str, str]:
    """Return a waiver as a suite writes it."""
    return {"until": waiver.until.isoformat(), "reason": waiver.reason}
