"""What keeps a difference of two audits from being one of their models: attacks that failed, units that differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from audit.comparison.compare import SWEPT, Comparison
from audit.wording import size, sweep_parameter

Row = Mapping[str, Any]
PHYSICAL = frozenset({"snr_db", "hertz"})
INPUT = ("representation", "parameters", "scaling", "shape", "bounds")


@dataclass(frozen=True)
class Caution:
    """Why the differences of one check are to be read with care."""

    check: str
    told: str


def cautions(found: Comparison) -> list[Caution]:
    """Return what is to be known of the checks that were compared."""
    return [Caution(check, told) for check in found.checks for told in _of(found, check)]


def _of(found: Comparison, check: str) -> Iterator[str]:
    for name, audit in (("A", found.a), ("B", found.b)):
        for row in audit.document.get("soundness", ()):
            if row["check"] == check and row["outcome"] != "PASS":
                why = f"in {name} the attack did not stand its own tests, so that robustness is not shown"
                yield f"{why}: {row['reason']}"
    entries = found.b.document["suite"]["resolved"].get("checks", ())
    entry: Row = next((each for each in entries if each["id"] == check), {})
    parameter = sweep_parameter(found.b.document, check)
    if entry.get("check") not in SWEPT or entry.get("space") == "waveform" or parameter in PHYSICAL:
        return
    a, b = (audit.document["model"]["input"] for audit in (found.a, found.b))
    if any(a.get(key) != b.get(key) for key in INPUT):
        yield (
            f"{parameter} counts in each model's own input, {_input(a)} in A and {_input(b)} in B: "
            "the same number is not the same change of the recording"
        )


def _input(given: Row) -> str:
    shape = " × ".join(map(str, given.get("shape") or ()))
    low, high = given.get("bounds") or (None, None)
    values = "" if low is None or high is None else f", values {low:g} to {high:g}"
    return f"{given['representation']} {shape}{values} of {size(given)}"
