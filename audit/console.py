"""What a terminal shows of an audit: bars while it runs, then what failed, what is unsure, and the decision."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

from audit.outcome import STRADDLES
from audit.remarks import compared, lenience, outdated, teeth, toothless
from audit.report.numbers import count
from audit.report.standing import unearned
from audit.rerun import part, rerun
from audit.wording import (
    Document,
    Row,
    counts,
    decision,
    few,
    finding,
    left_out,
    near,
    page,
    place,
    plain,
    scope,
    title,
    told,
    words,
)

STYLES = {"FAIL": "bold red", "ERROR": "bold magenta", "UNSURE": "bold yellow", "GATE PASSED": "bold green"}
MOST_BLOCKS = 12
WAITING = "preparing"
COUNT_WIDTH = 28
WIDE = 60


class _Stream(Console):
    def on_broken_pipe(self) -> None:
        """Leave a closed pipe to the command: rich would exit with 1, which says here that a gate failed."""
        raise BrokenPipeError


class _Count(ProgressColumn):
    """`1503/2505  0:12  eta 0:08`; only the elapsed time where the total is unknown."""

    def render(self, task: Task) -> Text:
        elapsed = _clock(task.finished_time if task.finished else task.elapsed)
        if task.total is None:
            return Text(elapsed)
        count = f"{task.completed:.0f}/{task.total:.0f}"
        ahead = "" if task.finished or task.time_remaining is None else f"  eta {_clock(task.time_remaining)}"
        return Text(f"{count:>11}  {elapsed}{ahead}")


class Bars:
    """Progress on a terminal: one bar per check, and a moving one while none runs. A context manager."""

    def __init__(self, stream: TextIO, checks: Sequence[str]) -> None:
        console = _Stream(file=stream, highlight=False)
        bar = [BarColumn(bar_width=10, style="dim")] if console.width >= WIDE else []
        room = console.width - COUNT_WIDTH - (12 if bar else 0)
        longest = max((len(plain(name)) for name in (*checks, WAITING)), default=0)
        self._width = max(6, min(longest, room, 28))
        # No markup: a check may be called [red].
        name = TextColumn("{task.description}", markup=False)
        self._bars = Progress(name, *bar, _Count(), console=console, refresh_per_second=8)
        self._waiting = self._bars.add_task(self._named(WAITING), total=None)
        self._current: TaskID | None = None
        self.announced = False

    def __enter__(self) -> Bars:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._waiting in self._bars.task_ids:
            self._bars.remove_task(self._waiting)
        self._bars.stop()

    def announce(self, line: str) -> None:
        """Print a line above the bars."""
        self.announced = True
        self._bars.console.print(Text(line))

    def begin(self, check: str, total: int) -> None:
        """Start the bar of a check with `total` steps."""
        self._bars.remove_task(self._waiting)
        self._current = self._bars.add_task(self._named(check), total=total)

    def advance(self, n: int) -> None:
        """Move the current bar by `n` steps."""
        if self._current is not None:
            self._bars.advance(self._current, n)

    def end(self) -> None:
        """Stop the current bar where it is."""
        if self._current is not None:
            self._bars.stop_task(self._current)
        self._waiting = self._bars.add_task(self._named(WAITING), total=None)
        self._current = None

    def _named(self, check: str) -> str:
        name = plain(check)
        return name.ljust(self._width) if len(name) <= self._width else name[: self._width - 1] + "…"


class Lines:
    """Progress where there is no terminal: one line per check as it ends. A context manager."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._check, self._total, self._done, self._start = "", 0, 0, 0.0
        self.announced = False

    def __enter__(self) -> Lines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave nothing open."""

    def announce(self, line: str) -> None:
        """Print a line."""
        self.announced = True
        print(line, file=self._stream, flush=True)

    def begin(self, check: str, total: int) -> None:
        """Note the start of a check."""
        self._check, self._total, self._done, self._start = plain(check), total, 0, time.monotonic()

    def advance(self, n: int) -> None:
        """Count `n` steps."""
        self._done += n

    def end(self) -> None:
        """Print the check's line."""
        elapsed = _clock(time.monotonic() - self._start)
        print(f"{self._check}  {self._done}/{self._total}  {elapsed}", file=self._stream, flush=True)


def watcher(checks: Sequence[str], stream: TextIO | None = None) -> Bars | Lines:
    """Return bars where `stream` (standard error) is a terminal that can move its cursor, else lines."""
    stream = stream or sys.stderr
    console = Console(file=stream)
    return Bars(stream, checks) if console.is_terminal and not console.is_dumb_terminal else Lines(stream)


