"""What audits found of the reference models, as far as the tables need it: one small file per audit in `audits/`."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.audit import read_document

FOLDER = Path(__file__).parent / "audits"
KEPT: Mapping[str, frozenset[str]] = {
    "clean": frozenset({"accuracy", "uar", "macro_f1", "recall", "precision", "f1"}),
    "corruption": frozenset({"accuracy", "macro_f1"}),
    "attack": frozenset({"accuracy", "recall", "critical_epsilon"}),
    "saliency": frozenset({"faithfulness"}),
    "cost": frozenset({"latency", "throughput", "parameters", "size"}),
}
COLUMNS = ("check", "kind", "method", "measure", "metric", "at", "emotion", "group", "value", "interval", "n")
DIGITS = 4


@dataclass(frozen=True)
class Figure:
    """A number an audit measured, with its interval where there is one, of `n` recordings."""

    value: float
    interval: tuple[float, float] | None
    n: int


@dataclass(frozen=True)
class Audited:
    """One model judged by one suite: what `audits/SUITE/MODEL.json` says."""

    document: Mapping[str, Any]

    @property
    def model(self) -> str:
        """The model's name."""
        return str(self.document["model"]["name"])

    @property
    def suite(self) -> str:
        """The suite's name."""
        return str(self.document["suite"])

    def figures(self, metric: str, *, kind: str = "clean", **wanted: Any) -> list[tuple[Mapping[str, Any], Figure]]:
        """Return the rows of a metric with what they measured; `wanted` gives other columns' values, None for empty."""
        asked = {"emotion": None, "group": None, **wanted, "kind": kind, "metric": metric}
        return [
            (row, Figure(row["value"], tuple(row["interval"]) if row["interval"] else None, row["n"]))
            for row in self.rows()
            if all(value is ... or row[column] == value for column, value in asked.items()) and row["value"] is not None
        ]

    def figure(self, metric: str, *, kind: str = "clean", **wanted: Any) -> Figure | None:
        """Return the one row that `wanted` names, None where the audit did not measure it."""
        found = self.figures(metric, kind=kind, **wanted)
        if len(found) > 1:
            raise ValueError(f"{self.model} in {self.suite}: {len(found)} rows of {metric} with {kind}, {wanted}")
        return found[0][1] if found else None

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of metrics, by column."""
        return (dict(zip(COLUMNS, row, strict=True)) for row in self.document["metrics"])


def keep(report: Path, folder: Path = FOLDER) -> Path:
    """Write what the tables need of the audit in the folder `report` to `folder/SUITE/MODEL.json`; return that path."""
    document = read_document(report)
    if {"--only", "--limit"} & {word.partition("=")[0] for word in shlex.split(document["provenance"]["command"])}:
        raise ValueError(f"{report}: an audit of a part; the tables are drawn from whole ones")
    model, data = document["model"], document["data"]
    kept = {
        "suite": document["suite"]["name"],
        "suite_sha256": document["suite"]["sha256"],
        "model": {key: model[key] for key in ("name", "sha256", "parameters", "emotions")},
        "data": {key: data[key] for key in ("layout", "split", "sha256", "n", "groups")},
        "confidence": document["decide"]["confidence"],
        "cluster": document["decide"]["cluster"],
        "seed": document["provenance"]["seed"],
        "passed": document["passed"],
        "gates": _outcomes(document),
        "confusion": next((c["counts"] for c in document["confusions"] if c["check"] == "clean"), None),
    }
    rows = [[_short(row[column]) for column in COLUMNS] for row in document["metrics"] if _wanted(row)]
    path = folder / kept["suite"] / f"{model['name']}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n  ".join(json.dumps(row) for row in rows)
    path.write_text(json.dumps(kept, indent=1)[:-2] + f',\n "metrics": [\n  {lines}\n ]\n}}\n')
    return path


def everything(folder: Path = FOLDER) -> dict[tuple[str, str], Audited]:
    """Return what was kept, by (model, suite)."""
    found = [Audited(json.loads(path.read_text())) for path in sorted(folder.glob("*/*.json"))]
    return {(one.model, one.suite): one for one in found}


def audit_of(name: str, told: Mapping[str, Any], audits: Mapping[tuple[str, str], Audited]) -> Audited | None:
    """Return the audit of a model by the suite that `told` names; None where there is none."""
    return audits.get((name, told.get("suite", "")))


def _wanted(row: Mapping[str, Any]) -> bool:
    return row["metric"] in KEPT.get(row["kind"], ())


def _outcomes(document: Mapping[str, Any]) -> dict[str, int]:
    counts = dict.fromkeys(("PASS", "FAIL", "UNSURE", "ERROR"), 0)
    for verdict in document["verdicts"]:
        counts[verdict["outcome"]] += 1
    return counts


def _short(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, DIGITS) if abs(value) >= 0.01 else float(f"{value:.{DIGITS}g}")
    return [_short(end) for end in value] if isinstance(value, list) else value
