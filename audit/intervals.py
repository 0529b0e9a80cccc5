"""Confidence intervals in closed form: of shares, of differences of paired shares, and how one is inverted.

An interval is asked for by its confidence (`Bounds`), so that `least_error` can say how sure it could be made.
`benchmarks/interval_coverage.py` shows how often each holds the truth.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.special import bdtr, bdtrc, ndtri, stdtrit

Interval = tuple[float, float]
Bounds = Callable[[float], Interval]


def reach(confidence: float, freedom: float = math.inf) -> float:
    """Return how many standard errors an interval reaches to either side, by Student's t with `freedom` degrees.

    By the normal distribution where `freedom` is infinite. Student (1908).
    """
    # From the lower tail: floats tell 1e-12 from 0, but hardly from 1.
    tail = (1.0 - confidence) / 2
    return -float(ndtri(tail) if math.isinf(freedom) else stdtrit(freedom, tail))


def wilson(share: float, n: float, confidence: float, *, freedom: float = math.inf) -> Interval:
    """Return Wilson's score interval for a share in [0, 1] seen in `n` trials, which need not be a whole number.

    With `freedom`, Student's t takes the place of the normal distribution, as where `n` rests on the variance of few
    clusters. Wilson (1927); with an effective size and t Korn and Graubard (1998), Dean and Pagano (2015).
    """
    z = reach(confidence, freedom)
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # Rounding must not exclude what was seen every time.
    return 0.0 if share <= 0 else max(0.0, centre - half), 1.0 if share >= 1 else min(1.0, centre + half)


def unseen(n: float, confidence: float, *, freedom: float = math.inf) -> float:
    """Return how large a share may yet be that `n` trials never showed: the upper end of Wilson's interval at 0."""
    return wilson(0.0, n, confidence, freedom=freedom)[1]


LEAST_EFFECT = 0.25
"""The smallest design effect believed: few clusters can agree by chance, and would claim any number of clips."""


def effective_size(n: float, independent: float, variance: float) -> float:
    """Return how many independent clips would tell as much as these `n` do.

    `variance` is that of the statistic over the clusters, `independent` that of `n` independent clips; their ratio is
    the design effect. It is `n` itself where all clips agree, for then nothing tells how alike those of a cluster are.
    Kish (1965); Franco, Little, Louis and Slud (2019).
    """
    if independent * n < 1e-9:
        return n
    return n / max(variance / independent, LEAST_EFFECT)


def paired_difference(
    lost: float, gained: float, n: float, confidence: float, *, freedom: float = math.inf
) -> Interval:
    """Return an interval for `lost - gained`, two shares of the same `n` pairs, from their Wilson intervals.

    Zou and Donner (2008): the difference's limits recovered from those of its parts, taken as independent, which
    for two disjoint shares errs on the narrow side by at most their small product.
    """
    low_lost, high_lost = wilson(lost, n, confidence, freedom=freedom)
    low_gained, high_gained = wilson(gained, n, confidence, freedom=freedom)
    low = lost - gained - math.hypot(lost - low_lost, high_gained - gained)
    high = lost - gained + math.hypot(high_lost - lost, gained - low_gained)
    return low, high


LEAST_ERROR = 1e-12
"""No error is called smaller than this."""


def least_error(bounds: Bounds, holds: Callable[[Interval], bool]) -> float:
    """Return the smallest one-sided error, from `LEAST_ERROR` to 0.5, at which the interval lies where `holds` says.

    An interval of confidence c errs to one side with (1 - c) / 2. It is 1 where not even the interval of no confidence
    lies there. The interval must only grow with its confidence.
    """

    def reached(error: float) -> bool:
        return holds(bounds(1.0 - 2.0 * error))

    if not reached(0.5):
        return 1.0
    if reached(LEAST_ERROR):
        return LEAST_ERROR
    low, high = math.log(LEAST_ERROR), math.log(0.5)
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if reached(math.exp(middle)) else (middle, high)
    return math.exp(high)


def order_statistics(n: int, share: float, confidence: float) -> tuple[int, int]:
    """Return the ranks, from 1 to `n`, of the values between which the quantile of `share` lies with `confidence`.

    Of `n` independent values of any distribution, no matter which; it errs to either side with at most half of what
    the confidence leaves. Rank 0 or n + 1 where so few values show no end on that side. Thompson (1936); David and
    Nagaraja (2003), Order Statistics, section 7.1.
    """
    tail = (1.0 - confidence) / 2
    below = np.arange(n)
    # Of the values, a binomial number lies below the quantile: at most `k` of them, and more than `k`.
    low = int((bdtr(below, n, share) <= tail).sum())
    high = n + 1 - int((bdtrc(below, n, share) <= tail).sum())
    return low, high
