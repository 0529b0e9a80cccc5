"""Reliability diagrams: of the answers that are so sure, how many are right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audit.report.measured import Measured
from audit.report.numbers import fixed, short, span

Row = Mapping[str, Any]
HEAD = ["confidence", "n", "mean confidence", "right"]
EVEN = 0.005


@dataclass(frozen=True)
class Reliability:
    """One diagram: its `condition`, and the `bins` of confidence that have clips, as `audit.json` has them.

    `says` is what it shows in a sentence.
    """

    condition: str
    says: str
    bins: tuple[Row, ...]

    @property
    def table(self) -> tuple[list[str], list[list[str]]]:
        """Head and rows of the data under the diagram."""
        return HEAD, [
            [
                f"{fixed(row['from'], 2)}–{fixed(row['to'], 2)}",
                str(row["count"]),
                fixed(row["confidence"], 3),
                f"{fixed(row['right'], 3)} ({span(row['interval'], 3)})",
            ]
            for row in self.bins
        ]


def reliabilities(measured: Measured, emotion: str | None) -> list[Reliability]:
    """Return the diagrams over all clips, or those of one emotion: clean, then each sweep in the suite's order."""
    # Older audits have none.
    rows = [row for row in measured.document.get("reliability", ()) if row["emotion"] == emotion]
    return [Reliability(_condition(row, measured), _says(row, measured), tuple(row["bins"])) for row in rows]


def _condition(row: Row, measured: Measured) -> str:
    if row["at"] is None:
        return str(row["check"])
    return f"{row['check']} at {measured.parameter(row['check'])} {short(row['at'])}"


def _says(row: Row, measured: Measured) -> str:
    sure = sum(each["count"] * each["confidence"] for each in row["bins"]) / row["n"]
    right = sum(each["count"] * each["right"] for each in row["bins"]) / row["n"]
    how = "as sure as" if abs(sure - right) < EVEN else "surer than" if sure > right else "less sure than"
    error = f"calibration error {fixed(row['ece'], 2)} ({span(row['interval'], 2)})"
    mean = f"mean confidence {fixed(sure, 2)}, right {fixed(right, 2)}"
    return f"{_condition(row, measured)}: answers are {how} they are right, {mean}; {error}."
