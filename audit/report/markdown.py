"""The audit as a page of Markdown, for a pull request or a CI job's summary."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from audit.audit import read_document
from audit.remarks import lenience, teeth, toothless
from audit.report.numbers import count
from audit.report.standing import unearned
from audit.rerun import part, rerun
from audit.running_cost import RunningCost
from audit.wording import (
    Document,
    counts,
    decision,
    finding,
    left_out,
    limit,
    place,
    plain,
    scope,
    sentence,
    title,
    told,
    words,
)

GLYPHS = {"PASS": "✔ PASS", "FAIL": "✘ FAIL", "UNSURE": "? UNSURE", "ERROR": "! ERROR"}


def write(folder: Path) -> Path:
    """Write `summary.md` beside the `audit.json` of `folder`, from it alone, and return its path."""
    path = folder / "summary.md"
    path.write_text(page(read_document(folder)), encoding="utf-8")
    return path


def page(document: Document) -> str:
    """Return the page: decision, what blocks and what to do, every gate, provenance."""
    return "\n".join([*_decision(document), *_blocking(document), *_gates(document), *_provenance(document), ""])


def _decision(document: Document) -> Iterator[str]:
    suite, model = escape(document["suite"]["name"]), escape(document["model"]["name"])
    yield f"# {decision(document)}: {model} on {suite}"
    yield ""
    yield f"**{escape(sentence(document))}.** {counts(document).capitalize()} (exit {document['exit_code']})."
    yield ""
    for found in document.get("findings", ()):
        yield f"**{escape(told(found))}.**"
        yield ""
    for note in (*filter(None, [teeth(document)]), *unearned(document), *map(left_out, document.get("left_out", ()))):
        yield f"{escape(note)}."
        yield ""
    for note in scope(document):
        yield f"{escape(note[:1].upper() + note[1:])}."
        yield ""
    if part(document):
        yield f"Judged in part: {escape(part(document))}."
        yield ""
    problems = document["data"]["problems"]
    if problems:
        first = f"the first: {escape(problems[0]['path'])}: {escape(problems[0]['reason'])}"
        yield f"{count(len(problems), 'problem')} with the data; {first}."
        yield ""


def _blocking(document: Document) -> Iterator[str]:
    found = [row for row in document["verdicts"] if row["outcome"] != "PASS"]
    found.sort(key=lambda row: ("ERROR", "FAIL", "UNSURE").index(row["outcome"]))
    if not found:
        return
    yield "## What failed, and what to do"
    yield ""
    for row in found:
        value = "" if row["outcome"] == "ERROR" else f": {escape(finding(row, document))}"
        yield f"- **{GLYPHS[row['outcome']]} {escape(title(row, document))}**{value}"
        notes = [row["reason"], row["next_step"]]
        notes += [lenience(row), toothless(row)]
        yield from (f"  - {escape(note)}" for note in notes if note)
        yield f"  - {code(rerun(row, document))}"
        if row["place"]:
            yield f"  - limit: {code(place(row))}"
    yield ""


def _gates(document: Document) -> Iterator[str]:
    yield "## Gates"
    yield ""
    if not document["verdicts"]:
        yield f"{escape(sentence(document).partition(': ')[2]).capitalize()}, so nothing was decided."
        yield ""
        return
    rows = [
        [
            GLYPHS[row["outcome"]],
            escape(row["check"]),
            escape(title(row, document)),
            escape(finding(row, document).removesuffix(f", {limit(row)}")),
            escape(limit(row).removeprefix("limit ")),
        ]
        for row in document["verdicts"]
    ]
    yield from _table(("outcome", "check", "gate", "value", "limit"), rows)
    yield ""


def _provenance(document: Document) -> Iterator[str]:
    model, data, cost, by = (document[key] for key in ("model", "data", "cost", "provenance"))
    versions = ", ".join(f"{name} {version}" for name, version in by["versions"].items() if version)
    running = [RunningCost(**row) for row in document.get("running_costs", ())]
    noun, before = words(document).noun, document.get("baseline")
    passes = f"{cost['forward_samples']} {noun}s forward, {cost['backward_samples']} backward"
    seconds = f"{cost['model_seconds']:.1f} s in the model, {cost['wall_seconds']:.1f} s in all"
    yield "## Provenance"
    yield ""
    rows = [
        ["command", code(by["command"])],
        ["model", f"{escape(model['name'])}, {code('sha256:' + str(model['sha256']))}"],
        ["data", f"{count(data['n'], noun)}, layout {escape(data['layout'])}, {code('sha256:' + str(data['sha256']))}"],
        ["suite", f"{code(document['suite']['path'])}, {code('sha256:' + str(document['suite']['sha256']))}"],
        *([["baseline", f"{escape(before['model'])}, {code(before['path'])}"]] if before else []),
        ["cost", f"{passes}; {seconds}; {cost['peak_rss_mb']:.0f} MB at most"],
        ["device", escape(f"{by['device']}, {by['threads']} threads, batches of {by['batch_size']}")],
        *([escape(each.check), escape(f"measured on {each.where}; compare within one run only")] for each in running),
        ["seed", escape(by["seed"])],
        ["started", escape(by["started"])],
        ["versions", escape(f"Python {by['python']}, {versions}; {by['platform']}")],
    ]
    yield from _table(("", ""), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def escape(text: object) -> str:
    """Return text that Markdown shows as it is: no table, link, emphasis, HTML or mention can come of it."""
    line = plain(text)
    # Underscores inside a word are plain text already; gaussian_noise stays readable in the source.
    line = re.sub(r"[\\`*\[\]<>|~&#@!$^{}]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])", lambda m: f"&#{ord(m[0])};", line)
    return re.sub(r"(?i)(?<=www)\.|(?<=http):|(?<=https):|(?<=ftp):", lambda m: f"&#{ord(m[0])};", line)


def code(text: object) -> str:
    """Return text as code that cannot leave its cell: backticks and bars cannot be written inside."""
    line = plain(text)
    return f"<code>{escape(line)}</code>" if re.search(r"[`|]", line) or not line.strip() else f"`{line}`"
