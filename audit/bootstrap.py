"""What resampled and left-out clips or clusters tell of a statistic: its variance, and an interval.

Everything resampled is additive: `rows` (m, d) are sums over units, of which row i stands `repeats[i]` times, and a
`Statistic` maps sums (..., d) to values (...).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from audit.intervals import Interval, reach

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]


def replicates(rows: Floats, repeats: Floats, statistic: Statistic, *, draws: int, seed: int) -> Floats:
    """Return the statistic of `draws` resamples, (draws,)."""
    total = int(repeats.sum())
    rng = np.random.default_rng(seed)
    shares = repeats / total
    step = max(1, 4_000_000 // len(rows))
    parts = [
        statistic(rng.multinomial(total, shares, size=min(step, draws - start)).astype(np.float64) @ rows)
        for start in range(0, draws, step)
    ]
    return np.concatenate(parts)


@dataclass(frozen=True)
class Jackknife:
    """The variance of a statistic, and the `acceleration` of its standard error; 0 where only one unit is known."""

    variance: float
    acceleration: float


def jackknife(rows: Floats, repeats: Floats, statistic: Statistic) -> Jackknife:
    """Return what leaving out one unit at a time tells of a statistic. Tukey (1958), Efron (1987).

    A unit without which there is nothing to compute, or nothing finite, is passed over.
    """
    left = np.asarray(statistic(repeats @ rows - rows))
    known = np.isfinite(left)
    weights, left = repeats[known], left[known]
    total = float(weights.sum())
    if total < 2:
        return Jackknife(0.0, 0.0)
    gaps = weights @ left / total - left
    squares = float(weights @ gaps**2)
    # A gap of rounding alone has no shape.
    skewed = squares > 1e-18 * max(1.0, float(np.abs(left).max()) ** 2)
    return Jackknife(squares * (total - 1) / total, float(weights @ gaps**3) / (6 * squares**1.5) if skewed else 0.0)


@dataclass(frozen=True)
class Resampled:
    """The values of a statistic's resamples, ascending, and what corrects their percentiles for its bias and shape.

    `units` is how many were resampled, at least two.
    """

    values: Floats
    units: int
    bias: float
    acceleration: float

    def bounds(self, confidence: float) -> Interval:
        """Return the bias-corrected and accelerated interval (BCa), widened for few units.

        Efron (1987), Better Bootstrap Confidence Intervals; the percentiles are those of Student's t, widened as in
        Hesterberg (2015), What Teachers Should Know About the Bootstrap: plain ones ignore how few the units are, at
        a cost in coverage. Beyond what so many draws resolve, the tail goes on as a normal one does.
        """
        score = math.sqrt(self.units / (self.units - 1)) * reach(confidence, self.units - 1)
        return self.at(-score), self.at(score)

    def at(self, score: float) -> float:
        """Return the end that reaches `score` standard errors, negative for the lower one."""
        return quantile(self.values, self.bias + _accelerated(self.bias + score, self.acceleration))


def resampled(
    rows: Floats, repeats: Floats, statistic: Statistic, *, units: int, draws: int, seed: int
) -> Resampled | None:
    """Return a statistic's resamples; None of fewer than two units, or where no resample left anything to compute."""
    if units < 2:
        return None
    values = replicates(rows, repeats, statistic, draws=draws, seed=seed)
    values = np.sort(values[~np.isnan(values)])
    if not len(values):
        return None
    value = float(statistic(repeats @ rows))
    below = (np.mean(values < value) + np.mean(values <= value)) / 2
    # No more bias than so many draws can show.
    bias = float(ndtri(np.clip(below, 1 / len(values), 1 - 1 / len(values))))
    return Resampled(values, units, bias, jackknife(rows, repeats, statistic).acceleration)


FAR = 2.5
"""So many standard errors far the acceleration is followed; its formula turns around at 1 / acceleration."""


def _accelerated(score: float, acceleration: float) -> float:
    near = min(max(score, -FAR), FAR)
    slant = 1.0 - acceleration * near
    return near / slant + (score - near) / slant**2


TAIL = 10
"""So many draws must lie beyond a percentile for it to be read off them."""


def quantile(values: Floats, score: float) -> float:
    """Return the value at a normal `score` of ascending values, the outermost part of the tail continued as normal.

    Infinite values are last, and stay so.
    """
    last = len(values) - 1
    edge = -float(ndtri(min(TAIL / len(values), 0.25)))

    def read(at: float) -> float:
        place = float(ndtr(at)) * last
        low, high = float(values[math.floor(place)]), float(values[math.ceil(place)])
        part = place - math.floor(place)
        return low + (high - low) * part if part and math.isfinite(high) else high if part else low

    if abs(score) <= edge:
        return read(score)
    end, half = (read(math.copysign(at, score)) for at in (edge, edge / 2))
    if math.isinf(end):
        return end
    if math.isinf(half):
        half = float(values[np.isfinite(values)][-1])
    return end + (abs(score) - edge) * (end - half) / (edge / 2)
