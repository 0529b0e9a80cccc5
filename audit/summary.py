"""Every metric of an audit in tidy rows, the confusion counts, and which saliency method is the most faithful."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from audit.audit import metric_row
from audit.estimate import OVER_ALL, PER_EMOTION, Estimate, Estimator
from audit.suite import Check
from audit.verdict import chance_of, measure_of

Row = dict[str, Any]


def metric_rows(checks: Sequence[Check], estimator: Estimator) -> list[Row]:
    """Return one row per check, severity, metric and emotion, group, or all."""
    rows: list[Row] = []
    for check in checks:
        rows.extend(
            _saliency_rows(check, estimator) if check.kind == "saliency" else _prediction_rows(check, estimator)
        )
    return rows


def confusions(checks: Sequence[Check], estimator: Estimator) -> list[Row]:
    """Return the confusion counts of every check and severity."""
    return [
        {"check": check.id, "method": _method(check), "at": at, "counts": estimator.confusion(check.id, at).tolist()}
        for check in checks
        if check.kind != "saliency"
        for at in _severities(check, estimator)
    ]


def best_saliency(checks: Sequence[Check], estimator: Estimator) -> Row:
    """Return the method whose faithfulness over random masks is the largest, if its interval lies above zero."""
    found: list[tuple[float, str, Estimate]] = []
    for check in checks:
        if check.kind != "saliency":
            continue
        for method in (use.name for use in check.uses):
            over = estimator.mean_score(check.id, method, measure_of(check), minus=chance_of(check))
            if over.value is not None and over.interval is not None:
                found.append((over.value, method, over))
    if not found:
        return {"method": None, "reason": "no saliency method was judged"}
    value, method, over = max(found, key=lambda entry: entry[:2])
    assert over.interval is not None
    low, high = over.interval
    size = (
        f"{value:.3f} ({low:.3f} to {high:.3f}) more probability lost than under the same masks elsewhere, n={over.n}"
    )
    if low <= 0:
        return {"method": None, "reason": f"none beats its own masks put elsewhere; the nearest is {method}: {size}"}
    return {"method": method, "reason": size}


def _prediction_rows(check: Check, estimator: Estimator) -> Iterator[Row]:
    key = (check.id, check.kind, _method(check), "")
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


def _saliency_rows(check: Check, estimator: Estimator) -> Iterator[Row]:
    for name, method, measure, severity in estimator.keys:
        if name != check.id:
            continue
        key = (check.id, check.kind, method, measure.rpartition("/")[2])
        for emotion in (None, *estimator.emotions):
            for metric, found in _scores(check, estimator, method, measure, emotion):
                yield metric_row(key, metric, found, at=severity, emotion=emotion, group=None)


def _scores(
    check: Check, estimator: Estimator, method: str, measure: str, emotion: str | None
) -> Iterator[tuple[str, Estimate]]:
    kind, _, fill = measure.partition("/")
    if measure == "conservation":
        yield measure, estimator.largest_score(check.id, method, measure, emotion=emotion)
        return
    found = estimator.mean_score(check.id, method, measure, emotion=emotion)
    if not fill or kind == "chance":
        yield kind, found
        return
    yield "faithfulness", found
    over = estimator.mean_score(check.id, method, measure, emotion=emotion, minus=f"chance/{fill}")
    if over.value is not None:
        yield "faithfulness_over_random", over


def _severities(check: Check, estimator: Estimator) -> list[float | None]:
    return [None] if check.kind == "clean" else list(estimator.severities(check.id))


def _method(check: Check) -> str:
    return check.uses[0].name if check.uses else check.id
