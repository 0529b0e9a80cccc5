"""Saliency methods ranked by how much better than chance their scores are, beside random maps and the loudest cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from audit.report.interval import SHARES, Bar, Scale, bar, scale_of
from audit.report.measured import Measured
from audit.report.numbers import fixed, places, span
from audit.report.standing import Standing, standings
from audit.wording import spaced

Row = Mapping[str, Any]
RANDOM, ENERGY = "random", "energy"
OVER_CHANCE, OVER_ENERGY = "faithfulness_over_random", "faithfulness_over_energy"
FIRST = "probability_drop"
FILLS = ("mean", "floor", "noise", "blur")
SAYS: Mapping[str, str] = {
    FIRST: "the probability the predicted emotion loses when the most salient {share} of the input is hidden",
    "deletion": "the predicted emotion’s mean probability while cells are hidden, the most salient first",
    "insertion": "the predicted emotion’s mean probability while cells come back, the most salient first",
    "road": "the probability left without the least salient cells less that without the most salient",
    "infidelity": "the mean squared gap between what a map says a part is worth and what hiding it takes",
    "max_sensitivity": "the largest change of the map when the input hardly changes, relative to the map",
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
    """One method under one score: what its maps score, what the same maps score elsewhere ("" where not measured).

    `over` is the paired difference to that, `over_energy` to the loudest cells or strongest edges; both count what is
    better as more. `standing` is None where nothing was asked of the maps, as of a baseline.
    """

    method: str
    score: Measure
    chance: str
    over: Measure | None
    over_energy: Measure | None
    standing: Standing | None
    is_baseline: bool

    @property
    def is_struck(self) -> bool:
        """Whether its maps have not earned their place."""
        return self.standing is not None and not self.standing.is_earned


@dataclass(frozen=True)
class Ranking:
    """The methods under one score with one fill ("" where it takes none): the best first among those whose maps have
    earned their place, then the others, baselines last. `is_less` says that less of the score is better.
    """

    score: str
    fill: str
    says: str
    is_less: bool
    ranks: tuple[Rank, ...]

    @property
    def name(self) -> str:
        """The score and its fill: `deletion, mean`."""
        return f"{self.score}, {self.fill}" if self.fill else self.score

    @property
    def has_chance(self) -> bool:
        """Whether the same maps elsewhere were scored."""
        return any(rank.over for rank in self.ranks)

    @property
    def has_energy(self) -> bool:
        """Whether it was compared with the loudest cells or strongest edges."""
        return any(rank.over_energy for rank in self.ranks)

    @property
    def struck(self) -> list[Standing]:
        """The methods whose maps have not earned their place, with the reason."""
        return [rank.standing for rank in self.ranks if rank.is_struck and rank.standing is not None]


def rankings(measured: Measured, check: str, emotion: str | None = None) -> list[Ranking]:
    """Return one ranking per score and fill, the one that decides first."""
    rows = [row for row in measured.all(check, "faithfulness", emotion=emotion) if row["value"] is not None]
    found = []
    for name in dict.fromkeys(row["measure"] for row in rows):
        same = [row for row in rows if _score(row["measure"]) == _score(name)]
        own = [row for row in rows if row["measure"] == name]
        found.append(_ranking(measured, check, emotion, own, scale_of(same)))
    return found


def measure(row: Row, scale: Scale) -> Measure:
    """Return a metric's row as text and bar."""
    decimals = 2 if row["metric"] in SHARES else places([row["value"], *(row["interval"] or ())])
    return Measure(fixed(row["value"], decimals), span(row["interval"], decimals), row["n"], bar(row, scale))


def masked_share(measured: Measured, check: str) -> float | None:
    """Return the share of the input that is masked, None where the audit does not say."""
    row = measured.one(check, "faithfulness")
    return None if row is None else row["at"]


def _ranking(measured: Measured, check: str, emotion: str | None, own: list[Row], scale: Scale) -> Ranking:
    name = own[0]["measure"]
    chance = _of(measured.all(check, "chance", emotion=emotion), name)
    over = _of(measured.all(check, OVER_CHANCE, emotion=emotion), name)
    over_energy = _of(measured.all(check, OVER_ENERGY, emotion=emotion), name)
    differences = scale_of([*over.values(), *over_energy.values()])
    stands = standings(measured.document, check)
    is_less = _is_less(measured, check, name)
    ranks = [
        Rank(
            method=row["method"],
            score=measure(row, scale),
            chance=fixed(chance[row["method"]]["value"], 2) if row["method"] in chance else "",
            over=_known(over.get(row["method"]), differences),
            over_energy=_known(over_energy.get(row["method"]), differences),
            standing=stands.get(row["method"]),
            is_baseline=row["method"] in (RANDOM, ENERGY) and row["method"] not in stands,
        )
        for row in own
    ]
    better = {row["method"]: -row["value"] if is_less else row["value"] for row in own}
    better |= {method: row["value"] for method, row in over.items()} if over else {}
    ranks.sort(key=lambda rank: (rank.is_baseline, rank.method == RANDOM, rank.is_struck, -better[rank.method]))
    score, fill = _score(name), name.partition("/")[2] or (name if name in FILLS else "")
    share = masked_share(measured, check)
    says = SAYS.get(score, "").format(share="part" if share is None else f"{100 * share:g}%")
    return Ranking(spaced(score), fill, says, is_less, tuple(ranks))


def _score(measure_: str) -> str:
    # Older audits name a drop of the probability by its fill alone.
    return FIRST if measure_ in FILLS else measure_.partition("/")[0]


def _of(rows: Iterable[Row], name: str) -> dict[str, Row]:
    return {row["method"]: row for row in rows if row["measure"] == name and row["value"] is not None}


def _is_less(measured: Measured, check: str, name: str) -> bool:
    """Return whether less of a score is better: whether a difference that counts what is better as more is turned."""
    values = _of(measured.all(check, "faithfulness"), name)
    turned = 0.0
    for metric, others in (
        (OVER_CHANCE, _of(measured.all(check, "chance"), name)),
        (OVER_ENERGY, dict.fromkeys(values, values.get(ENERGY))),
    ):
        for method, row in _of(measured.all(check, metric), name).items():
            other = others.get(method)
            if other is not None and method in values and row["n"] == values[method]["n"] == other["n"]:
                turned += row["value"] * (values[method]["value"] - other["value"])
    return turned < 0


def _known(row: Row | None, scale: Scale) -> Measure | None:
    return None if row is None else measure(row, scale)
