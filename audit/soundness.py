"""Whether an attack check says something of a model's robustness, or of the attack's failure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit import bounds
from audit.estimate import Estimate
from audit.estimator import Estimator
from audit.gate_id import Due
from audit.outcome import Cap, Outcome, Trial
from audit.outward import outward
from audit.record import SOUNDNESS
from audit.suite import Check

TOLERATED = 0.05
"""The share of clips on which gradients or outputs may be of no use to an attack, or it may do worse by chance."""

ENOUGH = 20
"""Of fewer inputs than these a test that found too much decides nothing by an interval that is wide anyway."""


@dataclass(frozen=True)
class Claim:
    """What must hold of the share of clips a test counts for robustness to be real: at most `most`, None for chance.

    `told` says what it means where it does not, and `remedy` what to do; both are clauses.
    """

    told: str
    remedy: str
    most: float | None = TOLERATED


MASKED = "attack it without gradients (square, transfer), or through a smooth stand-in for what hides them (BPDA)"
SEVERAL = "list several attacks in `method:`, of which the strongest keeps what any found in a smaller ball"
CLAIMS: Mapping[str, Claim] = {
    "randomised": Claim(
        "asked twice about one input, the model gives two answers: no gradient is that of the next",
        "switch off what draws at random, or attack the mean of many answers (expectation over transformation)",
    ),
    "broken": Claim("gradients are NaN or infinite", "mend what divides by zero or takes a logarithm or root of it"),
    "vanishing": Claim("gradients are zero: what rounds, quantises or saturates hides them", MASKED),
    "softmaxed": Claim(
        "the outputs are probabilities already, and are made so twice",
        "say `activation: softmax` in the manifest, or let the model give logits",
    ),
    "saturated": Claim(
        "the outputs are certain beyond what a number can hold",
        "judge the logits before whatever scales them up",
    ),
    "iterative": Claim("one step finds what many do not: gradients lead nowhere", MASKED),
    "black_box": Claim("answers alone find what gradients do not", MASKED),
    "unbounded": Claim("inputs stay right however far they may be changed", MASKED, most=None),
    "outdone": Claim("noise, or one step, of that size finds what the check's own attacks do not", SEVERAL),
    "monotone": Claim("more inputs are right in a larger ball than in a smaller one", SEVERAL, most=0.0),
}
UNTESTED = "let an attack by gradients run on the model, on inputs that it recognises"


@dataclass(frozen=True)
class Soundness:
    """The tests of one attack check; `untested` says why they could not be made."""

    check: str
    trials: tuple[Trial, ...]
    untested: str = ""

    @property
    def outcome(self) -> Outcome:
        """UNSURE where a test says that an attack failed, or none could be made; else PASS."""
        failed = self.untested or any(trial.outcome != "PASS" for trial in self.trials)
        return "UNSURE" if failed else "PASS"

    @property
    def reason(self) -> str:
        """Why robustness is not shown, in a clause; empty where it is as the curves say."""
        if self.untested:
            return f"whether its gradients are masked could not be tested: {self.untested}"
        return "; ".join(trial.reason for trial in self.trials if trial.outcome != "PASS")

    @property
    def remedy(self) -> str:
        """What to do, in a clause."""
        if self.untested:
            return UNTESTED
        failed = [trial.name for trial in self.trials if trial.outcome != "PASS"]
        return CLAIMS[failed[0]].remedy if failed else ""


def soundness_of(check: Check, estimator: Estimator, untested: str = "") -> Soundness:
    """Return what the tests of an attack check say."""
    return Soundness(check.id, () if untested else tuple(_trials(check, estimator)), untested)


def caps_of(found: Sequence[Soundness]) -> Callable[[Due], Sequence[Cap]]:
    """Return what keeps a gate on robustness from passing: nothing where the check's tests are sound."""
    by_check = {each.check: each for each in found if each.outcome != "PASS"}

    def caps(due: Due) -> Sequence[Cap]:
        each = by_check.get(due.check.id)
        return () if each is None else (Cap("UNSURE", f"robustness is not shown: {each.reason}", each.remedy),)

    return caps


def _trials(check: Check, estimator: Estimator) -> Iterator[Trial]:
    for name, claim in CLAIMS.items():
        found = list(_rises(check, estimator) if name == "monotone" else _shares(check, estimator, name))
        if found:
            worst, where = max(found, key=lambda each: _low(each[0]))
            yield _trial(name, worst, claim, 1 / len(estimator.emotions), where)


def _shares(check: Check, estimator: Estimator, name: str) -> Iterator[tuple[Estimate, str]]:
    """Yield the share of clips that a test counts, of the clips as they are or at each severity it was made at."""
    assert check.sweep is not None
    measure = "simple" if name == "outdone" else name
    for key in estimator.keys:
        if key[:3] != (check.id, SOUNDNESS, measure):
            continue
        at = key[3]
        table = estimator.tables.scores(*key)
        assert table is not None
        counted = (table["score"] > 0).to_numpy()
        if name == "outdone":
            own = estimator.predictions(check.id, at).loc[table.index]
            counted = ~counted & (own["emotion"] == own["predicted"]).to_numpy()
        yield _share(estimator, table, counted), f", at {check.sweep[0]} {at:g}" if math.isfinite(at) else ""


def _share(estimator: Estimator, table: pd.DataFrame, counted: NDArray[np.bool_]) -> Estimate:
    rows = np.column_stack([np.ones(len(table)), counted]).astype(np.float64)
    return estimator.estimated(rows, table, lambda sums: sums[..., 1] / sums[..., 0], bounds.of_share)


def _rises(check: Check, estimator: Estimator) -> Iterator[tuple[Estimate, str]]:
    """Yield what share of the clips each step to a larger ball brings back, each held against chance as one of all.

    An attack of one step that goes too far leaves a model that calls everything one emotion, which is no robustness:
    steps to what a guesser reaches do not count.
    """
    assert check.sweep is not None
    parameter, severities = check.sweep
    steps = list(pairwise(outward(parameter, severities)))
    strict = estimator.at_confidence(1 - (1 - estimator.decide.confidence) / max(len(steps), 1))
    chance = 1 / len(estimator.emotions)
    for smaller, larger in steps:
        reached = estimator.predicted(check.id, "accuracy", at=larger)
        back = strict.lost(estimator.predictions(check.id, larger), estimator.predictions(check.id, smaller))
        if back.value is None:
            continue
        if _low(reached) <= chance:
            back = replace(back, value=min(back.value, 0.0), interval=None)
        yield back, f", from {parameter} {smaller:g} to {larger:g}"


def _low(found: Estimate) -> float:
    """Return the lower end of an interval; of what has none, the value: nothing says that it is smaller."""
    if found.interval is not None:
        return found.interval[0]
    return found.value if found.value is not None else 0.0


def _trial(name: str, found: Estimate, claim: Claim, chance: float, where: str) -> Trial:
    most = chance if claim.most is None else claim.most
    outcome: Outcome = "PASS" if _low(found) <= most else "FAIL"
    if outcome == "PASS" and found.n < ENOUGH and (found.value or 0.0) > most:
        outcome = "UNSURE"
    span = f" ({found.interval[0]:.2f} to {found.interval[1]:.2f})" if found.interval else ""
    told = f"{found.value:.2f}{span} of {found.n} inputs, at most {most:.2f}"
    perhaps = "perhaps " if outcome == "UNSURE" else ""
    reason = told if outcome == "PASS" else f"{perhaps}{claim.told}{where} ({told})"
    return Trial(name, found.value, found.interval, found.n, None, most, outcome, reason)
