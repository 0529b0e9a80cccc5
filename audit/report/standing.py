"""What a method's maps went through, and why some are not to be relied on; drawn from `audit.json` alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audit.report.measured import Measured
from audit.report.numbers import NOT_MEASURED, fixed, minus, places, short, span
from audit.wording import plain, spaced

Row = Mapping[str, Any]
CHANCE, WORTH = "chance", "worth"
LEARNED = "similarity"


@dataclass(frozen=True)
class Trial:
    """One thing asked of a method's maps; `what` says in words what `value` is, `limit` where it had to lie.

    `reason` is why it could not be asked, "" where it could.
    """

    name: str
    what: str
    value: str
    interval: str
    n: int
    limit: str
    outcome: str
    reason: str


@dataclass(frozen=True)
class Standing:
    """One method of one check: the `reason` its maps are not to be relied on, and as a `clause` without its numbers.

    Its outcome is ERROR where it gave no maps.
    """

    method: str
    outcome: str
    reason: str
    clause: str
    trials: tuple[Trial, ...]

    @property
    def brief(self) -> str:
        """The clause without what it means: `fails seed stability`."""
        return "; ".join(part.partition(": ")[0] for part in self.clause.split("; "))

    @property
    def is_earned(self) -> bool:
        """Whether its maps have earned their place."""
        return self.outcome == "PASS"


@dataclass(frozen=True)
class Cascade:
    """How like maps stay while a network forgets: (method, (similarity, its interval) per share of layers)."""

    test: str
    shares: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


def standings(document: Mapping[str, Any], check: str) -> dict[str, Standing]:
    """Return the standing of every method of a check, by its name; none of an audit that asked nothing of maps."""
    rows = [row for row in document.get("standings", ()) if row["check"] == check]
    return {
        row["method"]: Standing(
            row["method"], row["outcome"], row["reason"], clause(row), tuple(_trial(trial) for trial in row["trials"])
        )
        for row in rows
    }


def unearned(document: Mapping[str, Any]) -> list[str]:
    """Return a line for each method whose maps have not earned their place, or that gave none, with the reason."""
    rows = document.get("standings", ())
    several = len({row["check"] for row in rows}) > 1
    return [
        plain(f"{row['method']}{' of ' + row['check'] if several else ''} {_verb(row['outcome'])}: {clause(row)}")
        for row in rows
        if row["outcome"] != "PASS"
    ]


def _verb(outcome: str) -> str:
    return "gave no maps" if outcome == "ERROR" else "has not earned its place"


def clause(standing: Row) -> str:
    """Return why a method has not earned its place, without numbers: `fails seed stability: its maps come out ...`."""
    worst: dict[str, str] = {}
    for trial in standing["trials"]:
        if trial["outcome"] == standing["outcome"] != "PASS":
            worst.setdefault(trial["name"].partition("/")[0], trial["reason"].partition(" (")[0])
    return "; ".join(worst.values()) or str(standing["reason"])


def cascades(measured: Measured, check: str, emotion: str | None = None) -> list[Cascade]:
    """Return one table for every sanity test that goes step by step."""
    found: dict[str, dict[str, dict[float, Row]]] = {}
    for row in measured.all(check, LEARNED, emotion=emotion):
        found.setdefault(row["measure"], {}).setdefault(row["method"], {})[row["at"]] = row
    drawn = []
    for test, methods in found.items():
        steps = sorted({at for rows in methods.values() for at in rows if at is not None})
        if len(steps) > 1:
            table = tuple((method, tuple(_step(rows.get(at)) for at in steps)) for method, rows in methods.items())
            drawn.append(Cascade(spaced(test), tuple(minus(f"{100 * at:.0f}%") for at in steps), table))
    return drawn


def _step(row: Row | None) -> tuple[str, str]:
    if row is None or row["value"] is None:
        return NOT_MEASURED, ""
    return fixed(row["value"], 2), span(row["interval"], 2)


def _trial(row: Row) -> Trial:
    test, _, part = row["name"].partition("/")
    limits = [bound for bound in (row["least"], row["most"]) if bound is not None]
    decimals = max(places([row["value"], *(row["interval"] or ())], limits), 2)
    asked = row["value"] is not None
    if test == CHANCE:
        name, what = "chance", "score above that of the same maps elsewhere"
    elif part == WORTH:
        name, what = spaced(test), "score above that of maps after it"
    else:
        kept = row["least"] is not None
        name, what = (
            spaced(row["name"]),
            "share of the mask that stays" if kept else "rank correlation with maps after it",
        )
    return Trial(
        name=name,
        what=what if asked else "",
        value=fixed(row["value"], decimals),
        interval=span(row["interval"], decimals) if asked else "",
        n=row["n"],
        limit=_limit(row),
        outcome=row["outcome"],
        reason="" if asked else row["reason"],
    )


def _limit(row: Row) -> str:
    ends = [f"above {short(row['least'])}"] if row["least"] is not None else []
    ends += [f"below {short(row['most'])}"] if row["most"] is not None else []
    return ", ".join(ends)
