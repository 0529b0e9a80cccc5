"""A verdict as the report shows it, and the grid of emotions and checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from audit import remarks, wording
from audit.report.address import anchor
from audit.report.interval import Bar, Scale, bar, scale_of
from audit.report.measured import Measured
from audit.report.numbers import LONGEST_FRACTION, NOT_MEASURED, fixed, minus, places, short, span
from audit.rerun import rerun

Row = Mapping[str, Any]
WORST_FIRST = ("ERROR", "FAIL", "UNSURE", "PASS")


@dataclass(frozen=True)
class GateRow:
    """One verdict in words, numbers and a bar; `page` is its emotion's file, relative to the index, "" for none.

    `margin` is the way from the limit to the value, positive on the allowed side. `subject` is the emotion or group.
    `set_aside` says that the suite waives the gate, or asks for it to be informed alone.
    """

    id: str
    check: str
    outcome: str
    blocks: bool
    title: str
    gate: str
    subject: str
    value: str
    interval: str
    n: str
    limit: str
    margin: str
    finding: str
    bar: Bar | None
    page: str
    anchor: str
    reason: str
    next_step: str
    set_aside: bool
    lenience: str
    toothless: str
    rerun: str
    place: str


@dataclass(frozen=True)
class Cell:
    """One emotion under one check: the worst outcome of its gates, "" where none judges it, and that gate's value."""

    outcome: str
    value: str
    address: str


def gate_rows(measured: Measured, pages: Mapping[str, str]) -> list[GateRow]:
    """Return every verdict in the order of the suite."""
    document = measured.document
    families: dict[tuple[str, str], list[Row]] = {}
    for row in document["verdicts"]:
        families.setdefault((row["check"], row["metric"]), []).append(row)
    scales = {
        key: scale_of(rows, most=measured.most(key[0]) if key[1] == "critical_epsilon" else None)
        for key, rows in families.items()
    }
    return [_gate_row(row, measured, pages, scales[row["check"], row["metric"]]) for row in document["verdicts"]]


def worst_first(rows: Iterable[GateRow], document: Row) -> list[GateRow]:
    """Return the rows that are no PASS: what could not be judged, failures, unsure; the furthest beyond first."""
    excess = {row["id"]: wording.excess(row) for row in document["verdicts"]}
    wanted = [row for row in rows if row.outcome != "PASS"]
    return sorted(wanted, key=lambda row: (WORST_FIRST.index(row.outcome), -excess[row.id]))


def worst(outcomes: Iterable[str]) -> str:
    """Return the worst of the outcomes, "" of none."""
    found = set(outcomes)
    return next((outcome for outcome in WORST_FIRST if outcome in found), "")


def grid(
    measured: Measured, rows: Sequence[GateRow], pages: Mapping[str, str], checks: Sequence[str]
) -> list[tuple[str | None, list[Cell]]]:
    """Return a row of cells per emotion, one per check, after a first row (None) for the gates over all clips."""
    excess = {row["id"]: wording.excess(row) for row in measured.document["verdicts"]}
    emotions = {row["id"]: row["emotion"] for row in measured.document["verdicts"]}
    table: list[tuple[str | None, list[Cell]]] = []
    for emotion in (None, *pages):
        cells = []
        for check in checks:
            own = [row for row in rows if row.check == check and emotions[row.id] == emotion]
            own.sort(key=lambda row: (WORST_FIRST.index(row.outcome), -excess[row.id]))
            address = f"{pages[emotion] if emotion is not None else ''}#{anchor(check)}"
            cells.append(Cell(own[0].outcome if own else "", own[0].value if own else "", address))
        table.append((emotion, cells))
    return table


def _gate_row(row: Row, measured: Measured, pages: Mapping[str, str], scale: Scale) -> GateRow:
    document = measured.document
    limits = tuple(row["limit"].values())
    decimals = places([row["value"], *(row["interval"] or ())], limits)
    subject = row["emotion"] if row["emotion"] is not None else row["group"]
    path, _, line = str(row["place"]).rpartition(":")
    return GateRow(
        id=row["id"],
        check=row["check"],
        outcome=row["outcome"],
        blocks=row["blocks"],
        title=wording.title(row, document),
        gate=wording.title({**row, "emotion": None, "group": None}, document),
        subject="the model" if row["kind"] == "cost" else "" if subject is None else subject,
        value=_value(row, measured, decimals),
        interval=span(row["interval"], decimals) if row["value"] is not None or row["interval"] else "",
        n=_n(row),
        limit=_limit(row),
        margin=_margin(row, decimals),
        finding=wording.finding(row, document),
        bar=bar(row, scale),
        page=pages[row["emotion"]] if row["emotion"] is not None else "",
        anchor=anchor(row["check"]),
        reason=row["reason"],
        next_step=row["next_step"],
        set_aside=bool(row["waive"]) or row["informational"],
        lenience=remarks.lenience(row),
        toothless=remarks.toothless(row),
        rerun=rerun(row, document),
        place=f"{PurePath(path).name}:{line}" if path else "",
    )


def _value(row: Row, measured: Measured, decimals: int) -> str:
    if row["value"] is not None:
        return fixed(row["value"], decimals)
    if row["interval"] is None:
        return NOT_MEASURED
    most = measured.most(row["check"])
    return f"> {short(most)}" if most is not None else "beyond what was tested"


def _n(row: Row) -> str:
    return f"{row['n']:,}" if row["clusters"] is None else f"{row['n']:,} / {row['clusters']}"


def _limit(row: Row) -> str:
    text = wording.limit(row).removeprefix("limit ")
    return minus(text.replace("at least", "≥").replace("at most", "≤"))


def _margin(row: Row, decimals: int) -> str:
    least, most = row["limit"]["min"], row["limit"]["max"]
    if row["value"] is None:
        return ""
    gaps = [row["value"] - least] if least is not None else []
    gaps += [most - row["value"]] if most is not None else []
    gap = min(gaps)
    text = fixed(gap, decimals) if decimals <= LONGEST_FRACTION else short(float(f"{gap:.2g}"))
    return f"{'+' if gap > 0 and text.strip('0.') else ''}{text}"
