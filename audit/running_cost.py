"""What a model costs to run: the calls of it that were timed, what was counted, and the estimates of both."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from audit.estimate import Estimate
from audit.intervals import Interval, order_statistics

MEDIAN, TAIL = 0.5, 0.95
TIMED: Mapping[str, float] = {
    "latency": MEDIAN,
    "latency_p95": TAIL,
    "latency_with_representation": MEDIAN,
    "throughput": MEDIAN,
}
"""Which quantile of the timed calls a metric is."""
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class RunningCost:
    """What one cost check measured, in the order it did.

    `calls` are the milliseconds of the model on one recording, `calls_with_representation` those of the same calls from
    the decoded recording on, `batch_calls` those of the model on `batch` recordings. `parameters` and `size` (in bytes)
    are None where they cannot be counted, and `uncounted` says why, by metric. `machine` is what it was measured on:
    `device`, the name of its `processor`, how many `processors` there are and their `load` (the processes that wanted
    to run in the minute before, this one too), `threads` and `torch`.
    """

    check: str
    machine: Mapping[str, Any]
    calls: Sequence[float]
    calls_with_representation: Sequence[float]
    batch: int
    batch_calls: Sequence[float]
    parameters: int | None
    size: int | None
    files: int
    uncounted: Mapping[str, str]

    @property
    def where(self) -> str:
        """The machine in words."""
        on = self.machine
        threads = f"{_count(on['threads'], 'thread')}, load {on['load']:.1f} on {_count(on['processors'], 'processor')}"
        return f"{on['processor']} ({on['device']}), {threads}, torch {on['torch']}"

    def estimate(self, metric: str, confidence: float) -> Estimate:
        """Estimate a metric of a cost check; times have intervals, and what was counted is exact."""
        if metric == "parameters":
            told = "all that the network holds, frozen ones too, shared ones once"
            return self._counted(metric, self.parameters, 1, told)
        if metric == "size":
            told = f"{self.size or 0:,} bytes in {_count(self.files, 'file')}"
            return self._counted(metric, None if self.size is None else self.size / MEGABYTE, self.files, told)
        if metric == "throughput":
            return self._throughput(confidence)
        calls = self.calls_with_representation if metric == "latency_with_representation" else self.calls
        share = TIMED[metric]
        what = "median" if share == MEDIAN else "95th percentile"
        told = f"{what} of {_count(len(calls), 'call')} of one recording on {self.where}"
        if metric == "latency_with_representation":
            apart = np.subtract(self.calls_with_representation, self.calls)
            told += f"; {float(np.median(apart)):.3g} ms of it outside the model"
        bounds = _bounds(calls, share)
        return Estimate(float(np.quantile(calls, share)), bounds(confidence), len(calls), None, told, bounds)

    def _throughput(self, confidence: float) -> Estimate:
        of_time = _bounds(self.batch_calls, MEDIAN)

        def bounds(confidence: float) -> Interval:
            low, high = of_time(confidence)
            return self._rate(high), self._rate(low)

        n = len(self.batch_calls)
        told = f"median of {_count(n, 'call')} of {_count(self.batch, 'recording')} on {self.where}"
        value = self._rate(float(np.median(self.batch_calls)))
        return Estimate(value, bounds(confidence), n, None, told, bounds)

    def _rate(self, milliseconds: float) -> float:
        return 1000 * self.batch / milliseconds if milliseconds > 0 else math.inf

    def _counted(self, metric: str, value: float | None, n: int, told: str) -> Estimate:
        if value is None:
            return Estimate(None, None, 0, None, self.uncounted[metric])
        return Estimate(float(value), (float(value), float(value)), n, None, told)


NONE: Mapping[str, RunningCost] = MappingProxyType({})
"""Of a suite without a cost check."""


def fewest_calls(metric: str, confidence: float) -> int:
    """Return how many timed calls give a metric an interval with both ends."""
    n = 1
    while (ranks := order_statistics(n, TIMED[metric], confidence))[0] < 1 or ranks[1] > n:
        n += 1
    return n


def _bounds(values: Sequence[float], share: float) -> Callable[[float], Interval]:
    """Return a quantile's interval by its confidence; from 0, or to infinity, where so few values show no end."""
    ordered = np.sort(np.asarray(values, dtype=np.float64))

    def at(confidence: float) -> Interval:
        low, high = order_statistics(len(ordered), share, confidence)
        return (
            float(ordered[low - 1]) if low >= 1 else 0.0,
            float(ordered[high - 1]) if high <= len(ordered) else math.inf,
        )

    return at


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"
