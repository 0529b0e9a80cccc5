"""Where an audit lands: a folder that appears whole or not at all, and never replaces anything but an audit."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from audit.errors import AuditError, UsageError
from audit.gate_id import slug

if TYPE_CHECKING:
    from audit.audit import Audit
    from audit.baseline import Baseline

REPORTS = Path("reports")


def folder_for(suite: str, model: str, *, only: str | None = None, limit: int | None = None) -> Path:
    """Return `<suite>/<model>`; an audit of a part lies beside it, so that it never takes the whole one's place."""
    parts = [slug(model), *([slug(only)] if only else []), *([f"limit-{limit}"] if limit else [])]
    return Path(slug(suite)) / "--".join(parts)


def may_land(folder: Path) -> None:
    """Raise UsageError where `folder` is something other than an audit, an empty folder, or nothing yet."""
    if folder.is_dir():
        if any(folder.iterdir()) and not (folder / "audit.json").is_file():
            raise UsageError(f"{folder}: holds files but no audit, and is left alone; name another folder with --out")
    elif folder.exists():
        raise UsageError(f"{folder}: is a file; name a folder with --out")


@contextmanager
def staged(near: Path) -> Iterator[Path]:
    """Lend an empty folder in `near` to write into; it is gone afterwards unless `land` moved it."""
    made = [folder for folder in (near, *near.parents) if not folder.exists()]
    try:
        near.mkdir(parents=True, exist_ok=True)
        folder = Path(mkdtemp(prefix=".unfinished-", dir=near))
    except OSError as error:
        raise UsageError(f"{near}: cannot be written to ({error.strerror}); name another folder with --out") from error
    # mkdtemp makes a folder for its owner alone; a report is as readable as anything else made here.
    folder.chmod(0o777 & ~_umask())
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        for parent in made:
            if parent.is_dir() and not any(parent.iterdir()):
                parent.rmdir()


def pages(folder: Path) -> Path:
    """Draw the report's pages, `junit.xml` and `summary.md` from a folder's `audit.json` and records alone.

    Returns the index page. Raises UsageError where the folder holds no audit.
    """
    from audit.report import html, junit, markdown

    junit.write(folder)
    markdown.write(folder)
    html.write(folder)
    return folder / "index.html"


def land(audit: Audit, staging: Path, folder: Path, baseline: Baseline | None = None) -> None:
    """Write an audit and its report into `staging`, then move that to `folder`; an audit that lay there is replaced.

    With a `baseline`, `compare.html` says what changed since; it is drawn last, so that an audit lands also where it
    cannot be compared.
    """
    may_land(folder)
    audit.save(staging)
    try:
        pages(staging)
    except AuditError as error:
        # Nobody but the audit itself wrote this folder: there is nothing its reader could mend.
        raise RuntimeError(f"the finished audit could not be drawn: {error}") from error
    _moved(staging, folder)
    if baseline is not None:
        _compared(baseline, folder)


def _moved(staging: Path, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    if not folder.exists():
        os.replace(staging, folder)
        return
    with staged(folder.parent) as aside:
        os.replace(folder, aside / "before")
        os.replace(staging, folder)


def _compared(baseline: Baseline, folder: Path) -> None:
    from audit.audit import open_baseline
    from audit.comparison.compare import compare
    from audit.report.compare import write

    write(compare(baseline, open_baseline(folder)), folder, has_report=True)
    # Its first page leads to what was drawn just now.
    pages(folder)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
