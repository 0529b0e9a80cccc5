"""How many clips a gate needs before it can be decided, and how many of them must be right."""

from __future__ import annotations

import math
from collections.abc import Callable

from audit.intervals import Interval, paired_difference, wilson

MOST_CLIPS = 10**9
"""A gate that so many clips could not decide is called one that none can."""


def least_clips(
    least: float | None,
    most: float | None,
    confidence: float,
    *,
    value: float = 1.0,
    freedom: float = math.inf,
) -> int | None:
    """Return the fewest clips at which a share of `value`, 1 or 0, has its whole Wilson interval inside the limits.

    With fewer the gate cannot be passed, however good the model is. None where no number of clips is enough. Over
    clusters, `freedom` is their number less one.
    """
    return _fewest(lambda n: _inside(wilson(value, n, confidence, freedom=freedom), least, most))


def passes_from(n: int, least: float, confidence: float, *, freedom: float = math.inf) -> int | None:
    """Return how many of `n` clips must be right for the whole Wilson interval to be at `least` or above.

    None where not even all would do.
    """
    return _first(lambda right: wilson(right / n, n, confidence, freedom=freedom)[0] >= least, 0, n)


def least_pairs(most: float, confidence: float, *, freedom: float = math.inf) -> int | None:
    """Return the fewest clips at which a drop, none of them lost and none gained, is wholly at `most` or under."""
    return _fewest(lambda n: paired_difference(0.0, 0.0, n, confidence, freedom=freedom)[1] <= most)


def passes_up_to(n: int, most: float, confidence: float, *, freedom: float = math.inf) -> int | None:
    """Return how many of `n` clips may be lost, none gained, for the whole interval of the drop to be at `most`.

    None where not even none may be.
    """
    first = _first(lambda lost: paired_difference(lost / n, 0.0, n, confidence, freedom=freedom)[1] > most, 0, n)
    return n if first is None else first - 1 if first else None


def _inside(interval: Interval, least: float | None, most: float | None) -> bool:
    return (least is None or interval[0] >= least) and (most is None or interval[1] <= most)


def _fewest(holds: Callable[[int], bool]) -> int | None:
    """Return the fewest clips for which `holds`, which holds for all that are more."""
    enough = 1
    while not holds(enough):
        enough *= 2
        if enough > MOST_CLIPS:
            return None
    return _first(holds, enough // 2 + 1, enough)


def _first(holds: Callable[[int], bool], low: int, high: int) -> int | None:
    """Return the first number from `low` to `high` for which `holds`, which holds for all after it; None of none."""
    if not holds(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low
