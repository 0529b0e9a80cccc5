"""Records to estimates: every metric of a check with its interval and how many clips it rests on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit import metrics
from audit.intervals import Interval, paired_difference, percentile, replicates, union, wilson
from audit.record import GROUP_PREFIX
from audit.suite import Decide

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


@dataclass(frozen=True)
class Estimate:
    """A value, its interval, and what it rests on: `n` samples in `clusters` clusters (None without clustering).

    `value` is None where there is nothing to compute it from, `interval` None where it cannot be given; `why` says so.
    """

    value: float | None
    interval: Interval | None
    n: int
    clusters: int | None
    why: str = ""


class Estimator:
    """Estimates over one audit's records, intervals included, the same for the same seed in any order of asking."""

    def __init__(
        self, records: pd.DataFrame, emotions: Sequence[str], groups: Mapping[str, Sequence[str]], decide: Decide
    ) -> None:
        self.emotions = tuple(emotions)
        self.groups = groups
        self.decide = decide
        self._index = {emotion: i for i, emotion in enumerate(self.emotions)}
        self._tables: dict[tuple[str, str, str, float], pd.DataFrame] = {
            (check, method, measure, severity): part.set_index("sample")
            for (check, method, measure, severity), part in records.fillna({"severity": -math.inf}).groupby(
                ["check", "method", "measure", "severity"], sort=False
            )
        }

    def at_confidence(self, confidence: float) -> Estimator:
        """Return the same estimates with intervals of another confidence."""
        other = copy(self)
        other.decide = replace(self.decide, confidence=confidence)
        return other

    @cached_property
    def keys(self) -> list[tuple[str, str, str, float]]:
        """All (check, method, measure, severity) there are records of; severity -inf where there is none."""
        return list(self._tables)

    def predictions(self, check: str, at: float | None) -> pd.DataFrame:
        """Return the prediction records of a check at one severity, indexed by sample."""
        for (name, _, measure, severity), part in self._tables.items():
            if name == check and measure == "" and (at is None or severity == at):
                return part
        return pd.DataFrame(columns=["emotion", "predicted", "probabilities"])

    @cached_property
    def clean(self) -> pd.DataFrame:
        """The clean predictions of every clip, indexed by sample."""
        return self.predictions("clean", None)

    def severities(self, check: str) -> list[float]:
        """Return the severities a check has predictions of, ascending."""
        return sorted({key[3] for key in self._tables if key[0] == check and key[2] == "" and math.isfinite(key[3])})

    def confusion(self, check: str, at: float | None) -> NDArray[np.int64]:
        """Return confusion counts (K, K) at one severity."""
        true, predicted = self._codes(self.predictions(check, at))
        counts = np.zeros((len(self.emotions), len(self.emotions)), dtype=np.int64)
        np.add.at(counts, (true, predicted), 1)
        return counts

    def predicted(
        self, check: str, metric: str, *, at: float | None = None, emotion: str | None = None, group: str | None = None
    ) -> Estimate:
        """Estimate a metric of predictions at one severity, for one emotion, one group, or all."""
        table = self.predictions(check, at)
        if metric == "drop":
            return self._drop(table, emotion, group)
        if metric == "ece":
            return self._calibration(self._of(table, emotion, group))
        if group is not None:
            table = self._of(table, None, group)
        k = len(self.emotions)
        true, predicted = self._codes(table)
        cells = np.eye(k * k)[true * k + predicted].reshape(len(table), k * k)
        which = self._index[emotion] if emotion is not None else None
        if which is not None:
            formula, n = PER_EMOTION[metric], self._trials(metric, true, predicted, which)
        elif metric == "recall":
            # Over a group, the share of its clips that are recognised.
            formula, n = metrics.accuracy, len(table)
        else:
            formula, n = OVER_ALL[metric], len(table)

        def statistic(sums: Floats) -> Floats:
            values = formula(sums.reshape(*sums.shape[:-1], k, k))
            return values if which is None else values[..., which]

        involved = np.ones(len(table), bool) if which is None else (true == which) | (predicted == which)
        return self._estimate(cells[involved], table[involved], statistic, n, proportion=True)

    def curve(self, check: str, metric: str, *, emotion: str | None = None, group: str | None = None) -> Estimate:
        """Estimate `critical_epsilon` or `curve_area` over a check's severities."""
        severities = self.severities(check)
        tables = [self._of(self.predictions(check, at), emotion, group) for at in severities]
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

        return self._estimate(rows, tables[0], statistic, len(shared), proportion=metric == "curve_area")

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
    ) -> Estimate:
        """Estimate a method's mean score, or its mean paired difference to another method and measure (`minus`).

        A third part of `minus` is the severity; without it, the first is taken. The difference is that over the clips
        that both have; a `sign` of -1 turns it.
        """
        table = self._scores(check, method, measure, at)
        if table is None:
            return Estimate(None, None, 0, None, f"{method} gave no {measure}")
        table = self._of(table, emotion, None)
        values = table["score"].to_numpy(np.float64)
        if minus is not None:
            other = self._scores(check, *minus)
            if other is None:
                return Estimate(None, None, 0, None, f"{minus[0]} gave no {minus[1]}")
            table = table[table.index.isin(other.index)]
            values = sign * (table["score"] - other.loc[table.index, "score"]).to_numpy(np.float64)
        rows = np.column_stack([np.ones(len(values)), values])
        return self._estimate(rows, table, lambda sums: sums[..., 1] / sums[..., 0], len(values), proportion=False)

    def largest_score(self, check: str, method: str, measure: str, *, emotion: str | None = None) -> Estimate:
        """Return the largest score of a method, for what must hold of every map; its interval is the value itself."""
        table = self._scores(check, method, measure)
        if table is None or (table := self._of(table, emotion, None)).empty:
            return Estimate(None, None, 0, None, f"{method} gave no {measure}")
        largest = float(table["score"].max())
        return Estimate(largest, (largest, largest), len(table), None)

    def _scores(self, check: str, method: str, measure: str, at: float | None = None) -> pd.DataFrame | None:
        found = [
            part
            for key, part in self._tables.items()
            if key[:3] == (check, method, measure) and (at is None or key[3] == at)
        ]
        return found[0] if found else None

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
    def _trials(metric: str, true: NDArray[Any], predicted: NDArray[Any], which: int) -> int:
        if metric == "recall":
            return int((true == which).sum())
        if metric == "precision":
            return int((predicted == which).sum())
        return int(((true == which) | (predicted == which)).sum())

    def _drop(self, table: pd.DataFrame, emotion: str | None, group: str | None) -> Estimate:
        table = self._of(table, emotion, group)
        before = self.clean.loc[table.index]
        right_before = (before["emotion"] == before["predicted"]).to_numpy()
        right_after = (table["emotion"] == table["predicted"]).to_numpy()
        lost, gained = right_before & ~right_after, right_after & ~right_before
        rows = np.column_stack([np.ones(len(table)), lost, gained]).astype(np.float64)
        found = self._estimate(
            rows, table, lambda sums: (sums[..., 1] - sums[..., 2]) / sums[..., 0], len(table), proportion=False
        )
        if found.interval is None:
            return found
        floor = paired_difference(float(lost.mean()), float(gained.mean()), len(table), self.decide.confidence)
        return Estimate(found.value, union(found.interval, floor), found.n, found.clusters)

    def _calibration(self, table: pd.DataFrame) -> Estimate:
        confidence = np.array([max(row) for row in table["probabilities"]], dtype=np.float64)
        right = (table["emotion"] == table["predicted"]).to_numpy(np.float64)
        rows = metrics.calibration_bins(confidence, right)
        return self._estimate(rows, table, metrics.expected_calibration_error, len(table), proportion=False)

    def _estimate(
        self, rows: Floats, table: pd.DataFrame, statistic: Callable[[Floats], Floats], n: int, *, proportion: bool
    ) -> Estimate:
        if not len(rows) or not n:
            return Estimate(None, None, 0, None, "no clips")
        value = float(statistic(rows.sum(axis=0)))
        if math.isnan(value):
            return Estimate(None, None, n, None, "undefined on these clips")
        units, repeats, clusters = self._units(rows, table)
        count = int(repeats.sum()) if clusters is None else clusters
        draws = replicates(units, repeats, statistic, draws=self.decide.bootstrap, seed=self.decide.seed)
        interval = percentile(draws, count, self.decide.confidence)
        if interval is None:
            unit = f"one {self.decide.cluster}" if clusters is not None else "one clip"
            return Estimate(value, None, n, clusters, f"{unit} alone gives no interval")
        if proportion:
            # Where every clip agrees the bootstrap has no width; a score interval still knows that n is finite.
            interval = union(interval, wilson(min(max(value, 0.0), 1.0), n, self.decide.confidence))
        return Estimate(value, interval, n, clusters)

    def _units(self, rows: Floats, table: pd.DataFrame) -> tuple[Floats, Floats, int | None]:
        """Return what is resampled: clusters' sums, or the distinct rows and how often each stands."""
        if self.decide.cluster is not None:
            codes, names = pd.factorize(table[GROUP_PREFIX + self.decide.cluster].to_numpy(dtype=object))
            sums = np.zeros((len(names), rows.shape[1]))
            np.add.at(sums, codes, rows)
            return sums, np.ones(len(names)), len(names)
        distinct, counts = np.unique(rows, axis=0, return_counts=True)
        return distinct, counts.astype(np.float64), None
