"""Regions that a suite suspects, and in which a trusted method finds more relevance than chance would put there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from audit.estimator import Estimator
from audit.record import CHANCE
from audit.standing import Standing
from audit.suite import Check

BY_FAR = 1.5


@dataclass(frozen=True)
class Shortcut:
    """What the maps of one method give a suspected region in the clips of one emotion, or of all (None).

    `share` is the part of their relevance that lies there, `chance` that of the same maps put elsewhere, `interval`
    that of the difference.
    """

    finding: str
    check: str
    method: str
    region: str
    emotion: str | None
    share: float
    chance: float
    interval: tuple[float, float]
    clips: int

    def __str__(self) -> str:
        """Return what was seen and what to do."""
        low, high = self.interval
        where = f"of {self.emotion}, " if self.emotion is not None else ""
        return (
            f"{self.method} finds a shortcut: {where}{self.share:.0%} of the relevance lies in region {self.region!r}, "
            f"where chance puts {self.chance:.0%} (difference {low:.0%} to {high:.0%}, {self.clips} clips); take what "
            "lies there out of the training data, or out of the input, and audit again"
        )


def found(checks: Sequence[Check], estimator: Estimator, standings: Sequence[Standing]) -> Iterator[Shortcut]:
    """Yield every shortcut that a method whose maps have earned their place finds.

    It is told of all clips, or of the emotion that has by far the most of it. As many emotions are looked at, the wider
    intervals are (Bonferroni), so that looking often finds nothing that is not there.
    """
    stricter = estimator.at_confidence(1.0 - (1.0 - estimator.decide.confidence) / (1 + len(estimator.emotions)))
    earned = [(each.check, each.method) for each in standings if each.outcome == "PASS"]
    for check in checks:
        for method in (name for of, name in earned if of == check.id):
            for region in check.regions:
                seen = [
                    shortcut
                    for emotion in (None, *estimator.emotions)
                    if (shortcut := _looked_for(check, stricter, method, region.name, emotion)) is not None
                ]
                if seen:
                    overall = seen[0].share if seen[0].emotion is None else 0.0
                    most = max(seen, key=lambda shortcut: shortcut.share)
                    yield most if most.share > BY_FAR * overall else seen[0]


def _looked_for(check: Check, estimator: Estimator, method: str, region: str, emotion: str | None) -> Shortcut | None:
    measure, chance = f"localisation/{region}", f"{CHANCE}/localisation/{region}"
    over = estimator.mean_score(check.id, method, measure, emotion=emotion, minus=(method, chance))
    if over.interval is None or over.interval[0] <= 0:
        return None
    share = estimator.mean_score(check.id, method, measure, emotion=emotion).value
    by_chance = estimator.mean_score(check.id, method, chance, emotion=emotion).value
    assert share is not None
    assert by_chance is not None
    return Shortcut("shortcut", check.id, method, region, emotion, share, by_chance, over.interval, over.n)
