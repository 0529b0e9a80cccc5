"""Counts what an audit costs: samples forward, samples backward, and seconds inside the model."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Cost:
    """Passes and seconds, for a whole audit or one check."""

    forward_samples: int = 0
    backward_samples: int = 0
    model_seconds: float = 0.0
    wall_seconds: float = 0.0


@dataclass
class Ledger:
    """The running account; everything is booked on the check whose name `during` set."""

    by_check: dict[str, Cost] = field(default_factory=dict)
    _current: str = "setup"
    _since: float | None = None

    @contextmanager
    def during(self, check: str) -> Iterator[Cost]:
        """Book all that happens inside on `check`, wall time included; one inside another, on the inner alone."""
        outer = self._current if self._since is not None else None
        self._book_time()
        before, self._current = self._current, check
        try:
            yield self.by_check.setdefault(check, Cost())
        finally:
            self._book_time()
            self._current = before
            if outer is None:
                self._since = None

    def _book_time(self) -> None:
        now = time.perf_counter()
        if self._since is not None:
            self.by_check.setdefault(self._current, Cost()).wall_seconds += now - self._since
        self._since = now

    def add(self, *, forward: int = 0, backward: int = 0, seconds: float = 0.0) -> None:
        """Book passes on the current check."""
        cost = self.by_check.setdefault(self._current, Cost())
        cost.forward_samples += forward
        cost.backward_samples += backward
        cost.model_seconds += seconds

    @contextmanager
    def passes(self, *, forward: int = 0, backward: int = 0) -> Iterator[None]:
        """Book passes and the seconds they take."""
        start = time.perf_counter()
        yield
        self.add(forward=forward, backward=backward, seconds=time.perf_counter() - start)

    @property
    def total(self) -> Cost:
        """The sum over all checks."""
        total = Cost()
        for cost in self.by_check.values():
            total.forward_samples += cost.forward_samples
            total.backward_samples += cost.backward_samples
            total.model_seconds += cost.model_seconds
            total.wall_seconds += cost.wall_seconds
        return total
