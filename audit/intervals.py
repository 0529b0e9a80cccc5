"""Confidence intervals: Wilson's for proportions, and a bootstrap that resamples whole clusters."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t

Floats = NDArray[np.float64]
Interval = tuple[float, float]


def wilson(share: float, n: float, confidence: float) -> Interval:
    """Return Wilson's score interval for a proportion seen in `n` trials. Wilson (1927)."""
    z = float(norm.ppf(0.5 + confidence / 2))
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def paired_difference(lost: float, gained: float, n: float, confidence: float) -> Interval:
    """Return an interval for `lost - gained`, two shares of the same `n` pairs, from their Wilson intervals.

    Zou and Donner (2008): the difference's limits recovered from those of its parts, taken as independent, which
    for two disjoint shares errs on the narrow side by at most their small product.
    """
    low_lost, high_lost = wilson(lost, n, confidence)
    low_gained, high_gained = wilson(gained, n, confidence)
    low = lost - gained - math.hypot(lost - low_lost, high_gained - gained)
    high = lost - gained + math.hypot(high_lost - lost, gained - low_gained)
    return low, high


def replicates(
    rows: Floats, repeats: Floats, statistic: Callable[[Floats], Floats], *, draws: int, seed: int
) -> Floats:
    """Return the statistic of `draws` resamples, (draws,) or (draws, ...).

    `rows` (m, d) are additive statistics of the units that are resampled, row i standing `repeats[i]` times;
    `statistic` maps sums (draws, d) to values.
    """
    total = int(repeats.sum())
    rng = np.random.default_rng(seed)
    shares = repeats / total
    step = max(1, 4_000_000 // len(rows))
    parts = [
        statistic(rng.multinomial(total, shares, size=min(step, draws - start)).astype(np.float64) @ rows)
        for start in range(0, draws, step)
    ]
    return np.concatenate(parts)


def percentile(values: Floats, units: int, confidence: float) -> Interval | None:
    """Return the expanded percentile interval of bootstrap values; None where a resample left nothing to compute.

    The percentiles are widened for the number of resampled `units`, which the plain ones ignore, at a cost in
    coverage where they are few. Infinite values sort last.
    Hesterberg (2015), What Teachers Should Know About the Bootstrap.
    """
    known = np.sort(values[~np.isnan(values)])
    if units < 2 or not len(known):
        return None
    reach = math.sqrt(units / (units - 1)) * float(t.ppf(0.5 + confidence / 2, units - 1))
    tail = float(norm.cdf(-reach))
    low = known[math.floor(tail * (len(known) - 1))]
    high = known[math.ceil((1 - tail) * (len(known) - 1))]
    return float(low), float(high)


def union(first: Interval, second: Interval) -> Interval:
    """Return the smallest interval that holds both."""
    return min(first[0], second[0]), max(first[1], second[1])
