"""One audit of what was planted, by the road a user takes, and what it came to."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import audit
from audit.audit import open_baseline
from audit.errors import AuditError, UsageError
from audit.runner import run
from audit.suite import read_suite
from planting.case import Planted, Sign
from planting.recordings import write_table

SUITE = Path(__file__).parents[2] / "suites" / "deployment-gate.audit.yaml"
AUDIT = "audit"
SOURCES = (Path(__file__).parent, Path(audit.__file__).parent)


@dataclass(frozen=True)
class Outcome:
    """What an audit came to: exit code, what blocks as (verdict, outcome, reason), findings, what it refused with."""

    exit_code: int
    blocking: tuple[tuple[str, str, str], ...]
    findings: tuple[str, ...]
    error: str
    seconds: float

    def shown_by(self, signs: Sequence[Sign]) -> list[str]:
        """Return what of it bears one of the signs; nothing where the audit passed, whatever it found."""
        if self.exit_code == 0:
            return []
        found = [("error", self.error, "refused")] if self.error else []
        found += [("finding", text, text.partition(":")[0]) for text in self.findings]
        # An error says that nothing was judged, and so shows nothing.
        found += [(name, reason, name) for name, outcome, reason in self.blocking if outcome != "ERROR"]
        return [
            label
            for where, told, label in found
            if any(fnmatchcase(where, sign.where) and sign.told in told for sign in signs)
        ]


def outcome_of(planted: Planted, folder: Path, suite: Path = SUITE, release: Path | None = None) -> Outcome:
    """Write manifest, table and suite into `folder` and audit; an audit made before by the same code is read back.

    `release` is the folder of an audit to compare with.
    """
    path = written(planted, folder, suite)
    known, key = folder / "outcome.json", digest(planted, suite)
    if known.is_file():
        row = json.loads(known.read_text(encoding="utf-8"))
        if row.pop("key") == key:
            return _read(row)
    began = time.monotonic()
    try:
        done = run(read_suite(path), baseline=open_baseline(release) if release else None)
    except UsageError:
        # The suite or the folder is at fault, which no defect is.
        raise
    except AuditError as refused:
        found = Outcome(refused.exit_code, (), (), str(refused), time.monotonic() - began)
    else:
        done.save(folder / AUDIT)
        blocking = tuple((verdict.id, verdict.outcome, verdict.reason) for verdict in done.verdicts if verdict.blocks)
        findings = tuple(str(finding["told"]) for finding in done.findings)
        found = Outcome(done.exit_code, blocking, findings, "", time.monotonic() - began)
    known.write_text(json.dumps({"key": key, **asdict(found)}, indent=1), encoding="utf-8")
    return found


def written(planted: Planted, folder: Path, suite: Path = SUITE) -> Path:
    """Write what is audited into `folder`, and return the suite that extends the shipped one."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.yaml").write_text(json.dumps(planted.manifest, indent=1), encoding="utf-8")
    write_table(folder / "clips.csv", planted.clips)
    document: dict[str, Any] = {
        "version": 1,
        "suite": folder.name,
        "extends": [str(suite)],
        "model": "model.yaml",
        "data": {"root": "clips.csv"},
    }
    if planted.checks:
        document["checks"] = list(planted.checks)
    path = folder / f"{folder.name}.audit.yaml"
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")
    return path


def digest(planted: Planted, suite: Path) -> str:
    """Return a hash of all that an outcome follows from: the suite, the code, what was planted."""
    found = hashlib.sha256(suite.read_bytes())
    for root in SOURCES:
        for path in sorted(root.rglob("*.py")):
            found.update(path.read_bytes())
    found.update(json.dumps([planted.manifest, planted.checks], sort_keys=True).encode())
    for clip in planted.clips:
        found.update(f"{clip.path}{clip.emotion}{clip.speaker}{clip.split}".encode())
    return found.hexdigest()


def _read(row: Mapping[str, Any]) -> Outcome:
    blocking = tuple((name, outcome, reason) for name, outcome, reason in row["blocking"])
    return Outcome(row["exit_code"], blocking, tuple(row["findings"]), row["error"], row["seconds"])
