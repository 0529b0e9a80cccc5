"""Two folders of finished audits, opened to be compared."""

from __future__ import annotations

from pathlib import Path

from audit.audit import open_baseline
from audit.baseline import Baseline
from audit.errors import UsageError
from audit.report import valid


def opened(folder: Path) -> Baseline:
    """Return the audit in `folder`, its document known to be whole.

    Raises UsageError where there is none, AuditError where it breaks its schema or its records cannot be read.
    """
    audit = open_baseline(folder)
    valid.check(audit.document, folder / "audit.json")
    return audit


def both(a: Path, b: Path) -> tuple[Baseline, Baseline]:
    """Return the audits in two folders; raises UsageError where they are one folder, or of other modalities."""
    if a.resolve() == b.resolve():
        raise UsageError(f"{a} and {b} are the same folder; name two audits, the earlier or reference one first")
    found = opened(a), opened(b)
    modalities = [audit.document["model"]["input"]["modality"] for audit in found]
    if modalities[0] != modalities[1]:
        raise UsageError(
            f"{a} judges a model of {modalities[0]} and {b} one of {modalities[1]}; "
            "only audits of one modality can be compared"
        )
    return found


def may_hold(folder: Path) -> None:
    """Raise UsageError where a page may not be written into `folder`: a file, or a folder of something else."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: is a file; name a folder with --out")
    ours = any((folder / name).is_file() for name in ("audit.json", "compare.html"))
    if folder.is_dir() and not ours and any(folder.iterdir()):
        raise UsageError(f"{folder}: holds files but no audit, and is left alone; name another folder with --out")
