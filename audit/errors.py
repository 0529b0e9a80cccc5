"""Every error this package raises on purpose, drawn as a tree.

AuditError                 could not judge                                  exit 3
├── UsageError             the command or the call is wrong                 exit 2
│   └── SuiteError         a suite or a manifest is wrong: file:line:column exit 2
├── ModelError             the model cannot be loaded or called
│   ├── ModelRaisedError   the model's own code raised
│   └── UntrustedError     a file that could run code, without declared trust
├── DataError              the data cannot be read or split as declared
└── MethodError            a method cannot be applied to this model or input
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path


class AuditError(Exception):
    """Something kept the audit from judging; the message says where, what, and what to do."""

    exit_code = 3


class UsageError(AuditError):
    """The command line, or a call from Python, asks for something that does not exist."""

    exit_code = 2


class SuiteError(UsageError):
    """A suite or a manifest is wrong; prints `file:line:column`, the line, and a mark under it."""

    def __init__(
        self,
        message: str,
        *,
        path: Path | None = None,
        line: int | None = None,
        column: int | None = None,
        source: str | None = None,
        width: int = 1,
    ) -> None:
        self.message = message
        self.path, self.line, self.column = path, line, column
        where = ":".join(str(part) for part in (path, line, column) if part is not None)
        text = f"{where}: error: {message}" if where else message
        if source is not None and column is not None:
            text += f"\n  {source.rstrip()}\n  {' ' * (column - 1)}{'^' * max(width, 1)}"
        super().__init__(text)


class ModelError(AuditError):
    """The model cannot be loaded, or its outputs cannot be used."""


class ModelRaisedError(ModelError):
    """The model's own code raised: `__cause__` is what."""


class UntrustedError(ModelError):
    """The file could run code when opened, and the manifest does not say `trust: true`."""


class DataError(AuditError):
    """The data cannot be read, or a split of it is empty."""


class MethodError(AuditError):
    """A method cannot be applied to this model or input."""


def did_you_mean(given: object, allowed: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the nearest allowed name, or nothing where none is near."""
    near = difflib.get_close_matches(str(given), list(allowed), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


def first_line(error: BaseException) -> str:
    """Return what an error says, in one line."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def told(error: BaseException) -> str:
    """Return an error's kind and what it says, in one line: `ValueError: no such width`."""
    kind, line = type(error).__name__, first_line(error)
    return kind if line == kind else f"{kind}: {line}"
