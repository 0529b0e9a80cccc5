"""The page that sets two audits beside each other, drawn from their `audit.json` and records alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit import wording
from audit.comparison import figures as own
from audit.comparison.cautions import cautions
from audit.comparison.compare import CLEAN, Comparison, Difference
from audit.comparison.gates import gates
from audit.comparison.sentence import ci, family, named, points, refused, sentence, shared
from audit.report.gate_move import moves, only
from audit.report.html import furnish, put, templates
from audit.report.interval import Bar, Scale, bar, scale_of
from audit.report.measured import Measured
from audit.report.numbers import fixed, places, short, span
from audit.report.overlay import figure, overlay
from audit.report.paired_maps import paired_maps
from audit.report.plots import embedded

Row = Mapping[str, Any]
PAGE = "compare.html"
MARKS: Mapping[tuple[bool, bool], tuple[str, str]] = {
    (True, True): ("▲", "more, and holds over all"),
    (True, False): ("▼", "fewer, and holds over all"),
    (False, True): ("△", "more, by its own interval alone"),
    (False, False): ("▽", "fewer, by its own interval alone"),
}


@dataclass(frozen=True)
class Cell:
    """A difference in percentage points with its interval; `mark` and `means` say whether it holds, "" for neither."""

    text: str
    interval: str
    mark: str
    means: str


@dataclass(frozen=True)
class Line:
    """One difference in full: what it is of, in A, in B, and what lies between as a cell and as a bar."""

    name: str
    a: str
    b: str
    cell: Cell
    bar: Bar | None
    n: int


@dataclass(frozen=True)
class Sweep:
    """One sweep that was compared: its curves, and a table of (severity, A, B, one cell per metric or emotion)."""

    check: str
    kind: str
    drawn: Any
    json: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, str, str, tuple[Cell | None, ...]], ...]
    cautions: tuple[str, ...]
    crossings: tuple[str, ...]


def write(found: Comparison, folder: Path, *, has_report: bool) -> Path:
    """Draw `compare.html` and what it needs into `folder`, which is made where it is missing; return the page.

    `has_report` says that B's own report is in that folder, and the page leads to it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / PAGE
    context = context_of(found, has_report=has_report)
    put(page, templates().get_template(PAGE).render(**context, style_marks=furnish(folder), up=""))
    return page


def context_of(found: Comparison, *, has_report: bool) -> dict[str, Any]:
    """Return all that the page shows."""
    document = found.b.document
    confidence = ci(found).removesuffix(" CI")
    warned = cautions(found)
    scale = _scale(found)
    told = gates(found.a.document, document)
    return {
        "sentence": sentence(found),
        "family": family(found),
        "found": found,
        "document": document,
        "sides": [("A", found.a), ("B", found.b)],
        "words": wording.words(document),
        "decision": wording.decision,
        "counts": wording.counts,
        "near": lambda path: wording.near(Path(path)),
        "confidence": confidence,
        "has_report": has_report,
        "shared": shared(found),
        "refused": [refused(each) for each in found.refused],
        "moves": {
            "failing": moves(told.failing, found),
            "passing": moves(told.passing, found),
            "changed": moves(told.changed, found),
            "alike": moves(told.alike, found),
        },
        "only": [("A", only(told.only_a, found.a.document)), ("B", only(told.only_b, document))],
        "only_checks": [("A", found.only_a), ("B", found.only_b)],
        "holding": [_line(each, found, scale) for each in found.holding],
        "clean": [_line(each, found, scale) for each in found.all(CLEAN)],
        "sweeps": [_sweep(check, found, confidence, warned) for check in found.checks if check != CLEAN],
        "maps": paired_maps(found),
        "figures": {check: [_figure(each) for each in rows] for check, rows in own.figures(found).items()},
        "machines": _machines(found),
    }


def _scale(found: Comparison) -> Scale:
    return scale_of([_row(each) for each in (*found.holding, *found.all(CLEAN))] or [_no_row()])


def _no_row() -> Row:
    return {"metric": "change", "value": 0.0, "interval": None}


