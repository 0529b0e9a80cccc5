"""How a probe reads in a terminal of any width, and in a pipe."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator, Sequence
from typing import TextIO

from rich.console import Console
from rich.text import Text

from audit.probing.causes import Warned
from audit.probing.probe import Answered, Probe
from audit.wording import plain

LEAST, CELL = 4, 5
RIGHT, WRONG = "*", "!"
NARROWEST = 30
MOST_PROBLEMS = 3


class Page(Console):
    """Standard output, or another stream, as wide as it is; a pipe is as wide as its longest line."""

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__(file=stream or sys.stdout, markup=False, highlight=False, soft_wrap=True)

    @property
    def columns(self) -> int | None:
        """Characters that fit in a line, None for a pipe."""
        return max(self.width, NARROWEST) if self.is_terminal else None

    def on_broken_pipe(self) -> None:
        """Leave a closed pipe to the command."""
        raise BrokenPipeError


def show(found: Probe, page: Page) -> None:
    """Print a probe: whose answers, the probability of every emotion for each clip, accuracy, warnings."""
    for line in lines(found, page.columns):
        page.print(line)


def lines(found: Probe, width: int | None) -> Iterator[Text]:
    """Yield the lines of a probe, none longer than `width` but those that hold one long word."""
    data = found.data
    where = f"{data['root']} as {data['layout']}" if data["root"] else data["layout"]
    about = f"Model {found.model} ({found.loader})   Data {where}, {data['n']:,} clips"
    yield from folded(about, width, "  ")
    if found.note:
        yield from folded(found.note, width, "  ", first="  ")
    yield Text()
    yield from answers(found.clips, width)
    yield from folded(f"{RIGHT} predicted, and right   {WRONG} predicted, and wrong", width, "")
    yield Text()
    low, high = found.interval
    yield from folded(
        f"accuracy {found.accuracy:.2f} (95% CI {low:.2f}-{high:.2f}) on {found.n:,} of {data['n']:,} clips; "
        f"guessing gets {found.chance:.2f}",
        width,
        "  ",
    )
    if data["rename"]:
        names = ", ".join(f"{old} as {new}" for old, new in data["rename"].items())
        yield from folded(f"the data's emotions are read by other names: {names}", width, "  ")
    if data["left_out"]:
        others = ", ".join(f"{count:,} {emotion}" for emotion, count in data["left_out"].items())
        yield from folded(f"clips of emotions that the model does not know are left out: {others}", width, "  ")
    if data["unseen"]:
        yield from folded(f"emotions of the model that no clip shows: {', '.join(data['unseen'])}", width, "  ")
    problems = data["problems"]
    for problem in problems[:MOST_PROBLEMS]:
        yield from folded(f"problem: {problem['path']}: {problem['reason']}", width, "  ")
    if len(problems) > MOST_PROBLEMS:
        yield Text(f"and {len(problems) - MOST_PROBLEMS:,} more problems with the data")
    for warned in found.warnings:
        yield from warning(warned, width)
    if not found.warnings:
        yield Text("no warning", style="green")


def answers(clips: Sequence[Answered], width: int | None) -> Iterator[Text]:
    """Yield a row per clip: a table with whole names where it fits, with short ones, with paths above, or a list."""
    names = [plain(name) for name in clips[0].probabilities]
    brief = shortened(names)
    for shown, gap, above in ((names, 2, False), (brief, 1, False), (names, 2, True), (brief, 1, True)):
        rows = list(_rows(clips, shown, gap, above=above))
        if width is None or max(len(row) for row in rows) <= width:
            yield from rows
            return
    for row in clips:
        yield from folded(f"{row.clip}  {row.emotion}", width, "  ")
        line = Text(" ")
        for emotion in row.probabilities:
            word = f" {plain(emotion)} {_cell(row, emotion)}"
            if len(line) + len(word) > (width or 0) and len(line) > 1:
                yield line
                line = Text(" ")
            line.append(word, style=_style(row, emotion))
        yield line


def _rows(clips: Sequence[Answered], names: Sequence[str], gap: int, *, above: bool) -> Iterator[Text]:
    """Yield a table; with `above`, each path stands on a line of its own."""
    paths = [plain(row.clip) for row in clips]
    truths = [plain(row.emotion) for row in clips]
    first = 2 if above else max(map(len, (*paths, "file"))) + 2
    second = max(map(len, (*truths, "true")))
    cells = [gap + max(len(name), CELL) for name in names]
    head = "".join(f"{' ' * gap + name:<{cell}}" for name, cell in zip(names, cells, strict=True))
    yield Text(f"{'' if above else 'file':<{first}}{'true':<{second}}{head}".rstrip(), style="bold")
    for row, path, truth in zip(clips, paths, truths, strict=True):
        if above:
            yield Text(path)
        line = Text(f"{'  ' if above else path:<{first}}{truth:<{second}}")
        for emotion, cell in zip(row.probabilities, cells, strict=True):
            line.append(" " * gap)
            line.append(f"{_cell(row, emotion):<{cell - gap}}", style=_style(row, emotion))
        line.rstrip()
        yield line


def shortened(names: Sequence[str]) -> list[str]:
    """Return the names cut to the fewest letters, at least four, that tell them apart."""
    longest = max(map(len, names), default=0)
    for length in range(LEAST, longest):
        cut = [name[:length] for name in names]
        if len(set(cut)) == len(cut):
            return cut
    return list(names)


def warning(warned: Warned, width: int | None) -> Iterator[Text]:
    """Yield the lines of a warning: what, then each cause with what was found out about it."""
    head, *rest = folded(f"WARNING {warned.message}", width, "  ")
    head.stylize("bold yellow", 0, len("WARNING"))
    yield head
    yield from rest
    room = max((len(cause.cause) for cause in warned.causes), default=0)
    for cause in warned.causes:
        # In a narrow terminal a column of its own for the names would leave no room for what is said.
        aside = width is None or width >= 2 * NARROWEST
        first = f"  {cause.cause:<{room}}  " if aside else f"  {cause.cause}: "
        for line in folded(cause.finding, width, " " * len(first) if aside else "    ", first=first):
            if cause.accuracy is not None:
                line.stylize("bold")
            yield line


def _cell(row: Answered, emotion: str) -> str:
    mark = "" if emotion != row.predicted else RIGHT if emotion == row.emotion else WRONG
    return f"{row.probabilities[emotion]:.2f}{mark}"


def _style(row: Answered, emotion: str) -> str:
    if emotion != row.predicted:
        return ""
    return "bold green" if emotion == row.emotion else "bold red"


def folded(text: str, width: int | None, indent: str, first: str = "") -> list[Text]:
    """Return a text as lines of at most `width`, `first` before it and `indent` before each but the first."""
    if width is None:
        return [Text(first + plain(text))]
    parts = textwrap.wrap(
        plain(text),
        width,
        initial_indent=first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [Text(line) for line in parts]
