"""Whether answers are right as often as they are sure: clips binned by confidence, for reliability diagrams.

Guo et al. (2017), On calibration of modern neural networks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from audit import bounds
from audit.estimator import Estimator
from audit.metrics import BINS
from audit.suite import Check

Row = dict[str, Any]


def reliability_rows(checks: Sequence[Check], estimator: Estimator) -> list[Row]:
    """Return the bins of the clean clips, and of each sweep where accuracy is lowest, over all and per emotion."""
    rows = []
    for check in checks:
        if check.kind not in ("clean", "corruption", "attack"):
            continue
        at = None if check.kind == "clean" else _worst(check.id, estimator)
        for emotion in (None, *estimator.emotions):
            bins = list(_bins(check.id, at, emotion, estimator))
            if bins:
                error = estimator.predicted(check.id, "ece", at=at, emotion=emotion)
                rows.append(
                    {
                        "check": check.id,
                        "method": check.method,
                        "at": at,
                        "emotion": emotion,
                        "n": error.n,
                        "ece": error.value,
                        "interval": list(error.interval) if error.interval else None,
                        "bins": bins,
                    }
                )
    return rows


def _worst(check: str, estimator: Estimator) -> float | None:
    """Return the severity at which the fewest clips are right."""
    accuracies = {at: estimator.predicted(check, "accuracy", at=at).value for at in estimator.severities(check)}
    known = {at: value for at, value in accuracies.items() if value is not None}
    return min(known, key=lambda at: known[at], default=None)


def _bins(check: str, at: float | None, emotion: str | None, estimator: Estimator) -> Iterator[Row]:
    table = estimator.predictions(check, at)
    if emotion is not None:
        table = table[table["emotion"] == emotion]
    confidence = np.array([max(row) for row in table["probabilities"]], dtype=np.float64)
    which = np.minimum((confidence * BINS).astype(int), BINS - 1)
    right = (table["emotion"] == table["predicted"]).to_numpy(np.float64)
    for place in np.unique(which):
        inside = which == place
        rows = np.column_stack([np.ones(int(inside.sum())), right[inside]])
        found = estimator.estimated(rows, table[inside], lambda sums: sums[..., 1] / sums[..., 0], bounds.of_share)
        yield {
            "from": float(place) / BINS,
            "to": (float(place) + 1) / BINS,
            "count": found.n,
            "confidence": float(confidence[inside].mean()),
            "right": found.value,
            "interval": list(found.interval) if found.interval else None,
        }
