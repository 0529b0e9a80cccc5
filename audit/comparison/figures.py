"""The figures of both audits that have the same name, side by side: each of its own audit, and not in pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audit.comparison.compare import CLEAN, SWEPT, Comparison
from audit.record import ALONE

Row = Mapping[str, Any]
KEY = ("check", "kind", "method", "measure", "metric", "at", "emotion", "group")
PAIRED = ("accuracy", "uar")


@dataclass(frozen=True)
class Figure:
    """One row of `metrics` that both audits have."""

    a: Row
    b: Row

    @property
    def ratio(self) -> float | None:
        """How many times A's value B's is; None where that says nothing."""
        a, b = self.a["value"], self.b["value"]
        return b / a if a is not None and b is not None and a > 0 and b > 0 else None


def figures(found: Comparison) -> dict[str, list[Figure]]:
    """Return by check the rows of `metrics` that both audits have, but those that are compared in pairs.

    Of predictions only those over all clips, of saliency none: its methods are ranked. Checks that cannot be compared
    have none.
    """
    theirs = {_key(row): row for row in found.a.document["metrics"]}
    both: dict[str, list[Figure]] = {}
    for row in found.b.document["metrics"]:
        other = theirs.get(_key(row))
        if other is None or found.is_refused(row["check"]) or not _is_wanted(row):
            continue
        if any(each["value"] is not None or each["interval"] is not None for each in (row, other)):
            both.setdefault(row["check"], []).append(Figure(other, row))
    return both


def _is_wanted(row: Row) -> bool:
    if row["kind"] not in (CLEAN, *SWEPT):
        return bool(row["kind"] != "saliency")
    over_all = row["emotion"] is None and row["group"] is None
    return over_all and row["metric"] not in PAIRED and row["measure"] != ALONE


def _key(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in KEY)
