"""What an audit tells of its progress while it runs, and to whom."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Whoever watches an audit; the checks come one after the other, each between `begin` and `end`."""

    def announce(self, line: str) -> None:
        """What is judged on what is known, before the first check: one line."""

    def begin(self, check: str, total: int) -> None:
        """A check starts that will make `total` steps."""

    def advance(self, n: int) -> None:
        """`n` more steps of the current check are done."""

    def end(self) -> None:
        """The current check is done."""


class Unwatched:
    """Progress that nobody watches."""

    def announce(self, line: str) -> None:
        """Say nothing."""

    def begin(self, check: str, total: int) -> None:
        """Say nothing."""

    def advance(self, n: int) -> None:
        """Say nothing."""

    def end(self) -> None:
        """Say nothing."""
