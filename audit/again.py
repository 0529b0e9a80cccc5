"""A finished audit decided again, without model or data: on another day, or against a baseline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from audit.audit import exit_code, read_document, read_records
from audit.baseline import CHANGES, Baseline, Compared
from audit.estimator import Estimator
from audit.gate_id import Due
from audit.judging import settled
from audit.multiplicity import holm
from audit.suite import Check, Decide, Use
from audit.verdict import Verdict, decide, measure
from audit.verdict_row import verdict_of, verdict_row


def decided_again(folder: Path, baseline: Baseline | None, today: date) -> dict[str, Any]:
    """Return the `audit.json` of `folder` as it reads today: waivers that ended since, changes from the baseline.

    Nothing is written. Raises UsageError and AuditError as `read_document` does, and where its records are missing.
    """
    document = read_document(folder)
    verdicts = [verdict_of(row) for row in document["verdicts"]]
    if baseline is not None:
        verdicts = _compared(verdicts, document, read_records(folder), baseline)
        document["baseline"] = baseline.row
    when_unsure = document["decide"]["when_unsure"]
    verdicts = [settled(verdict, when_unsure, today) for verdict in verdicts]
    kinds = {row["check"]: row["kind"] for row in document["verdicts"]}
    document["verdicts"] = [verdict_row(verdict, kinds[verdict.check]) for verdict in verdicts]
    document["exit_code"] = exit_code(verdicts)
    document["passed"] = document["exit_code"] == 0
    return document


def _compared(
    verdicts: list[Verdict], document: Mapping[str, Any], records: pd.DataFrame, baseline: Baseline
) -> list[Verdict]:
    resolved = document["suite"]["resolved"]
    now = Estimator(records, document["model"]["emotions"], resolved.get("groups", {}), Decide(**resolved["decide"]))
    kinds = {row["check"]: row["kind"] for row in document["verdicts"]}
    changing = [verdict for verdict in verdicts if verdict.gate.metric in CHANGES]
    dues = {verdict.id: _due(verdict, kinds[verdict.check]) for verdict in changing}
    found = {
        name: measure(due, now, compared=Compared(baseline, resolved, document["model"])) for name, due in dues.items()
    }
    beyond = [found[v.id].errors(v.gate.minimum, v.gate.maximum)[1] if v.id in found else v.beyond for v in verdicts]
    return [
        replace(
            decide(dues[verdict.id], found[verdict.id], now, beyond=alone, adjusted=held),
            id=verdict.id,
            method=verdict.method,
            toothless=verdict.toothless,
        )
        if verdict.id in found
        else verdict
        for verdict, alone, held in zip(verdicts, beyond, holm(beyond), strict=True)
    ]


def _due(verdict: Verdict, kind: Any) -> Due:
    # All that an answer's reasons ask of a check is what it is called and what was done.
    check = Check(verdict.check, kind, () if kind == "clean" else (Use(kind, verdict.method),))
    return Due(tuple(verdict.id.split("::")), check, verdict.gate, verdict.emotion, verdict.group)
