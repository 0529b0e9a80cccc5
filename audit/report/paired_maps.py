"""The saliency methods of two audits side by side, score by score."""

from __future__ import annotations

from dataclasses import dataclass

from audit.comparison.compare import Comparison
from audit.report.measured import Measured
from audit.report.ranking import Rank, Ranking, rankings


@dataclass(frozen=True)
class Scored:
    """One score of the maps: each method as A and as B rank it, None where one of them has no such maps."""

    name: str
    says: str
    is_less: bool
    has_chance: bool
    methods: tuple[tuple[str, Rank | None, Rank | None], ...]


def paired_maps(found: Comparison) -> dict[str, list[Scored]]:
    """Return the scores of every saliency check that both audits have with equal settings."""
    sides = [Measured(audit.document) for audit in (found.a, found.b)]
    checks = [check for check in sides[1].checks("saliency") if not found.is_refused(check)]
    return {
        check: _scores(*({each.name: each for each in rankings(side, check)} for side in sides)) for check in checks
    }


def _scores(a: dict[str, Ranking], b: dict[str, Ranking]) -> list[Scored]:
    return [_scored(ranking, a.get(name)) for name, ranking in b.items() if name in a]


def _scored(b: Ranking, a: Ranking | None) -> Scored:
    in_a = {rank.method: rank for rank in a.ranks} if a is not None else {}
    in_b = {rank.method: rank for rank in b.ranks}
    names = dict.fromkeys([*in_b, *in_a])
    methods = tuple((name, in_a.get(name), in_b.get(name)) for name in names)
    return Scored(b.name, b.says, b.is_less, b.has_chance, methods)
