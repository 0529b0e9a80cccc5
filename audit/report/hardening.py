"""Where to harden: what an attack takes when it is held to the most, and to the least salient part of the input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from audit.estimate import Estimate
from audit.estimator import Estimator
from audit.report.interval import Bar, Scale, bar, scale_of
from audit.report.measured import Measured
from audit.report.numbers import fixed, places, short, span
from audit.report.ranking import masked_share
from audit.report.standing import Standing, standings
from audit.suite import Decide

CONFINED, SALIENT, LEAST = "confined", "salient", "least"


@dataclass(frozen=True)
class Fall:
    """What the attack takes from the true emotion's probability in one part of the input."""

    part: str
    value: str
    interval: str
    bar: Bar | None


@dataclass(frozen=True)
class Reach:
    """One method: the falls in its salient and its least salient part, and their paired difference.

    `further` is the part where the attack reaches further, "" where the difference's interval does not tell.
    """

    method: str
    standing: Standing | None
    falls: tuple[Fall, Fall]
    difference: str
    interval: str
    n: int
    further: str

    @property
    def is_struck(self) -> bool:
        """Whether its maps have not earned their place."""
        return self.standing is not None and not self.standing.is_earned


@dataclass(frozen=True)
class Hardening:
    """One emotion under one check's confined attack, the methods that have earned their place first.

    `part` names the share that each part holds, `attack` what was confined. The bars' scale has its zero at `zero`,
    None where it begins there, and ends at `end`.
    """

    attack: str
    part: str
    zero: float | None
    end: str
    reaches: tuple[Reach, ...]
    says: str


class Falls:
    """The records of confined attacks, with intervals as the audit's own."""

    def __init__(self, records: pd.DataFrame, measured: Measured) -> None:
        self._measured = measured
        document = measured.document
        decide = document["decide"]
        resolved = document["suite"]["resolved"].get("decide") or {}
        confined = records[records["measure"].astype(str).str.startswith(f"{CONFINED}/")]
        self._estimator = Estimator(
            confined,
            document["model"]["emotions"],
            {},
            Decide(
                confidence=float(decide["confidence"]),
                cluster=decide["cluster"],
                seed=int(decide["seed"]),
                bootstrap=int(resolved.get("bootstrap", Decide.bootstrap)),
            ),
        )

    def of(self, check: str, emotion: str) -> Hardening | None:
        """Return an emotion's figure; None where the check confined no attack, or has no recording of the emotion."""
        measured = self._measured
        rows = {
            (row["method"], row["measure"]): row
            for row in measured.all(check, CONFINED, emotion=emotion)
            if row["value"] is not None
        }
        methods = [method for method, part in rows if part == SALIENT and (method, LEAST) in rows]
        if not methods:
            return None
        scale = scale_of(rows.values())
        stands = standings(measured.document, check)
        reaches = [self._reach(check, emotion, method, rows, scale, stands.get(method)) for method in methods]
        best = measured.document["best_saliency"]["method"]
        reaches.sort(key=lambda reach: (reach.is_struck, reach.method != best))
        share = masked_share(measured, check)
        part = "part" if share is None else f"{100 * share:g}%"
        drawn = next((fall.bar for reach in reaches for fall in reach.falls if fall.bar), None)
        return Hardening(
            attack=self._attack(check, rows),
            part=part,
            zero=drawn.zero if drawn else None,
            end=fixed(scale[1], places(scale)),
            reaches=tuple(reaches),
            says=_sentence(reaches[0], part, emotion),
        )

    def _reach(
        self,
        check: str,
        emotion: str,
        method: str,
        rows: Mapping[tuple[str, str], Mapping[str, Any]],
        scale: Scale,
        standing: Standing | None,
    ) -> Reach:
        found = self._estimator.mean_score(
            check, method, f"{CONFINED}/{SALIENT}", emotion=emotion, minus=(method, f"{CONFINED}/{LEAST}")
        )
        parts = [rows[method, part] for part in (SALIENT, LEAST)]
        decimals = max(places([row["value"], *(row["interval"] or ())]) for row in parts)
        salient, least = (
            Fall(part, fixed(row["value"], decimals), span(row["interval"], decimals), bar(row, scale))
            for part, row in zip((SALIENT, LEAST), parts, strict=True)
        )
        decimals = places([found.value, *(found.interval or ())])
        return Reach(
            method=method,
            standing=standing,
            falls=(salient, least),
            difference=fixed(found.value, decimals),
            interval=span(found.interval, decimals),
            n=found.n,
            further=_further(found),
        )

    def _attack(self, check: str, rows: Mapping[tuple[str, str], Mapping[str, Any]]) -> str:
        confined = self._measured.entry(check).get(CONFINED)
        name = next(iter(confined), "attack") if isinstance(confined, Mapping) else str(confined or "attack")
        return f"{name} at epsilon {short(next(iter(rows.values()))['at'])}"


def _further(found: Estimate) -> str:
    if found.interval is None:
        return ""
    low, high = found.interval
    return SALIENT if low > 0 else LEAST if high < 0 else ""


def _sentence(first: Reach, part: str, emotion: str) -> str:
    if first.is_struck:
        return "No method has earned its place, so where its maps point says nothing of where to harden."
    parts = {SALIENT: f"most salient {part}", LEAST: f"least salient {part}"}
    told = f"{first.difference} ({first.interval}, n={first.n})"
    if not first.further:
        return (
            f"Whether the attack reaches further in the {parts[SALIENT]} that {first.method} finds or in the "
            f"{parts[LEAST]} is not decided: a difference of {told}."
        )
    other = LEAST if first.further == SALIENT else SALIENT
    advice = "harden there first" if first.further == SALIENT else "hardening what its map shows would not be enough"
    return (
        f"The attack reaches further in the {parts[first.further]} that {first.method} finds than in the "
        f"{parts[other]}: a difference of {told} of the probability of {emotion}; {advice}."
    )
