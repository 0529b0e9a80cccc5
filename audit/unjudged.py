"""What could not be judged, as rows of `audit.json`, so that an audit decided again knows it too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def unjudged_row(check: str | None, method: str | None, reason: str) -> dict[str, Any]:
    """Return a row: a method of a check, a whole check (`method` None), or everything (both None), and why."""
    return {"check": check, "method": method, "reason": reason}


def why_unjudged(rows: Iterable[Mapping[str, Any]], check: str, method: str) -> str | None:
    """Return the first reason why a method of a check could not be judged; None where it was."""
    return next(
        (row["reason"] for row in rows if row["check"] in (None, check) and row["method"] in (None, method)), None
    )