def show(document: Document, folder: Path, stream: TextIO | None = None) -> None:
    """Print an audit: failures with what to do next, what is unsure or lived with, the report's path, the decision."""
    say(summary(document, folder), stream)


def say(lines: Iterable[Text], stream: TextIO | None = None) -> None:
    """Print lines to standard output, or `stream`."""
    # Lines are never wrapped here: paths and commands stay whole, to be clicked and copied.
    console = _Stream(file=stream or sys.stdout, markup=False, highlight=False, soft_wrap=True)
    for line in lines:
        console.print(line)


def summary(document: Document, folder: Path) -> Iterator[Text]:
    """Yield the lines `show` prints."""
    for found in document.get("findings", ()):
        yield Text(told(found), style="bold magenta")
    problems = document["data"]["problems"]
    if problems:
        first = f"the first: {problems[0]['path']}: {problems[0]['reason']}"
        yield Text(plain(f"{count(len(problems), 'problem')} with the data, {first}"), style="yellow")
    found = [row for word in ("ERROR", "FAIL") for row in document["verdicts"] if row["outcome"] == word]
    wanted = [row for row in found if row["blocks"]]
    alike = _by_reason(wanted)
    for row, *others in alike[:MOST_BLOCKS]:
        yield from _styled(block(row, document, folder))
        if others:
            yield from _styled([f"  the same of {few([title(other, document) for other in others])}"])
    for row in (row for rows in alike[MOST_BLOCKS:] for row in rows):
        yield from _styled([f"{row['outcome']} {title(row, document)}   {finding(row, document)}"])
    for row in document["verdicts"]:
        if row["outcome"] == "UNSURE":
            yield from _styled(block(row, document, folder))
    for row in found:
        if not row["blocks"]:
            lines = [f"{row['outcome']} {title(row, document)}   {finding(row, document)}"]
            yield from _styled([*lines, *(f"  {plain(note)}" for note in (row["reason"], lenience(row)) if note)])
    notes = [
        compared(document),
        teeth(document),
        *unearned(document),
        *map(left_out, document.get("left_out", ())),
        *scope(document),
    ]
    yield from (Text(note, style="yellow") for note in notes if note)
    if part(document):
        yield Text(f"judged in part: {part(document)}", style="yellow")
    path = folder / "index.html"
    link = f"link {path.absolute().as_uri()}"
    stale = outdated(document)
    yield Text.assemble("report  ", (plain(near(path)), link), f"  ({stale})" if stale else "")
    word = decision(document)
    yield Text.assemble((word, STYLES.get(word, "bold red")), f"  {counts(document)}    exit {document['exit_code']}")


def _by_reason(rows: Sequence[Row]) -> list[list[Row]]:
    """Return the rows one by one, but for those of ERROR, of which one reason often has many."""
    found: dict[object, list[Row]] = {}
    for row in rows:
        found.setdefault(row["reason"] if row["outcome"] == "ERROR" else row["id"], []).append(row)
    return list(found.values())


def block(row: Row, document: Document, folder: Path | None) -> list[str]:
    """Return the lines that explain one verdict; `folder` is where its report lies, None to name pages from there."""
    first = f"{row['outcome']} {title(row, document)}"
    notes = [row["reason"], row["next_step"]]
    if row["outcome"] == "PASS":
        return [f"{first}   {finding(row, document)}", f"  {toothless(row)}"]
    if row["outcome"] == "UNSURE":
        # That the interval lies on both sides is what the word says.
        said = [] if notes[0] == STRADDLES else notes[:1]
        shown = [*said, *notes[1:], lenience(row), toothless(row)]
        return [f"{first}   {finding(row, document)}", *(f"  {plain(note)}" for note in shown if note)]
    value = [] if row["outcome"] == "ERROR" else [f"  {finding(row, document)}"]
    where = page(row, document)
    evidence = where if folder is None else near(folder / where)
    written = [f"  limit   {place(row)}"] if row["place"] else []
    return [
        first,
        *value,
        *(f"  {plain(note)}" for note in (*notes, lenience(row), toothless(row)) if note),
        f"  {'see' if row['kind'] == 'cost' else words(document).view:<6}  {plain(evidence)}",
        f"  rerun   {rerun(row, document)}",
        *written,
    ]


def _styled(lines: Sequence[str]) -> Iterator[Text]:
    for line in lines:
        text = Text(line)
        word = line.partition(" ")[0]
        if word in STYLES:
            text.stylize(STYLES[word], 0, len(word))
        yield text


def _clock(seconds: float | None) -> str:
    whole = round(seconds or 0.0)
    return f"{whole // 60}:{whole % 60:02d}"
