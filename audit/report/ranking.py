"""Saliency methods ranked by how faithful their maps are, beside chance and random masks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audit.report.interval import SHARES, Bar, Scale, bar, scale_of
from audit.report.measured import Measured
from audit.report.numbers import fixed, places, span

Row = Mapping[str, Any]
RANDOM = "random"
EXTRAS: Mapping[str, str] = {
    "localisation": "relevance inside the true region",
    "conservation": "largest conservation error",
    "absorbed": "relevance absorbed",
    "r2": "fit of the surrogate (R²)",
}


@dataclass(frozen=True)
class Measure:
    """One number with its interval, as text and as a bar."""

    value: str
    interval: str
    n: int
    bar: Bar | None


@dataclass(frozen=True)
class Rank:
    """One method: the probability its masks take, what the same masks take elsewhere ("" where not measured), and the
    difference, None for random masks.
    """

    method: str
    drop: Measure
    chance: str
    over: Measure | None

    @property
    def is_random(self) -> bool:
        """Whether these are the random masks the methods stand beside."""
        return self.method == RANDOM


@dataclass(frozen=True)
class Ranking:
    """The methods of one check under one fill, the most faithful first, random masks last.

    `extras` are (what, method, measure) of what a method measured of its own maps.
    """

    check: str
    fill: str
    ranks: tuple[Rank, ...]
    extras: tuple[tuple[str, str, Measure], ...]


def rankings(measured: Measured, check: str, emotion: str | None = None) -> list[Ranking]:
    """Return one ranking per fill, the fill the gates look at first; `extras` stand in the first alone."""
    rows = measured.all(check, "faithfulness", emotion=emotion)
    over = {(row["measure"], row["method"]): row for row in _over(measured, check, emotion)}
    chance = {
        (row["measure"], row["method"]): fixed(row["value"], 2)
        for row in measured.all(check, "chance", emotion=emotion)
        if row["value"] is not None
    }
    scales = (scale_of([r for r in rows if r["value"] is not None]), scale_of(over.values()))
    found: list[Ranking] = []
    for fill in dict.fromkeys(row["measure"] for row in rows):
        own = [row for row in rows if row["measure"] == fill and row["value"] is not None]
        compared = {row["method"]: over[fill, row["method"]] for row in own if (fill, row["method"]) in over}
        own.sort(key=lambda row: (row["method"] == RANDOM, -compared.get(row["method"], row)["value"]))
        ranks = tuple(
            Rank(
                row["method"],
                measure(row, scales[0]),
                chance.get((fill, row["method"]), ""),
                _known(compared.get(row["method"]), scales[1]),
            )
            for row in own
        )
        if ranks:
            found.append(Ranking(check, fill, ranks, () if found else _extras(measured, check, emotion)))
    return found


def measure(row: Row, scale: Scale) -> Measure:
    """Return a metric's row as text and bar."""
    decimals = 2 if row["metric"] in SHARES else places([row["value"], *(row["interval"] or ())])
    return Measure(fixed(row["value"], decimals), span(row["interval"], decimals), row["n"], bar(row, scale))


def masked_share(measured: Measured, check: str) -> float | None:
    """Return the share of the input that is masked, None where the audit does not say."""
    row = measured.one(check, "faithfulness")
    return None if row is None else row["at"]


def _over(measured: Measured, check: str, emotion: str | None) -> list[Row]:
    rows = measured.all(check, "faithfulness_over_random", emotion=emotion)
    return [row for row in rows if row["value"] is not None]


def _known(row: Row | None, scale: Scale) -> Measure | None:
    return None if row is None else measure(row, scale)


def _extras(measured: Measured, check: str, emotion: str | None) -> tuple[tuple[str, str, Measure], ...]:
    found = []
    for metric, what in EXTRAS.items():
        rows = [row for row in measured.all(check, metric, emotion=emotion) if row["value"] is not None]
        scale = scale_of(rows)
        found += [(what, row["method"], measure(row, scale)) for row in rows]
    return tuple(found)
