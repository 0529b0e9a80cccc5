"""What a verdict can come to, and what keeps one from coming to better."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from audit.estimate import Estimate

Outcome = Literal["PASS", "FAIL", "UNSURE", "ERROR"]
STRADDLES = "the interval lies on both sides of the limit"
SEVERITY: tuple[Outcome, ...] = ("PASS", "UNSURE", "FAIL", "ERROR")


@dataclass(frozen=True)
class Cap:
    """What keeps a verdict from being better than `outcome`, whatever its value: why, and what to do."""

    outcome: Outcome
    reason: str
    next_step: str


@dataclass(frozen=True)
class Trial:
    """One thing asked of what a gate rests on: `value` with its interval must lie from `least` to `most`.

    ERROR where it could not be asked, and `reason` says why.
    """

    name: str
    value: float | None
    interval: tuple[float, float] | None
    n: int
    least: float | None
    most: float | None
    outcome: Outcome
    reason: str


def outcome_of(found: Estimate, least: float | None, most: float | None) -> Outcome:
    """Return PASS where the whole interval lies from `least` to `most`, FAIL where it is wholly beyond, else UNSURE.

    ERROR where there is no value.
    """
    if found.value is None:
        return "ERROR"
    if found.interval is None:
        return "UNSURE"
    low, high = found.interval
    floor = -math.inf if least is None else least
    ceiling = math.inf if most is None else most
    if low >= floor and high <= ceiling:
        return "PASS"
    return "FAIL" if high < floor or low > ceiling else "UNSURE"


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the worst of the outcomes; PASS of none."""
    return max(outcomes, key=SEVERITY.index, default="PASS")
