"""What a gate came to: PASS, FAIL, UNSURE or ERROR, with the value, its interval and the reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from audit.suite import Gate

Outcome = Literal["PASS", "FAIL", "UNSURE", "ERROR"]


@dataclass(frozen=True)
class Verdict:
    """The decision on one gate for one emotion or group (both None where the gate has no `per`).

    `value` and `interval` are None where nothing could be computed; an interval's end is infinite where the quantity
    lies beyond what was tested (a critical epsilon larger than the largest epsilon).
    `n` counts samples, `clusters` speakers (None without clustering). `next_step` says what to do about it.
    """

    check: str
    method: str
    gate: Gate
    emotion: str | None
    group: str | None
    value: float | None
    interval: tuple[float, float] | None
    n: int
    clusters: int | None
    outcome: Outcome
    reason: str
    next_step: str = ""
