"""What became of the gates from one audit to the next, matched by their ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]
ORDER = ("ERROR", "FAIL", "UNSURE", "PASS")


@dataclass(frozen=True)
class Pair:
    """One gate in both audits, as the rows of their `audit.json`."""

    a: Row
    b: Row

    @property
    def has_other_limit(self) -> bool:
        """Whether the gate is not what it was: its limit moved."""
        return bool(self.a["limit"] != self.b["limit"])


@dataclass(frozen=True)
class Gates:
    """The gates of two audits: newly failing, newly passing, with another outcome, unchanged, and of one alone."""

    failing: tuple[Pair, ...]
    passing: tuple[Pair, ...]
    changed: tuple[Pair, ...]
    alike: tuple[Pair, ...]
    only_a: tuple[Row, ...]
    only_b: tuple[Row, ...]


def gates(a: Row, b: Row) -> Gates:
    """Return what became of the gates of `a` in `b`, two documents of audits.

    Newly failing is what fails, or can no longer be judged, and did neither before, and whatever blocks and did not, as
    where a waiver ended; newly passing what passes and did not. The worst outcome comes first.
    """
    before = {row["id"]: row for row in a["verdicts"]}
    after = {row["id"]: row for row in b["verdicts"]}
    pairs = [Pair(before[name], row) for name, row in after.items() if name in before]
    pairs.sort(key=lambda pair: ORDER.index(pair.b["outcome"]))
    sorted_into: dict[str, list[Pair]] = {"failing": [], "passing": [], "changed": [], "alike": []}
    for pair in pairs:
        sorted_into[_kind(pair)].append(pair)
    return Gates(
        **{name: tuple(found) for name, found in sorted_into.items()},
        only_a=tuple(row for name, row in before.items() if name not in after),
        only_b=tuple(row for name, row in after.items() if name not in before),
    )


def _kind(pair: Pair) -> str:
    before, after = pair.a["outcome"], pair.b["outcome"]
    if pair.b["blocks"] and not pair.a["blocks"]:
        return "failing"
    if before == after:
        return "alike" if pair.a["blocks"] == pair.b["blocks"] else "changed"
    if after == "PASS":
        return "passing"
    newly = after in ("FAIL", "ERROR") and before in ("PASS", "UNSURE")
    return "failing" if newly or (before, after) == ("ERROR", "FAIL") else "changed"
