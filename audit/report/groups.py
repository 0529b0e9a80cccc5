"""How the values of each column of the data fare on clean clips, and whether that is more than chance makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from audit.estimator import Estimator
from audit.groups import columns, gap
from audit.report.interval import Bar, bar
from audit.report.measured import Measured
from audit.report.numbers import fixed, span
from audit.suite import Decide
from audit.wording import words

UNLIKELY = 0.95


@dataclass(frozen=True)
class Share:
    """The accuracy, or an emotion's recall, of one value's clips."""

    name: str
    value: str
    interval: str
    n: int
    bar: Bar | None


@dataclass(frozen=True)
class Column:
    """The values of one column, the lowest first, and what their largest gap `says`; `aside` have too few clips."""

    name: str
    says: str
    shares: tuple[Share, ...]
    aside: Mapping[str, int]


class Fares:
    """How groups fare on the clean clips of an audit."""

    def __init__(self, records: pd.DataFrame, measured: Measured) -> None:
        how, model = measured.document["decide"], measured.document["model"]
        clean = records[(records["check"] == "clean") & (records["measure"] == "")]
        self._decide = Decide(confidence=how["confidence"], cluster=how["cluster"], seed=how["seed"])
        self._estimator = None if clean.empty else Estimator(clean, model["emotions"], {}, self._decide)
        self._noun = words(measured.document).noun

    def across(self, emotion: str | None = None) -> list[Column]:
        """Return every column that groups the clips, with accuracy or, for an emotion, recall."""
        if self._estimator is None:
            return []
        found = (self._column(self._estimator, name, emotion) for name in columns(self._estimator))
        return [column for column in found if column is not None]

    def _column(self, estimator: Estimator, name: str, emotion: str | None) -> Column | None:
        metric = "accuracy_gap" if emotion is None else "recall_gap"
        largest = gap(estimator, "clean", metric, name, emotion=emotion)
        block, found = largest.widest, largest.found
        if block is None or found.value is None or found.interval is None:
            return None
        shares = []
        for member in block.members:
            interval = block.interval(member, self._decide.confidence)
            drawn = bar({"value": member.value, "interval": interval, "metric": "recall"}, (0.0, 1.0))
            shares.append(Share(member.name, fixed(member.value, 2), span(interval, 2), member.n, drawn))
        chance = largest.by_chance(UNLIKELY)
        assert chance is not None
        low, high = block.members[0].name, block.members[-1].name
        apart = (
            f"Largest gap {fixed(found.value, 2)} ({span(found.interval, 2)}), from {low} to {high}."
            if found.value > 0
            else f"No gap ({span(found.interval, 2)})."
        )
        few = f"Groups of so many {self._noun}s that do not differ show a gap of up to {fixed(chance, 2)} by chance"
        verdict = "this is larger" if found.value > chance else "this is no larger"
        lone = f" Each is one {self._decide.cluster}, whose own difference it may be." if block.lone else ""
        return Column(name, f"{apart} {few} (19 times in 20); {verdict}.{lone}", tuple(shares), block.aside)
