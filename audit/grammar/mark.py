"""A place in a file, and errors that point at it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from audit.errors import SuiteError

LONGEST_SOURCE = 200


@dataclass(frozen=True)
class Mark:
    """Where something is written: line and column from 1, its width on that line, and the line itself."""

    path: Path
    line: int
    column: int
    width: int
    source: str

    def error(self, message: str) -> SuiteError:
        """Return an error that prints this place with a mark under it."""
        # A tab is one column, and what steers a terminal must not reach it.
        source = "".join(
            c if c.isprintable() else " " if c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in self.source
        )
        if len(source) > LONGEST_SOURCE:
            source = source[: max(LONGEST_SOURCE, self.column + self.width)] + " ..."
        return SuiteError(message, path=self.path, line=self.line, column=self.column, source=source, width=self.width)


def marked(path: Path, lines: list[str], line: int, column: int, width: int) -> Mark:
    """Return the mark for a line and column from 0; the width ends with the line."""
    source = lines[line] if line < len(lines) else ""
    return Mark(path, line + 1, column + 1, max(1, min(width, len(source) - column)), source)
