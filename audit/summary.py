"""Every metric of an audit in tidy rows, the confusion counts, and which saliency method is the most faithful."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from audit.audit import metric_row
from audit.estimate import Estimate
from audit.estimator import OVER_ALL, PER_EMOTION, Estimator
from audit.grammar.gate_metrics import METRICS, PREDICTED
from audit.groups import columns, gap
from audit.record import ALONE, CHANCE, ENERGY, FOUND
from audit.running_cost import NONE, RunningCost
from audit.standing import Standing, better_than, over_chance
from audit.suite import Check

Row = dict[str, Any]


def metric_rows(checks: Sequence[Check], estimator: Estimator, running: Mapping[str, RunningCost] = NONE) -> list[Row]:
    """Return one row per check, severity, metric and emotion, group, or all; `running` is of cost checks, by check."""
    rows: list[Row] = []
    for check in checks:
        if check.kind == "cost":
            rows.extend(_cost_rows(check, running[check.id], estimator.decide.confidence))
            continue
        of = {"saliency": _saliency_rows, "data": _data_rows}.get(check.kind, _prediction_rows)
        rows.extend(of(check, estimator))
    return rows


def confusions(checks: Sequence[Check], estimator: Estimator) -> list[Row]:
    """Return the confusion counts of every check and severity."""
    return [
        {"check": check.id, "method": check.method, "at": at, "counts": estimator.confusion(check.id, at).tolist()}
        for check in checks
        if check.kind in PREDICTED
        for at in _severities(check, estimator)
    ]


def best_saliency(checks: Sequence[Check], estimator: Estimator, standings: Sequence[Standing]) -> Row:
    """Return the method whose score over chance is the largest, among those whose maps have earned their place."""
    earned = {(each.check, each.method) for each in standings if each.outcome == "PASS"}
    found: list[tuple[float, str, Estimate, bool]] = []
    for check in checks:
        for method in (use.name for use in check.uses if check.kind == "saliency" and use.name != ENERGY):
            over = over_chance(check, estimator, method)
            if over.value is not None and over.interval is not None:
                found.append((over.value, method, over, (check.id, method) in earned))
    if not found:
        return {"method": None, "reason": "no saliency method was judged"}
    candidates = [entry for entry in found if entry[3]]
    value, method, over, _ = max(candidates or found, key=lambda entry: entry[:2])
    assert over.interval is not None
    low, high = over.interval
    size = f"{value:.3f} ({low:.3f} to {high:.3f}) better than the same maps elsewhere, n={over.n}"
    if not candidates:
        return {"method": None, "reason": f"no method has earned its place; the nearest is {method}: {size}"}
    return {"method": method, "reason": size}


def _prediction_rows(check: Check, estimator: Estimator) -> Iterator[Row]:
    key = (check.id, check.kind, check.method, "")
    for at in _severities(check, estimator):
        for metric in (*OVER_ALL, "ece", *(() if check.kind == "clean" else ("drop",))):
            found = estimator.predicted(check.id, metric, at=at)
            yield metric_row(key, metric, found, at=at, emotion=None, group=None)
        for emotion in estimator.emotions:
            for metric in (*PER_EMOTION, *(("ece",) if check.kind == "clean" else ())):
                found = estimator.predicted(check.id, metric, at=at, emotion=emotion)
                yield metric_row(key, metric, found, at=at, emotion=emotion, group=None)
        for group in estimator.groups:
            found = estimator.predicted(check.id, "accuracy", at=at, group=group)
            yield metric_row(key, "accuracy", found, at=at, emotion=None, group=group)
        if at is not None and (check.id, key[2], "snr_db", at) in estimator.keys:
            reached = estimator.mean_score(check.id, key[2], "snr_db", at=at)
            yield metric_row(key, "snr_db", reached, at=at, emotion=None, group=None)
        yield from _alone_rows(check, estimator, at)
        yield from _gap_rows(check, estimator, at)
    if check.kind == "clean":
        return
    for metric in ("curve_area", *(("critical_epsilon",) if check.kind == "attack" else ())):
        yield metric_row(key, metric, estimator.curve(check.id, metric), at=None, emotion=None, group=None)
        for emotion in estimator.emotions:
            found = estimator.curve(check.id, metric, emotion=emotion)
            yield metric_row(key, metric, found, at=None, emotion=emotion, group=None)
        for group in estimator.groups:
            found = estimator.curve(check.id, metric, group=group)
            yield metric_row(key, metric, found, at=None, emotion=None, group=group)


def _alone_rows(check: Check, estimator: Estimator, at: float | None) -> Iterator[Row]:
    """Yield what each of several attacks comes to by itself."""
    for use in check.uses if len(check.uses) > 1 else ():
        if estimator.predictions(check.id, at, use.name).empty:
            continue
        key = (check.id, check.kind, use.name, ALONE)
        found = estimator.predicted(check.id, "accuracy", at=at, of=use.name)
        yield metric_row(key, "accuracy", found, at=at, emotion=None, group=None)
        for emotion in estimator.emotions:
            found = estimator.predicted(check.id, "recall", at=at, emotion=emotion, of=use.name)
            yield metric_row(key, "recall", found, at=at, emotion=emotion, group=None)


def _gap_rows(check: Check, estimator: Estimator, at: float | None) -> Iterator[Row]:
    """Yield how far the values of every column lie apart, of each emotion when clean; `measure` is the column."""
    for across in columns(estimator):
        key = (check.id, check.kind, check.method, across)
        asked: list[tuple[str, str | None]] = [("accuracy_gap", None), ("recall_gap", None)]
        if check.kind == "clean":
            asked += [(metric, emotion) for metric in ("recall_gap", "share_gap") for emotion in estimator.emotions]
        for metric, emotion in asked:
            found = gap(estimator, check.id, metric, across, at=at, emotion=emotion).found
            yield metric_row(key, metric, found, at=at, emotion=emotion, group=None)


def _data_rows(check: Check, estimator: Estimator) -> Iterator[Row]:
    for name, method, measure, _ in estimator.keys:
        if (name, measure) == (check.id, FOUND):
            for emotion in (None, *estimator.emotions):
                found = estimator.share_found(check.id, method, emotion=emotion)
                key = (check.id, check.kind, method, "")
                yield metric_row(key, "found", found, at=None, emotion=emotion, group=None)


def _cost_rows(check: Check, cost: RunningCost, confidence: float) -> Iterator[Row]:
    key = (check.id, check.kind, check.method, "")
    for metric in (name for name, each in METRICS.items() if check.kind in each.kinds):
        yield metric_row(key, metric, cost.estimate(metric, confidence), at=None, emotion=None, group=None)


def _saliency_rows(check: Check, estimator: Estimator) -> Iterator[Row]:
    for name, method, measure, severity in estimator.keys:
        if name != check.id:
            continue
        for emotion in (None, *estimator.emotions):
            for metric, of, found in _scores(check, estimator, method, measure, severity, emotion):
                key = (check.id, check.kind, method, of)
                yield metric_row(key, metric, found, at=severity, emotion=emotion, group=None)


def _scores(
    check: Check, estimator: Estimator, method: str, measure: str, severity: float, emotion: str | None
) -> Iterator[tuple[str, str, Estimate]]:
    """Yield (metric, what it is of, estimate) for one measure of one method."""
    kind, _, of = measure.partition("/")
    if measure == "conservation":
        yield kind, "", estimator.largest_score(check.id, method, measure, emotion=emotion)
        return
    found = estimator.mean_score(check.id, method, measure, emotion=emotion, at=severity)
    if measure not in check.measures:
        yield kind, of, found
        return
    yield "faithfulness", measure, found
    for metric, other in (
        ("faithfulness_over_random", (method, f"{CHANCE}/{measure}")),
        ("faithfulness_over_energy", (ENERGY, measure)),
    ):
        over = better_than(check, estimator, method, measure, other, emotion)
        if over.value is not None and other != (method, measure):
            yield metric, measure, over


def _severities(check: Check, estimator: Estimator) -> list[float | None]:
    return [None] if check.kind == "clean" else list(estimator.severities(check.id))
