"""A gate in two audits as a page shows it: what it came to in each, and what changed on the clips that both judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from audit.comparison.compare import Comparison
from audit.comparison.gates import Pair
from audit.comparison.sentence import ci, points
from audit.report.address import emotions_of, pages
from audit.report.gate_row import GateRow, gate_rows
from audit.report.measured import Measured
from audit.wording import title

PAIRED = ("accuracy", "recall", "uar")


@dataclass(frozen=True)
class Move:
    """One gate in both: `a` and `b` as either report shows it, `other_limit` A's limit where B has another.

    `change` is the paired difference of its metric, "" where it has none.
    """

    a: GateRow
    b: GateRow
    other_limit: str
    change: str


def moves(pairs: Sequence[Pair], found: Comparison) -> list[Move]:
    """Return the gates of both audits, in the order given."""
    in_a, in_b = (_rows(audit.document) for audit in (found.a, found.b))
    return [
        Move(
            a=in_a[pair.b["id"]],
            b=in_b[pair.b["id"]],
            other_limit=in_a[pair.b["id"]].limit if pair.has_other_limit else "",
            change=_change(pair, found),
        )
        for pair in pairs
    ]


def only(rows: Sequence[Any], document: Any) -> list[tuple[str, str]]:
    """Return what gates of one audit alone are called and what they came to."""
    return [(title(row, document), row["outcome"]) for row in rows]


def _rows(document: Any) -> dict[str, GateRow]:
    return {row.id: row for row in gate_rows(Measured(document), pages(emotions_of(document)))}


def _change(pair: Pair, found: Comparison) -> str:
    row = pair.b
    if row["metric"] not in PAIRED or row["group"] is not None or row["of"] is not None or row["without"]:
        return ""
    place = (row["check"], row["at"], row["metric"], row["emotion"])
    same = next((each for each in found.differences if each.of == place), None)
    if same is None or same.found.interval is None:
        return ""
    sign = "+" if same.gain > 0 else ""
    low, high = map(points, same.found.interval)
    return f"{sign}{points(same.gain)} points ({ci(found)} {low} to {high})"
