"""Whether an attack check says something of a model's robustness, or of the attack's failure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from audit.estimate import Estimate
from audit.estimator import Estimator
from audit.gate_id import Due
from audit.outcome import Cap, Outcome, Trial
from audit.record import SOUNDNESS
from audit.suite import Check

SMALLER_WHEN_LARGER = frozenset({"snr_db"})
TOLERATED = 0.05
"""The share of clips whose gradients or outputs may be of no use to an attack."""


@dataclass(frozen=True)
class Claim:
    """What must hold of a test's mean for robustness to be real: at most `most`; and what it means where it does not.

    `most` is None for chance. `told` and `remedy` are clauses.
    """

    most: float | None
    told: str
    remedy: str


MASKED = "attack it without gradients (square, transfer), or through a smooth stand-in for what hides them (BPDA)"
CLAIMS: Mapping[str, Claim] = {
    "broken": Claim(TOLERATED, "gradients are NaN or infinite", "mend what divides by zero or takes a logarithm of it"),
    "vanishing": Claim(TOLERATED, "gradients are zero: what rounds, quantises or saturates hides them", MASKED),
    "softmaxed": Claim(
        TOLERATED,
        "the outputs are probabilities already, and are made so twice",
        "say `activation: softmax` in the manifest, or let the model give logits",
    ),
    "saturated": Claim(
        TOLERATED,
        "the outputs are certain beyond what a number can hold",
        "judge the logits before whatever scales them; an attack sees no more of them than their sign",
    ),
    "iterative": Claim(0.0, "one step does better than many", MASKED),
    "black_box": Claim(0.0, "attacks that see answers alone do better than those that see gradients", MASKED),
    "unbounded": Claim(None, "clips stay right however far they may be changed", MASKED),
    "monotone": Claim(
        0.0,
        "more clips are right in a larger ball than in a smaller one",
        "list several attacks in `method:`, of which the strongest keeps what it found in smaller balls",
    ),
}


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
        most = 1 / len(estimator.emotions) if claim.most is None else claim.most
        if name == "monotone":
            yield from _monotone(check, estimator, claim)
            continue
        found = estimator.mean_score(check.id, SOUNDNESS, name)
        if found.value is not None:
            yield _trial(name, found, most, claim)


def _monotone(check: Check, estimator: Estimator, claim: Claim) -> Iterator[Trial]:
    """Yield the step to a larger ball that brings the most clips back, held against chance as one of all steps."""
    assert check.sweep is not None
    name, severities = check.sweep
    outward = sorted(severities, reverse=name in SMALLER_WHEN_LARGER)
    steps = list(pairwise(outward))
    strict = estimator.at_confidence(1 - (1 - estimator.decide.confidence) / max(len(steps), 1))
    tables = {at: estimator.predictions(check.id, at) for at in outward}
    rises = [(strict.lost(tables[second], tables[first]), first, second) for first, second in steps]
    known = [each for each in rises if each[0].interval is not None]
    if known:
        worst, first, second = max(known, key=lambda each: each[0].interval[0] if each[0].interval else 0.0)
        yield _trial("monotone", worst, 0.0, claim, f", from {name} {first:g} to {second:g}")


def _trial(name: str, found: Estimate, most: float, claim: Claim, where: str = "") -> Trial:
    low = found.interval[0] if found.interval else found.value
    outcome: Outcome = "PASS" if low is None or low <= most else "FAIL"
    span = f" ({found.interval[0]:.2f} to {found.interval[1]:.2f})" if found.interval else ""
    told = f"{found.value:.2f}{span} of {found.n} clips, at most {most:.2f}"
    reason = f"{claim.told}{where} ({told})" if outcome == "FAIL" else told
    return Trial(name, found.value, found.interval, found.n, None, most, outcome, reason)
