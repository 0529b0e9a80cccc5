"""What `audit init` says it found, guessed and wrote."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from audit.probing.causes import UNSTABLE
from audit.probing.table import Page, folded, lines
from audit.report.numbers import count as counted
from audit.starter.start import NOT_FOUND, Started
from audit.wording import near, plain

MOST = 5
DOUBT = "If it was right more often where it was trained, a guessed line is not what it was trained with."
SCALER = (
    "look    for a scaler that was fitted on the training clips (StandardScaler, a mean and a deviation per feature), "
    "beside the training code: `scaling: {file: scaler.npz}` below `input:`"
)
FUNCTION = (
    "look    for the code that makes the model's input of a recording; if no representation does the same: "
    "audit init --preprocess file.py:function"
)


def show(started: Started, page: Page | None = None) -> None:
    """Print what was found, what was tried, the probe of the result, and the files."""
    page = page or Page()
    for line in told(started, page.columns):
        page.print(line)


def told(started: Started, width: int | None) -> Iterator[Text]:
    """Yield the lines `show` prints."""
    seen, searched = started.seen, started.searched
    facts = [
        f"model   {seen.what}, loader {started.loader}",
        f"data    {started.data.source.root or ''} as {started.data.source.layout.method}: {started.facts}",
        "        " + ", ".join(f"{count:,} {emotion}" for emotion, count in started.data.emotions.items()),
    ]
    if started.groups:
        facts.append("        " + ", ".join(f"{count} of {name}" for name, count in started.groups.items()))
    for fact in facts:
        yield from folded(fact, width, " " * 8)
    ranked = sorted(searched.tried.items(), key=lambda each: -each[1])
    ways = counted(len(ranked), "way")
    yield from folded(f"tried   {ways} to make the input, on {searched.clips} clips; right in", width, " " * 8)
    for what, accuracy in ranked[:MOST]:
        yield from folded(f"{accuracy:.2f}  {what}", width, " " * 14, first=" " * 8)
    for key, why in started.guessed.items():
        yield from folded(f"guessed {key}: {why}", width, " " * 8)
    yield Text()
    yield from lines(started.probe, width)
    yield Text()
    if not searched.holds:
        yield from folded(NOT_FOUND, width, "  ")
    elif started.guessed:
        yield from folded(DOUBT, width, "")
    for path in (started.manifest, started.suite):
        yield Text(f"wrote   {plain(near(path))}")
    yield from _next(started, width)


def _next(started: Started, width: int | None) -> Iterator[Text]:
    """Yield what to do: an audit, or what must come before one."""
    again = f"audit probe {near(started.manifest)} --data {started.data.source.root or '...'}"
    if any(warned.kind == UNSTABLE for warned in started.probe.warnings):
        told = f"next    mend the model until its answers are the clips' own (the first warning), then {again}"
        yield from folded(told, width, " " * 8)
    elif not started.searched.holds:
        yield from folded(SCALER, width, " " * 8)
        if "preprocess" not in started.searched.best.draft.lines:
            yield from folded(FUNCTION, width, " " * 8)
        yield from folded(f"next    correct {near(started.manifest)}, then {again}", width, " " * 8)
    else:
        yield Text(f"next    audit run {plain(near(started.suite))}")
