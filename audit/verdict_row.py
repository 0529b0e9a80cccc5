"""Verdicts as rows of `audit.json`, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from audit.grammar.gates import waiver_entry
from audit.suite import Gate, Place, Waiver
from audit.verdict import Verdict


def verdict_row(verdict: Verdict, kind: str) -> dict[str, Any]:
    """Return a verdict of a check of this kind as `audit.json` has it."""
    gate = verdict.gate
    return {
        "id": verdict.id,
        "check": verdict.check,
        "kind": kind,
        "method": verdict.method,
        "metric": gate.metric,
        "of": gate.of,
        "per": gate.per,
        "at": gate.at,
        "by": gate.by,
        "region": gate.region,
        "after": gate.after,
        "across": gate.across,
        "emotion": verdict.emotion,
        "group": verdict.group,
        "value": verdict.value,
        "interval": list(verdict.interval) if verdict.interval else None,
        "n": verdict.n,
        "clusters": verdict.clusters,
        "limit": {"min": gate.minimum, "max": gate.maximum},
        "without": list(gate.without),
        "floor": gate.floor,
        "informational": gate.informational,
        "waive": waiver_entry(gate.waive) if gate.waive else None,
        "outcome": verdict.outcome,
        "beyond": verdict.beyond,
        "blocks": verdict.blocks,
        "toothless": list(verdict.toothless),
        "reason": verdict.reason,
        "next_step": verdict.next_step,
        "place": gate.written,
    }


def verdict_of(row: Mapping[str, Any]) -> Verdict:
    """Return the verdict of a row."""
    path, _, line = str(row["place"]).rpartition(":")
    gate = Gate(
        metric=row["metric"],
        minimum=row["limit"]["min"],
        maximum=row["limit"]["max"],
        per=row["per"],
        at=row["at"],
        of=row["of"],
        by=row.get("by"),
        region=row.get("region"),
        after=row.get("after"),
        across=row.get("across"),
        without=tuple(row["without"]),
        floor=row["floor"],
        informational=row["informational"],
        waive=Waiver(date.fromisoformat(row["waive"]["until"]), row["waive"]["reason"]) if row["waive"] else None,
        place=Place(Path(path), int(line), 1) if path else None,
    )
    interval = row["interval"]
    return Verdict(
        id=row["id"],
        check=row["check"],
        method=row["method"],
        gate=gate,
        emotion=row["emotion"],
        group=row["group"],
        value=math.inf if row["value"] is None and interval else row["value"],
        interval=(_unbounded(interval[0]), _unbounded(interval[1])) if interval else None,
        n=row["n"],
        clusters=row["clusters"],
        outcome=row["outcome"],
        reason=row["reason"],
        next_step=row["next_step"],
        beyond=row["beyond"],
        blocks=row["blocks"],
        toothless=tuple(row["toothless"]),
    )


def _unbounded(end: float | None) -> float:
    return math.inf if end is None else end
