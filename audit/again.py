"""A finished audit decided again, without model or data: on another day, or against a baseline."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from audit import soundness, standing
from audit.audit import exit_code, read_document, read_records, storable
from audit.baseline import Baseline, Compared
from audit.errors import AuditError
from audit.estimator import Estimator
from audit.gate_id import Due
from audit.judging import judge, settled
from audit.outcome import Trial
from audit.running_cost import RunningCost
from audit.soundness import Soundness
from audit.standing import Standing
from audit.suite import Check, Decide, Use
from audit.unjudged import why_unjudged
from audit.verdict import Verdict
from audit.verdict_row import verdict_of, verdict_row

Tested = TypeVar("Tested", Standing, Soundness)
FAMILIES: Mapping[str, str] = {"data": "screen"}
"""What the methods of a check are called where it is not the kind of check."""


def decided_again(folder: Path, baseline: Baseline | None, today: date) -> dict[str, Any]:
    """Return the `audit.json` of `folder` as it reads today: waivers that ended since, changes from the baseline.

    Where that changed a verdict, `outdated` is the day of the audit: what is drawn shows the verdicts of then.
    Nothing is written. Raises UsageError and AuditError as `read_document` does, and where its records, or a method of
    the user's own that scores its maps, are missing.
    """
    document = read_document(folder)
    rows = document["verdicts"]
    verdicts = [verdict_of(row) for row in rows]
    if baseline is not None:
        if "unjudged" not in document:
            raise AuditError(
                f"{folder}: an earlier version made it, which kept no account of what could not be judged; run it again"
            )
        verdicts = _judged(verdicts, document, read_records(folder), baseline, today)
        document["baseline"] = baseline.row
    else:
        verdicts = [settled(verdict, document["decide"]["when_unsure"], today) for verdict in verdicts]
    kinds = {row["check"]: row["kind"] for row in rows}
    document["verdicts"] = storable([verdict_row(verdict, kinds[verdict.check]) for verdict in verdicts])
    document["exit_code"] = exit_code(verdicts)
    document["passed"] = document["exit_code"] == 0
    if document["verdicts"] != rows:
        document["outdated"] = document["provenance"]["started"][:10]
    return document


def _judged(
    verdicts: Sequence[Verdict], document: Mapping[str, Any], records: pd.DataFrame, baseline: Baseline, today: date
) -> list[Verdict]:
    """Return all of the verdicts anew: what changed since a baseline is held against every other gate."""
    resolved = document["suite"]["resolved"]
    decide = Decide(**resolved["decide"])
    checks = {entry["id"]: _check(entry, Path(document["suite"]["path"]).parent) for entry in resolved["checks"]}
    of_maps = standing.caps_of([_tested(Standing, row) for row in document.get("standings", ())])
    of_attacks = soundness.caps_of([_tested(Soundness, row) for row in document.get("soundness", ())])
    found = judge(
        [Due(tuple(v.id.split("::")), checks[v.check], v.gate, v.emotion, v.group) for v in verdicts],
        Estimator(records, document["model"]["emotions"], resolved.get("groups", {}), decide),
        decide,
        today=today,
        error_of=lambda due: why_unjudged(document["unjudged"], due.check.id, due.method),
        caps_of=lambda due: (*of_maps(due), *of_attacks(due)),
        compared=Compared(baseline, resolved, document["model"]),
        running={row["check"]: RunningCost(**row) for row in document.get("running_costs", ())},
    )
    return [replace(new, toothless=old.toothless) for new, old in zip(found, verdicts, strict=True)]


def _check(entry: Mapping[str, Any], folder: Path) -> Check:
    """Return what a verdict asks of a check: how it is called, and by which methods; `folder` is its suite's."""
    kind = entry["check"]
    uses = _uses(FAMILIES.get(kind, kind), entry.get("method", ()), folder)
    return Check(entry["id"], kind, uses, faithfulness=_uses("faithfulness", entry.get("faithfulness", ()), folder))


def _uses(family: str, written: str | Sequence[Mapping[str, Any]], folder: Path) -> tuple[Use, ...]:
    if isinstance(written, str):
        return (Use(family, written),)
    return tuple(Use(family, name, keys, folder) for each in written for name, keys in each.items())


def _tested(what: Callable[..., Tested], row: Mapping[str, Any]) -> Tested:
    """Return what was tested, of its row: the row says beside it what it came to."""
    own = {key: value for key, value in row.items() if key not in ("outcome", "reason")}
    return what(**{**own, "trials": tuple(Trial(**trial) for trial in row["trials"])})
