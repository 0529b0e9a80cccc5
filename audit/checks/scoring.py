"""How faithful maps are: every score, for every fill, beside what the same maps put elsewhere come to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from audit.checks.explainer import Explainer
from audit.explained import Explained
from audit.record import CHANCE, Record
from audit.suite import Use, known, measures_of


@dataclass(frozen=True)
class Score:
    """One faithfulness method with one fill, named as in records: `deletion/mean`, `road`."""

    measure: str
    use: Use
    fill: str | None

    def of(self, explained: Explained, rng: Any) -> Tensor:
        """Return one number per map, (n,)."""
        own = {**self.use.parameters, **({} if self.fill is None else {"fill": self.fill})}
        return known(self.use).load()(explained, rng, **own).detach().double().cpu()

    @property
    def has_chance(self) -> bool:
        """Whether the same maps put elsewhere say what the score is by chance."""
        return bool(known(self.use).facts["chance"])


def scores_of(uses: Sequence[Use]) -> list[Score]:
    """Return every score that these faithfulness methods make."""
    return [Score(measure, use, measure.partition("/")[2] or None) for use in uses for measure in measures_of(use)]


def scored(explainer: Explainer, indices: Sequence[int], values: Tensor, moved: Sequence[Tensor]) -> Iterator[Record]:
    """Yield every score of a method's maps (n, ...), and the mean score of the same maps `moved` elsewhere."""
    check, session = explainer.check, explainer.session
    explained = explainer.explained(indices, values)
    for score in scores_of(check.faithfulness):

        def drawn(maps: Tensor, name: str, score: Score = score) -> Tensor:
            rng = session.rng(indices, check.id, "hide", name, score.measure)
            return score.of(replace(explained, values=maps), rng)

        own = drawn(values, explainer.name)
        yield from session.scores(check, explainer.name, score.measure, check.masked, indices, own)
        if score.has_chance:
            by_chance = [drawn(maps, f"{explainer.name}-{turn}") for turn, maps in enumerate(moved)]
            mean = torch.stack(by_chance).mean(0)
            yield from session.scores(check, explainer.name, f"{CHANCE}/{score.measure}", check.masked, indices, mean)


def scored_at_random(explainer: Explainer, rankings: Sequence[Tensor], indices: Sequence[int]) -> Iterator[Record]:
    """Yield the mean score of random maps (n, ...), one set after the other, for scores that chance can have."""
    check, session = explainer.check, explainer.session
    explained = explainer.explained(indices, rankings[0])
    for score in scores_of(check.faithfulness):
        if score.has_chance:
            found = [
                score.of(
                    replace(explained, values=ranking),
                    session.rng(indices, check.id, "hide", f"{explainer.name}-{turn}", score.measure),
                )
                for turn, ranking in enumerate(rankings)
            ]
            mean = torch.stack(found).mean(0)
            yield from session.scores(check, explainer.name, score.measure, check.masked, indices, mean)
