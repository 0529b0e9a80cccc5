"""Records to estimates: every metric of a check with its interval and how many clips it rests on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit import bounds, metrics
from audit.bounds import BoundsOf, Sampled
from audit.errors import MethodError
from audit.estimate import Estimate
from audit.grammar.gate_metrics import ANY
from audit.intervals import Interval
from audit.record import FOUND, GROUP_PREFIX
from audit.suite import Decide
from audit.tables import Key, Tables

Floats = NDArray[np.float64]
PER_EMOTION: Mapping[str, Callable[[Floats], Floats]] = {
    "recall": metrics.recall,
    "precision": metrics.precision,
    "f1": metrics.f1,
}
OVER_ALL: Mapping[str, Callable[[Floats], Floats]] = {
    "accuracy": metrics.accuracy,
    "uar": metrics.uar,
    "macro_f1": metrics.macro_f1,
}


class Estimator:
    """Estimates over one audit's records, intervals included, the same for the same seed in any order of asking."""

    def __init__(
        self, records: pd.DataFrame, emotions: Sequence[str], groups: Mapping[str, Sequence[str]], decide: Decide
    ) -> None:
        self.emotions = tuple(emotions)
        self.groups = groups
        self.decide = decide
        self._index = {emotion: i for i, emotion in enumerate(self.emotions)}
        self.tables = Tables(records)

    def at_confidence(self, confidence: float) -> Estimator:
        """Return the same estimates with intervals of another confidence."""
        other = copy(self)
        other.decide = replace(self.decide, confidence=confidence)
        return other

    def without(self, screens: Sequence[str]) -> Estimator:
        """Return the same estimates over the clips that none of these screens of the data found.

        Raises MethodError where a screen was not applied.
        """
        found: set[str] = set()
        for screen in screens:
            seen = self.tables.found(screen)
            if seen is None:
                raise MethodError(f"what {screen} finds is not to be counted, and that screen was not applied")
            found |= seen
        other = copy(self)
        other.tables = self.tables.excluding(found)
        return other

    @property
    def keys(self) -> list[Key]:
        """All (check, method, measure, severity) there are records of; severity -inf where there is none."""
        return self.tables.keys

    @property
    def clean(self) -> pd.DataFrame:
        """The clean predictions of every clip, indexed by sample."""
        return self.tables.clean

    def predictions(self, check: str, at: float | None, of: str | None = None) -> pd.DataFrame:
        """Return the predictions of a check at one severity, as `Tables.predictions` does."""
        return self.tables.predictions(check, at, of)

    def severities(self, check: str) -> list[float]:
        """Return the severities a check has predictions of, ascending."""
        return self.tables.severities(check)

    def confusion(self, check: str, at: float | None) -> NDArray[np.int64]:
        """Return confusion counts (K, K) at one severity."""
        true, predicted = self._codes(self.predictions(check, at))
        counts = np.zeros((len(self.emotions), len(self.emotions)), dtype=np.int64)
        np.add.at(counts, (true, predicted), 1)
        return counts

    def predicted(
        self,
        check: str,
        metric: str,
        *,
        at: float | None = None,
        emotion: str | None = None,
        group: str | None = None,
        of: str | None = None,
    ) -> Estimate:
        """Estimate a metric of predictions at one severity, for one emotion, one group, or all.

        `of` is one attack of several, whose strongest counts by default.
        """
        table = self.predictions(check, at, of)
        if metric == "drop":
            return self.lost(self.clean, table, emotion=emotion, group=group)
        if metric == "ece":
            return self._calibration(self._of(table, emotion, group))
        return self.recognised(self._of(table, None, group), metric, emotion=emotion)

    def recognised(self, table: pd.DataFrame, metric: str, *, emotion: str | None = None) -> Estimate:
        """Estimate a metric of confusions (accuracy, recall, UAR and the like) over a table of predictions."""
        k = len(self.emotions)
        true, predicted = self._codes(table)
        cells = np.eye(k * k)[true * k + predicted].reshape(len(table), k * k)
        which = self._index[emotion] if emotion is not None else None
        if which is not None:
            formula = PER_EMOTION[metric]
        else:
            # Recall over several emotions is the share of their clips that are recognised.
            formula = metrics.accuracy if metric == "recall" else OVER_ALL[metric]

        def statistic(sums: Floats) -> Floats:
            values = formula(sums.reshape(*sums.shape[:-1], k, k))
            return values if which is None else values[..., which]

        involved = np.ones(len(table), bool) if which is None else self._involved(metric, true, predicted, which)
        return self.estimated(cells[involved], table[involved], statistic, bounds.of_share)

    def curve(
        self,
        check: str,
        metric: str,
        *,
        emotion: str | None = None,
        group: str | None = None,
        of: str | None = None,
    ) -> Estimate:
        """Estimate `critical_epsilon` or `curve_area` over a check's severities."""
        severities = self.severities(check)
        tables = [self._of(self.predictions(check, at, of), emotion, group) for at in severities]
        starts_clean = metric == "critical_epsilon" and bool(severities) and severities[0] > 0
        if starts_clean:
            severities = [0.0, *severities]
            tables = [self.clean.loc[tables[0].index], *tables]
        if not tables or tables[0].empty:
            return Estimate(None, None, 0, None, "no clips")
        shared = tables[0].index
        right = np.stack([(t.loc[shared, "emotion"] == t.loc[shared, "predicted"]).to_numpy() for t in tables], axis=1)
        rows = np.column_stack([np.ones(len(shared)), right.astype(np.float64)])

        def statistic(sums: Floats) -> Floats:
            accuracies = sums[..., 1:] / sums[..., :1]
            if metric == "critical_epsilon":
                return metrics.critical_severity(severities, accuracies)
            return metrics.curve_area(severities, accuracies)

        if metric == "critical_epsilon":
            draws, seed = self.decide.bootstrap, self.decide.seed
            crossing = partial(bounds.of_crossing, severities=severities, draws=draws, seed=seed)
            return self.estimated(rows, tables[0], statistic, crossing)
        return self.estimated(rows, tables[0], statistic, bounds.of_share)

    def lost(
        self, before: pd.DataFrame, after: pd.DataFrame, *, emotion: str | None = None, group: str | None = None
    ) -> Estimate:
        """Estimate the accuracy lost from one table of predictions to another, over the clips of the second.

        Raises KeyError where the first lacks one of them.
        """
        after = self._of(after, emotion, group)
        first = before.loc[after.index]
        right = (first["emotion"] == first["predicted"]).to_numpy()
        stays = (after["emotion"] == after["predicted"]).to_numpy()
        rows = np.column_stack([np.ones(len(after)), right & ~stays, stays & ~right]).astype(np.float64)
        return self.estimated(rows, after, lambda sums: (sums[..., 1] - sums[..., 2]) / sums[..., 0], bounds.of_drop)

    def mean_score(
        self,
        check: str,
        method: str,
        measure: str,
        *,
        emotion: str | None = None,
        at: float | None = None,
        minus: tuple[str, str] | tuple[str, str, float] | None = None,
        sign: int = 1,
        values: Interval = ANY,
    ) -> Estimate:
        """Estimate a method's mean score, or its mean paired difference to another method and measure (`minus`).

        A third part of `minus` is the severity; without it, the first is taken. The difference is that over the clips
        that both have; a `sign` of -1 turns it. `values` are the least and the largest that the score can be.
        """
        table = self.tables.scores(check, method, measure, at)
        if table is None:
            return Estimate(None, None, 0, None, f"{method} gave no {measure}")
        table = self._of(table, emotion, None)
        scores = table["score"].to_numpy(np.float64)
        if minus is not None:
            other = self.tables.scores(check, *minus)
            if other is None:
                return Estimate(None, None, 0, None, f"{minus[0]} gave no {minus[1]}")
            table = table[table.index.isin(other.index)]
            scores = sign * (table["score"] - other.loc[table.index, "score"]).to_numpy(np.float64)
        rows = np.column_stack([np.ones(len(scores)), scores])
        mean = partial(bounds.of_score, draws=self.decide.bootstrap, seed=self.decide.seed, values=values)
        return self.estimated(rows, table, lambda sums: sums[..., 1] / sums[..., 0], mean)

    def share_found(self, check: str, screen: str, *, emotion: str | None = None) -> Estimate:
        """Return the share of the judged clips that a screen found: all were looked at, so it is exact."""
        table = self.tables.scores(check, screen, FOUND)
        if table is None or (table := self._of(table, emotion, None)).empty:
            return Estimate(None, None, 0, None, f"{screen} was not applied")
        share = float(table["score"].mean())
        return Estimate(share, (share, share), len(table), None)

    def largest_score(self, check: str, method: str, measure: str, *, emotion: str | None = None) -> Estimate:
        """Return the largest score of a method, for what must hold of every map; its interval is the value itself."""
        table = self.tables.scores(check, method, measure)
        if table is None or (table := self._of(table, emotion, None)).empty:
            return Estimate(None, None, 0, None, f"{method} gave no {measure}")
        largest = float(table["score"].max())
        return Estimate(largest, (largest, largest), len(table), None)

    def _of(self, table: pd.DataFrame, emotion: str | None, group: str | None) -> pd.DataFrame:
        if emotion is not None:
            return table[table["emotion"] == emotion]
        if group is not None:
            return table[table["emotion"].isin(self.groups[group])]
        return table

    def _codes(self, table: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return (
            table["emotion"].map(self._index).to_numpy(np.int64),
            table["predicted"].map(self._index).to_numpy(np.int64),
        )

    @staticmethod
    def _involved(metric: str, true: NDArray[Any], predicted: NDArray[Any], which: int) -> NDArray[np.bool_]:
        if metric == "recall":
            return true == which
        if metric == "precision":
            return predicted == which
        return (true == which) | (predicted == which)

    def _calibration(self, table: pd.DataFrame) -> Estimate:
        confidence = np.array([max(row) for row in table["probabilities"]], dtype=np.float64)
        right = (table["emotion"] == table["predicted"]).to_numpy(np.float64)
        rows = metrics.calibration_bins(confidence, right)
        return self.estimated(rows, table, metrics.expected_calibration_error, bounds.of_calibration)

    def estimated(
        self, rows: Floats, table: pd.DataFrame, statistic: Callable[[Floats], Floats], bounds_of: BoundsOf
    ) -> Estimate:
        """Estimate a statistic of additive `rows` (n, d), one per clip of `table`; `bounds_of` gives its intervals."""
        n = len(rows)
        if not n:
            return Estimate(None, None, 0, None, "no clips")
        value = float(statistic(rows.sum(axis=0)))
        if math.isnan(value):
            return Estimate(None, None, n, None, "undefined on these clips")
        found = self._units(rows, table)
        clusters = found.units if found.clustered else None
        interval_at = bounds_of(found, statistic) if found.units > 1 else None
        if interval_at is None:
            unit = f"one {self.decide.cluster}" if found.clustered else "one clip"
            return Estimate(value, None, n, clusters, f"{unit} alone gives no interval")
        return Estimate(value, interval_at(self.decide.confidence), n, clusters, bounds=interval_at)

    def _units(self, rows: Floats, table: pd.DataFrame) -> Sampled:
        """Return what was sampled: clusters' sums, or the distinct rows and how often each stands."""
        if self.decide.cluster is not None:
            codes, names = pd.factorize(table[GROUP_PREFIX + self.decide.cluster].to_numpy(dtype=object))
            sums = np.zeros((len(names), rows.shape[1]))
            np.add.at(sums, codes, rows)
            return Sampled(sums, np.ones(len(names)), len(rows), clustered=True)
        distinct, counts = np.unique(rows, axis=0, return_counts=True)
        return Sampled(distinct, counts.astype(np.float64), len(rows), clustered=False)
