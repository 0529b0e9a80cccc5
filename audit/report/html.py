"""The report: a folder of pages that opens from a file, drawn from `audit.json`, the records and `media/` alone."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from plotly.offline import get_plotlyjs
from ruamel.yaml import YAML

from audit import remarks, wording
from audit.audit import read_document, read_records
from audit.report import case, confusion, gate_row, numbers, valid
from audit.report.address import anchor, emotions_of, pages
from audit.report.curve import Curve, curve, table
from audit.report.gallery import gallery
from audit.report.groups import Fares
from audit.report.hardening import Falls
from audit.report.interval import bar, scale_of
from audit.report.measured import Measured
from audit.report.plots import diagram, embedded, figure
from audit.report.ranking import measure, rankings
from audit.report.relevance import own_measures, places
from audit.report.reliability import Reliability, reliabilities
from audit.report.running import running
from audit.report.soundness import Tests, tests
from audit.report.standing import cascades, standings
from audit.rerun import part

HERE = Path(__file__).parent
GLYPHS: Mapping[str, str] = {"PASS": "✓", "FAIL": "✗", "UNSURE": "?", "ERROR": "!"}
QUALITIES: Mapping[str, tuple[str, str]] = {
    "recall": ("Recall", "of its {noun}s, the share recognised"),
    "precision": ("Precision", "of the {noun}s called so, the share that are"),
    "f1": ("F1", "the harmonic mean of both"),
    "ece": ("Calibration error", "how far confidence is from being right"),
}
# plotly.js adds this style sheet of its map traces to every page unless an element bears its id, and the
# content security policy, which allows no inline style, would report that as a violation.
STYLE_MARK = re.compile(r'getElementById\("([0-9a-f]{64})"\)')


def write(folder: Path) -> Path:
    """Draw `index.html`, a page per emotion and what they need into `folder`; return the index page.

    Pages of an earlier drawing are replaced, those of emotions no longer there are removed.
    Raises UsageError where `folder` holds no audit, AuditError for one that breaks its schema or whose records or
    media cannot be used.
    """
    document = read_document(folder)
    valid.check(document, folder / "audit.json")
    records = read_records(folder)
    measured = Measured(document)
    falls, fares = Falls(records, measured), Fares(records, measured)
    shared = _shared(measured, furnish(folder))
    environment = templates()
    (folder / "emotion").mkdir(exist_ok=True)
    for stale in (folder / "emotion").glob("*.html"):
        stale.unlink()
    for number, (emotion, address) in enumerate(shared["pages"].items()):
        context = _emotion(emotion, number, measured, records, falls, fares, folder, shared)
        put(folder / address, environment.get_template("emotion.html").render(**shared, **context, up="../"))
    index = folder / "index.html"
    context = _index(measured, fares, folder, shared)
    put(index, environment.get_template("index.html").render(**shared, **context, up=""))
    return index


def furnish(folder: Path) -> list[str]:
    """Put the files that all pages need into `folder`; return the ids by which plotly.js knows its style sheets."""
    plotly = get_plotlyjs()
    put(folder / "plotly.min.js", plotly)
    for name in ("style.css", "app.js"):
        shutil.copyfile(HERE / "static" / name, folder / name)
    return STYLE_MARK.findall(plotly)


def _shared(measured: Measured, style_marks: list[str]) -> dict[str, Any]:
    document = measured.document
    addresses = pages(emotions_of(document))
    rows = gate_row.gate_rows(measured, addresses)
    outcomes = {
        emotion: gate_row.worst(row.outcome for row in rows if row.page == address)
        for emotion, address in addresses.items()
    }
    return {
        "document": document,
        "measured": measured,
        "pages": addresses,
        "gates": rows,
        "outcomes": outcomes,
        "confidence": f"{100 * float(document['decide']['confidence']):g}%",
        "style_marks": style_marks,
        "words": wording.words(document),
    }


def _index(measured: Measured, fares: Fares, folder: Path, shared: Mapping[str, Any]) -> dict[str, Any]:
    document, rows = measured.document, shared["gates"]
    checks = measured.checks("clean", "corruption", "attack", "saliency")
    word, _, rest = wording.sentence(document).partition(": ")
    found = gate_row.worst_first(rows, document)
    return {
        "word": word,
        "outcome": word if word in GLYPHS else "ERROR",
        "sentence": rest,
        "counts": wording.counts(document),
        "part": part(document),
        "blocking": [row for row in found if row.blocks],
        "lenient": [row for row in found if not row.blocks and (row.outcome != "UNSURE" or row.set_aside)],
        "unsure": [row for row in found if row.outcome == "UNSURE" and not row.set_aside],
        "teeth": remarks.teeth(document),
        "checks": checks,
        "grid": gate_row.grid(measured, rows, shared["pages"], checks),
        "overall": _overall(measured),
        "clean": [(name, _qualities(measured, name)) for name in document["model"]["emotions"]],
        "curves": _curves(measured, None, shared["confidence"]),
        "explained": {check: _explained(measured, check, None) for check in measured.checks("saliency")},
        "matrices": confusion.matrices(measured),
        "diagrams": _diagrams(measured, None, shared["confidence"]),
        "columns": fares.across(),
        "running": running(measured),
        "has_comparison": (folder / "compare.html").is_file(),
        "has_media": (folder / "media").is_dir() and any((folder / "media").iterdir()),
        "resolved": _yaml(document["suite"]["resolved"]),
    }


def _emotion(
    emotion: str,
    number: int,
    measured: Measured,
    records: pd.DataFrame,
    falls: Falls,
    fares: Fares,
    folder: Path,
    shared: Mapping[str, Any],
) -> dict[str, Any]:
    addresses = list(shared["pages"].items())
    rows = [row for row in shared["gates"] if row.page == shared["pages"][emotion]]
    exhibits = gallery(measured, emotion, folder)
    return {
        "emotion": emotion,
        "rows": rows,
        "found": gate_row.worst_first(rows, measured.document),
        "clips": measured.document["data"]["emotions"].get(emotion, 0),
        "qualities": _qualities(measured, emotion),
        "taken_for": confusion.taken_for(measured, emotion),
        "curves": _curves(measured, emotion, shared["confidence"]),
        "flips": case.flips(records, measured, emotion),
        "swings": case.swings(records, measured, emotion),
        "exhibits": exhibits,
        "anchors": {exhibit.sample: exhibit.anchor for exhibit in exhibits},
        "explained": {
            check: {**_explained(measured, check, emotion), "hardening": falls.of(check, emotion)}
            for check in measured.checks("saliency")
        },
        "diagrams": _diagrams(measured, emotion, shared["confidence"]),
        "columns": fares.across(emotion),
        "previous": addresses[number - 1] if number else None,
        "next": addresses[number + 1] if number + 1 < len(addresses) else None,
    }


def _explained(measured: Measured, check: str, emotion: str | None) -> dict[str, Any]:
    return {
        "scores": [list(group) for _, group in groupby(rankings(measured, check, emotion), lambda r: r.score)],
        "standings": standings(measured.document, check),
        # They are asked over all emotions, and told once.
        "has_trials": emotion is None,
        "cascades": cascades(measured, check, emotion),
        "places": places(measured, check, emotion),
        "own": own_measures(measured, check, emotion),
    }


def _overall(measured: Measured) -> list[tuple[str, Any]]:
    names = {"accuracy": "Accuracy", "uar": "UAR", "macro_f1": "Macro F1", "ece": "Calibration error"}
    rows = [(name, measured.one("clean", metric)) for metric, name in names.items()]
    return [(name, measure(row, (0.0, 1.0))) for name, row in rows if row is not None and row["value"] is not None]


def _qualities(measured: Measured, emotion: str) -> list[tuple[str, str, Any]]:
    noun = wording.words(measured.document).noun
    rows = [(*says, measured.one("clean", metric, emotion=emotion)) for metric, says in QUALITIES.items()]
    return [
        (name, says.format(noun=noun), measure(row, (0.0, 1.0)) if row["value"] is not None else None)
        for name, says, row in rows
        if row is not None
    ]


def _curves(
    measured: Measured, emotion: str | None, confidence: str
) -> list[tuple[str, Curve | None, str, Any, Tests | None]]:
    drawn = [(check, curve(measured, check, emotion)) for check in measured.checks("corruption", "attack")]
    return [
        (
            check,
            found,
            embedded(figure(found, confidence)) if found else "",
            table(measured, found) if found else None,
            tests(measured.document, check),
        )
        for check, found in drawn
    ]


def _diagrams(measured: Measured, emotion: str | None, confidence: str) -> list[tuple[Reliability, str]]:
    return [(drawn, embedded(diagram(drawn, confidence))) for drawn in reliabilities(measured, emotion)]


def templates() -> Environment:
    """Return the templates, with the filters they use; text is escaped, and control marks in it are shown."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_plain,
    )
    environment.filters.update(
        anchor=anchor,
        count=numbers.count,
        fixed=numbers.fixed,
        seconds=numbers.seconds,
        short=numbers.short,
        lines=lambda text: Markup("\n").join(escape(wording.plain(line)) for line in text.split("\n")),
    )
    environment.globals.update(
        GLYPHS=GLYPHS,
        bar=bar,
        left_out=wording.left_out,
        scale_of=scale_of,
        scope=wording.scope,
        size=wording.size,
    )
    return environment


def _plain(value: Any) -> Any:
    """Return text without control and direction marks, which could make a name read as another; markup as it is."""
    return wording.plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _yaml(resolved: Any) -> str:
    yaml: Any = YAML(typ="safe", pure=True)
    yaml.default_flow_style = None
    yaml.sort_base_mapping_type_on_output = False
    yaml.width = 100
    text = io.StringIO()
    yaml.dump(resolved, text)
    return text.getvalue()


def put(path: Path, text: str) -> None:
    """Write a page, what no encoding can hold as its number."""
    path.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
