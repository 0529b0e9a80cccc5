"""The model on clips as they are."""

from __future__ import annotations

import math
from collections.abc import Iterator

from audit.checks.session import Session
from audit.record import Record
from audit.suite import Check


def run(check: Check, session: Session) -> Iterator[Record]:
    """Yield the clean predictions; they were made once, for all checks."""
    indices = session.chosen(check)
    session.progress.advance(len(indices))
    yield from session.predictions(check, "clean", math.nan, indices, session.clean[indices])


def total(check: Check, session: Session) -> int:
    """Return the number of predictions this check reports."""
    return len(session.chosen(check))