def _row(difference: Difference) -> Row:
    return {**_no_row(), "value": difference.gain, "interval": difference.found.interval}


def _line(difference: Difference, found: Comparison, scale: Scale) -> Line:
    a, b = (fixed(each.value, 3) for each in (difference.a, difference.b))
    marked = _cell(difference, found)
    drawn = bar(_row(difference), scale)
    return Line(named(difference, found), a, b, marked, drawn, difference.found.n)


def _cell(difference: Difference, found: Comparison) -> Cell:
    mark, means = "", ""
    if difference.excludes_none:
        mark, means = MARKS[found.holds(difference), difference.gain > 0]
    sign = "+" if difference.gain > 0 else ""
    interval = difference.found.interval
    between = "no interval" if interval is None else f"{points(interval[0])} to {points(interval[1])}"
    return Cell(f"{sign}{points(difference.gain)}", "exact" if interval == (0.0, 0.0) else between, mark, means)


def _sweep(check: str, found: Comparison, confidence: str, warned: list[Any]) -> Sweep:
    drawn = overlay(found, check)
    by_place = {(each.at, each.metric, each.emotion): each for each in found.all(check)}
    emotions = tuple(dict.fromkeys(each.emotion for each in found.all(check, metric="recall")))
    wanted: list[tuple[str, str | None]] = [("accuracy", None), ("uar", None), *(("recall", name) for name in emotions)]
    measured = Measured(found.b.document)
    rows = tuple(
        (
            short(a.at),
            f"{fixed(a.value, 3)} ({_span(a)})",
            f"{fixed(b.value, 3)} ({_span(b)})",
            tuple(_cell(by_place[a.at, *place], found) if (a.at, *place) in by_place else None for place in wanted),
        )
        for a, b in zip(drawn.a, drawn.b, strict=True)
    )
    return Sweep(
        check=check,
        kind=measured.kind(check),
        drawn=drawn,
        json=embedded(figure(drawn, confidence)),
        head=(measured.parameter(check), "A", "B", "accuracy", "UAR", *(f"recall, {name}" for name in emotions)),
        rows=rows,
        cautions=tuple(each.told for each in warned if each.check == check),
        crossings=tuple(_crossings(found, check)),
    )


def _span(point: Any) -> str:
    return "no interval" if point.low is None else span((point.low, point.high), 3)


def _crossings(found: Comparison, check: str) -> list[str]:
    told = []
    for name, audit in (("A", found.a), ("B", found.b)):
        row = Measured(audit.document).one(check, "critical_epsilon")
        if row is not None and (row["value"] is not None or row["interval"] is not None):
            told.append(f"{name} {_value(row)}")
    return told


def _figure(pair: own.Figure) -> tuple[str, str, str, str]:
    """Return a row that both audits have: what it is of, A, B, and how many times A's value B's is."""
    row = pair.b
    words = [wording.spaced(row["metric"])]
    words += [f"in {unit}"] if (unit := wording.unit_of(row["metric"])) else []
    words += [row["measure"]] if row["measure"] else []
    words += [f"by {row['method']}"] if row["kind"] == "data" else []
    words += [f"at {short(row['at'])}"] if row["at"] is not None else []
    words += [each for each in (row["emotion"], row["group"]) if each is not None]
    ratio = "" if row["kind"] != "cost" or pair.ratio is None else f"{pair.ratio:.2g} ×"
    return ", ".join(words), _value(pair.a), _value(row), ratio


def _value(row: Row) -> str:
    """Return a value with its interval: `0.41 (0.38–0.45)`."""
    decimals = places([row["value"], *(row["interval"] or ())])
    value = fixed(row["value"], decimals) if row["value"] is not None or row["interval"] is None else "beyond the sweep"
    return f"{value} ({span(row['interval'], decimals)})" if row["interval"] else value


def _machines(found: Comparison) -> list[str]:
    """Return where each audit ran, where these differ: what a call takes is the machine's as much as the model's."""
    said = []
    for audit in (found.a, found.b):
        by = audit.document["provenance"]
        said.append(f"{by['device']}, {by['threads']} threads, {by['platform']}")
    return said if said[0] != said[1] else []
