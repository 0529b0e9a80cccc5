"""Numbers as a report prints them: two figures, a real minus, and never rounded onto their limit."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

MOST_PLACES = 8
LONGEST_FRACTION = 5
NOT_MEASURED = "n/a"


def places(numbers: Iterable[float | None], limits: Iterable[float | None] = ()) -> int:
    """Return the decimals that show two figures of the largest number, none of thousands, and keep all off limits."""
    shown = [x for x in numbers if x is not None]
    largest = max((abs(x) for x in shown), default=0.0)
    least = min(max(1 - math.floor(math.log10(largest)), largest < 1000), MOST_PLACES) if largest > 0 else 2
    least = 2 if least == 1 and largest < 10 else least
    bounds = [x for x in limits if x is not None]
    for decimals in range(least, MOST_PLACES + 1):
        if all(x == bound or round(x, decimals) != round(bound, decimals) for x in shown for bound in bounds):
            return decimals
    return MOST_PLACES


def fixed(value: float | None, decimals: int) -> str:
    """Return a number with that many decimals, as 1.0e−5 where they are many; `n/a` for None."""
    if value is None:
        return NOT_MEASURED
    if decimals > LONGEST_FRACTION and value:
        figures = max(decimals + math.floor(math.log10(abs(value))), 0)
        return minus(f"{value:.{figures}e}".replace("e-0", "e-"))
    text = f"{value:,.{decimals}f}"
    return minus(text.removeprefix("-") if not text.strip("-0.") else text)


def short(value: float | None) -> str:
    """Return a number in its shortest form: 0.05, 3e-05, 12000."""
    return NOT_MEASURED if value is None else minus(f"{value:.6g}")


def span(interval: Sequence[float | None] | None, decimals: int) -> str:
    """Return `0.48–0.64`, `−0.02 to 0.10`, or `from 0.008` where the end lies beyond what was tested."""
    if interval is None:
        return "no interval"
    low, high = interval
    if low is not None and low == high:
        return "exact"
    if low is None:
        return "beyond what was tested"
    if high is None:
        return f"from {fixed(low, decimals)}"
    return f"{fixed(low, decimals)}{'–' if low >= 0 else ' to '}{fixed(high, decimals)}"


def count(value: int, noun: str) -> str:
    """Return `1 clip`, `501 clips`, `11,170,000 clips`."""
    return f"{value:,} {noun}{'' if value == 1 else 's'}"


def seconds(value: float) -> str:
    """Return `0.42 s`, `14.2 s` or `3 min 07 s`."""
    if value >= 60:
        return f"{int(value // 60)} min {int(value % 60):02d} s"
    return f"{value:.1f} s" if value >= 10 else f"{value:.2f} s"


def minus(text: str) -> str:
    """Return the number with a minus in place of its hyphens."""
    return text.replace("-", "−")
