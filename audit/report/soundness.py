"""What an attack check's own tests say of its curve; drawn from `audit.json` alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audit.report.numbers import fixed, span

TESTS: Mapping[str, str] = {
    "randomised": "answers that change when asked again",
    "broken": "gradients that are NaN or infinite",
    "vanishing": "gradients that are zero everywhere",
    "softmaxed": "outputs that are probabilities already",
    "saturated": "outputs certain beyond what a number holds",
    "iterative": "right under many steps, not under one",
    "black_box": "right under gradients, not under answers alone",
    "unbounded": "right although anything may be changed",
    "outdone": "right under the check's attacks, not under noise or one step",
    "monotone": "more right in a larger ball than in a smaller",
}


@dataclass(frozen=True)
class Test:
    """One test: what share of the clips it counts, and whether that speaks against the curve."""

    outcome: str
    what: str
    value: str
    interval: str
    n: int
    most: str


@dataclass(frozen=True)
class Tests:
    """The tests of one check; `reason` says why its robustness is not shown, "" where it is."""

    outcome: str
    reason: str
    rows: tuple[Test, ...]


def tests(document: Mapping[str, Any], check: str) -> Tests | None:
    """Return the tests of an attack check, None where it has none."""
    for row in document.get("soundness", ()):
        if row["check"] == check:
            return Tests(row["outcome"], row["reason"], tuple(_test(trial) for trial in row["trials"]))
    return None


def _test(trial: Mapping[str, Any]) -> Test:
    return Test(
        trial["outcome"],
        TESTS.get(trial["name"], trial["name"]),
        fixed(trial["value"], 2),
        span(trial["interval"], 2),
        trial["n"],
        fixed(trial["most"], 2),
    )
