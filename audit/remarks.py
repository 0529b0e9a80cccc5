"""What is said beside verdicts: why some do not block, which have no teeth, and what they are compared with.

Drawn from `audit.json` alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from audit.gate_id import gate_of
from audit.report.numbers import count
from audit.wording import Document, Row, plain, title

STAND_INS: Mapping[str, str] = {
    "random": "a random guesser",
    "constant": "a model that always gives the first emotion",
    "majority": "a model that always gives the most frequent emotion",
    "shuffled": "a model that gives the labels shuffled",
}


def lenience(row: Row) -> str:
    """Return why a verdict that is no PASS does not block, in a clause; nothing where it does."""
    if row["blocks"] or row["outcome"] == "PASS":
        return ""
    if row["informational"]:
        # With or without a waiver, which may be over by now.
        return "does not block: informational"
    if row["waive"]:
        return plain(f"waived until {row['waive']['until']}: {row['waive']['reason']}")
    return "does not block: the suite says when_unsure: pass"


def toothless(row: Row) -> str:
    """Return which stand-ins pass a verdict's gate, in a clause; nothing where none does, or it is informational."""
    if not row["toothless"] or row["informational"]:
        return ""
    names = ", ".join(STAND_INS.get(name, name) for name in row["toothless"])
    return f"toothless: {names} would pass it too"


def compared(document: Document) -> str:
    """Return what the audit is compared with, in a clause; nothing where that is nothing."""
    before = document.get("baseline")
    return plain(f"compared with {before['model']}, {before['path']}") if before else ""


def outdated(document: Document) -> str:
    """Return of when the verdicts are that the pages show, where those decided again are others; else nothing."""
    started = document.get("outdated")
    return f"shows the verdicts of {started}, not these" if started else ""


def teeth(document: Document) -> str:
    """Return how many gates a stand-in passes, and the first of them, in a sentence; nothing where none does."""
    gates = {gate_of(row["id"]): row for row in document["verdicts"] if toothless(row)}
    if not gates:
        return ""
    first = next(iter(gates.values()))
    what = title({**first, "emotion": None, "group": None}, document)
    verb = "is" if len(gates) == 1 else "are"
    return f"{count(len(gates), 'gate')} {verb} toothless, the first {what}: {toothless(first).partition(': ')[2]}"
