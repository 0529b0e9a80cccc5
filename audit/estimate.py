"""A value with its interval, and how sure it is to lie inside or beyond limits."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from audit.intervals import Bounds, Interval, least_error


@dataclass(frozen=True)
class Estimate:
    """A value, its interval, and what it rests on: `n` samples in `clusters` clusters (None without clustering).

    `value` is None where there is nothing to compute it from, `interval` None where it cannot be given; `why` says so.
    `bounds` gives the interval of any other confidence.
    """

    value: float | None
    interval: Interval | None
    n: int
    clusters: int | None
    why: str = ""
    bounds: Bounds | None = field(default=None, compare=False, repr=False)

    def errors(self, least: float | None, most: float | None) -> tuple[float, float]:
        """Return the errors of calling the value inside the limits, and of calling it beyond them.

        Each is the smallest one-sided error at which the whole interval lies there, both ends included inside: a
        p-value against the contrary. 1 where no interval lies there, 0 only where the value is known without error.
        """
        low_limit = -math.inf if least is None else least
        high_limit = math.inf if most is None else most

        def inside(interval: Interval) -> bool:
            return interval[0] >= low_limit and interval[1] <= high_limit

        def beyond(interval: Interval) -> bool:
            return interval[1] < low_limit or interval[0] > high_limit

        if self.bounds is not None:
            return least_error(self.bounds, inside), least_error(self.bounds, beyond)
        if self.interval is None:
            return 1.0, 1.0
        return float(not inside(self.interval)), float(not beyond(self.interval))
