"""An audit: what was judged, what was seen, and what it came to; saved as `audit.json` and `records.parquet`."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from audit.answers import Answers
from audit.baseline import Baseline
from audit.data import printable
from audit.errors import AuditError, UsageError
from audit.estimate import Estimate
from audit.verdict import Verdict
from audit.verdict_row import verdict_of, verdict_row

SCHEMA = 1
LIMITS = (
    "It judges this model on these recordings; other speakers, languages, microphones and rooms were not heard.",
    "An attack that fails proves nothing of stronger ones: an epsilon curve bounds the model's robustness from above.",
    "A saliency map that is faithful shows what the model used, not that a person would call it a cause.",
    "An interval tells what more clips of the same kind would change, not what another kind would.",
)


@dataclass(frozen=True)
class Audit:
    """One finished audit; every part is plain data, in the form of `audit.json` (docs/audit-json.md)."""

    suite: Mapping[str, Any]
    model: Mapping[str, Any]
    data: Mapping[str, Any]
    decide: Mapping[str, Any]
    verdicts: tuple[Verdict, ...]
    kinds: Mapping[str, str]
    metrics: Sequence[Mapping[str, Any]]
    confusions: Sequence[Mapping[str, Any]]
    best_saliency: Mapping[str, Any]
    cost: Mapping[str, Any]
    exhibits: Sequence[Mapping[str, Any]]
    provenance: Mapping[str, Any]
    limits: Sequence[str]
    records: pd.DataFrame
    left_out: Sequence[Mapping[str, Any]] = ()
    unjudged: Sequence[Mapping[str, Any]] = ()
    findings: Sequence[Mapping[str, Any]] = ()
    standings: Sequence[Mapping[str, Any]] = ()
    stand_ins: Sequence[Mapping[str, Any]] = ()
    soundness: Sequence[Mapping[str, Any]] = ()
    reliability: Sequence[Mapping[str, Any]] = ()
    screens: Sequence[Mapping[str, Any]] = ()
    running_costs: Sequence[Mapping[str, Any]] = ()
    baseline: Mapping[str, Any] | None = None

    @property
    def exit_code(self) -> int:
        """0 passed, 1 a gate failed (or is unsure and that blocks), 3 something could not be judged, or no gate was.

        What does not block counts for none of these.
        """
        return exit_code(self.verdicts)

    @property
    def passed(self) -> bool:
        """Whether a deployment may hang on it."""
        return self.exit_code == 0

    def document(self) -> dict[str, Any]:
        """Return `audit.json` as a dict: no NaN, no infinity, None where a value lies beyond what was tested."""
        document = {
            "schema": SCHEMA,
            "suite": self.suite,
            "model": self.model,
            "passed": self.passed,
            "exit_code": self.exit_code,
            "verdicts": [verdict_row(verdict, self.kinds[verdict.check]) for verdict in self.verdicts],
            "metrics": self.metrics,
            "confusions": self.confusions,
            "best_saliency": self.best_saliency,
            "cost": self.cost,
            "data": self.data,
            "exhibits": self.exhibits,
            "provenance": self.provenance,
            "decide": self.decide,
            "limits": self.limits,
            "left_out": self.left_out,
            "unjudged": self.unjudged,
            "findings": self.findings,
            "standings": self.standings,
            "stand_ins": self.stand_ins,
            "soundness": self.soundness,
            "reliability": self.reliability,
            "screens": self.screens,
            "running_costs": self.running_costs,
            "baseline": self.baseline,
        }
        return storable(document)

    def save(self, folder: Path) -> None:
        """Write `audit.json` and `records.parquet`; neither is ever seen half written."""
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.document(), ensure_ascii=False, indent=1, allow_nan=False)
        _replace(folder / "audit.json", lambda path: path.write_text(text + "\n", encoding="utf-8"))
        _replace(folder / "records.parquet", lambda path: self.records.to_parquet(path, index=False))

    @classmethod
    def load(cls, folder: Path) -> Audit:
        """Read an audit back; raises UsageError where the folder holds none, AuditError for another schema."""
        document = read_document(folder)
        return cls(
            suite=document["suite"],
            model=document["model"],
            data=document["data"],
            decide=document["decide"],
            verdicts=tuple(verdict_of(row) for row in document["verdicts"]),
            kinds={row["check"]: row["kind"] for row in document["verdicts"]},
            metrics=document["metrics"],
            confusions=document["confusions"],
            best_saliency=document["best_saliency"],
            cost=document["cost"],
            exhibits=document["exhibits"],
            provenance=document["provenance"],
            limits=document["limits"],
            left_out=document.get("left_out", ()),
            unjudged=document.get("unjudged", ()),
            findings=document.get("findings", ()),
            standings=document.get("standings", ()),
            stand_ins=document.get("stand_ins", ()),
            soundness=document.get("soundness", ()),
            reliability=document.get("reliability", ()),
            screens=document.get("screens", ()),
            running_costs=document.get("running_costs", ()),
            baseline=document.get("baseline"),
            records=read_records(folder),
        )

    @property
    def answers(self) -> Answers:
        """Its numbers by name: `audit.answers.recall("sadness", check="fgsm", at=0.01)`."""
        return Answers(self.document())


def exit_code(verdicts: Sequence[Verdict]) -> int:
    """Return what the command exits with: see `Audit.exit_code`."""
    if all(verdict.outcome == "ERROR" for verdict in verdicts):
        # Nothing was judged, whatever was to block.
        return 3
    blocking = {verdict.outcome for verdict in verdicts if verdict.blocks}
    if blocking & {"FAIL", "UNSURE"}:
        return 1
    return 3 if "ERROR" in blocking else 0


def open_baseline(folder: Path) -> Baseline:
    """Return the finished audit in `folder` to compare with; raises UsageError and AuditError where there is none."""
    return Baseline(str(folder), read_document(folder), read_records(folder))


def read_records(folder: Path) -> pd.DataFrame:
    """Return a folder's `records.parquet`; raises AuditError where it cannot be read."""
    path = folder / "records.parquet"
    if not path.is_file():
        raise AuditError(f"{path}: no such file; an audit is `audit.json` and the records beside it")
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise AuditError(f"{path}: not readable as Parquet ({error}); run the audit again") from error


def read_document(folder: Path) -> dict[str, Any]:
    """Return a folder's `audit.json`; raises UsageError where there is none, AuditError where it cannot be used."""
    path = folder / "audit.json"
    if not path.is_file():
        raise UsageError(f"{folder}: no audit here (no audit.json); `audit run SUITE --out {folder}` makes one")
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise AuditError(f"{path}: not readable as JSON ({error})") from error
    if document.get("schema") != SCHEMA:
        raise AuditError(f"{path}: schema {document.get('schema')!r}; this version reads schema {SCHEMA}")
    return document


def metric_row(
    key: tuple[str, str, str, str],
    metric: str,
    found: Estimate,
    *,
    at: float | None,
    emotion: str | None,
    group: str | None,
) -> dict[str, Any]:
    """Return one row of `metrics`; `key` is (check, kind, method, measure)."""
    check, kind, method, measure = key
    return {
        "check": check,
        "kind": kind,
        "method": method,
        "measure": measure,
        "metric": metric,
        "at": at,
        "emotion": emotion,
        "group": group,
        "value": found.value,
        "interval": list(found.interval) if found.interval else None,
        "n": found.n,
    }


def storable(value: Any) -> Any:
    """Return plain data as `audit.json` has it: lists for tuples, None for what is not finite, text that prints."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        return {printable(str(key)): storable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [storable(inner) for inner in value]
    return value


def _replace(path: Path, write: Any) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write(partial)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
