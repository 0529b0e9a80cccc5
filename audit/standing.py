"""Whether a saliency method's maps have earned their place: better than chance, of what was learned, and steady."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audit.estimate import Estimate
from audit.estimator import Estimator
from audit.gate_id import Due
from audit.grammar.gate_metrics import SHARE, SIGNED
from audit.outcome import Cap, Outcome, Trial
from audit.record import CHANCE, CONFINED, ENERGY, OTHER
from audit.suite import Check, Use, known


@dataclass(frozen=True)
class Standing:
    """One method of one check, and what its maps went through; `refused` says why it gave none."""

    check: str
    method: str
    trials: tuple[Trial, ...]
    refused: str = ""

    @property
    def outcome(self) -> Outcome:
        """FAIL where a trial failed, UNSURE where one did not decide, ERROR where there were no maps, else PASS.

        What could not be asked does not count.
        """
        if self.refused:
            return "ERROR"
        found = {trial.outcome for trial in self.trials}
        return "FAIL" if "FAIL" in found else "UNSURE" if "UNSURE" in found else "PASS"

    @property
    def reason(self) -> str:
        """Why the maps are not to be relied on, in a clause; empty where they are."""
        if self.refused:
            return self.refused
        return "; ".join(trial.reason for trial in self.against)

    @property
    def against(self) -> tuple[Trial, ...]:
        """The trials that say so, the first of every test: a test that fails twice has failed."""
        found: dict[str, Trial] = {}
        for trial in self.trials:
            if trial.outcome == self.outcome != "PASS":
                found.setdefault(trial.name.partition("/")[0], trial)
        return tuple(found.values())


def caps_of(found: Sequence[Standing]) -> Callable[[Due], Sequence[Cap]]:
    """Return what a method's standing makes of a gate on its maps: nothing where they have earned their place."""
    by_method = {(each.check, each.method): each for each in found if each.outcome != "PASS"}

    def caps(due: Due) -> Sequence[Cap]:
        standing = by_method.get((due.check.id, due.method))
        return () if standing is None else (_cap(standing, due.emotion),)

    return caps


def _cap(standing: Standing, emotion: str | None) -> Cap:
    method, outcome = standing.method, standing.outcome
    if outcome == "UNSURE":
        step = f"judge more clips (samples, sanity_samples), or leave {method} out: it has not earned its place"
    else:
        step = distrust(method, emotion)
    return Cap(outcome, f"{method}: {standing.reason}", step)


def distrust(method: str | None, emotion: str | None) -> str:
    """Return what to do about a method's maps that failed."""
    of_emotion = f" of {emotion}" if emotion else ""
    return f"do not rest a decision on {method} maps{of_emotion}; prefer the method this audit ranks first"


def standings(
    check: Check, estimator: Estimator, refused: Mapping[str, str], untested: Mapping[str, Mapping[str, str]]
) -> list[Standing]:
    """Return the standing of every method of a saliency check.

    `refused` says by method why it gave no maps, `untested`, by method and sanity test, why that could not be applied.
    """
    return [
        Standing(check.id, name, (), refused[name])
        if name in refused
        else Standing(check.id, name, tuple(_trials(check, name, estimator, untested.get(name, {}))))
        for name in (use.name for use in check.uses)
    ]


def over_chance(
    check: Check, estimator: Estimator, method: str, *, by: str | None = None, emotion: str | None = None
) -> Estimate:
    """Estimate how much better a method's score is than that of its own maps put elsewhere; more is better."""
    measure = check.measure(by)
    return better_than(check, estimator, method, measure, (method, f"{CHANCE}/{measure}"), emotion)


def over_energy(
    check: Check, estimator: Estimator, method: str, *, by: str | None = None, emotion: str | None = None
) -> Estimate:
    """Estimate how much better a method's score is than that of the loudest cells, or strongest edges."""
    measure = check.measure(by)
    return better_than(check, estimator, method, measure, (ENERGY, measure), emotion)


def better_than(
    check: Check,
    estimator: Estimator,
    method: str,
    measure: str,
    other: tuple[str, str] | tuple[str, str, float],
    emotion: str | None = None,
) -> Estimate:
    """Estimate how much better a method's score `measure` is than that of an `other` method and measure, in pairs."""
    sign = sign_of(check, measure)
    return estimator.mean_score(check.id, method, measure, emotion=emotion, minus=other, sign=sign)


def sign_of(check: Check, measure: str) -> int:
    """Return 1 where more of a faithfulness score is better, else -1."""
    (use,) = (use for use in check.faithfulness if use.name == measure.partition("/")[0])
    return 1 if known(use).facts["higher"] else -1


def _trials(check: Check, method: str, estimator: Estimator, untested: Mapping[str, str]) -> Iterator[Trial]:
    chance = over_chance(check, estimator, method)
    if chance.value is not None:
        score = check.measure().partition("/")[0].replace("_", " ")
        told = f"{score} {_shown(chance)} better than that of the same maps elsewhere"
        yield _trial("chance", chance, (0.0, None), ("does not beat chance", "not shown to beat chance"), told)
    for use in check.sanity:
        if use.name in untested:
            yield Trial(use.name, None, None, 0, None, None, "ERROR", untested[use.name])
        else:
            yield from _sanity(check, method, use, estimator)
    if CONFINED in untested:
        yield Trial(CONFINED, None, None, 0, None, None, "ERROR", untested[CONFINED])


def _sanity(check: Check, method: str, use: Use, estimator: Estimator) -> Iterator[Trial]:
    alike = bool(known(use).facts["alike"])
    # Ranks of cells that count for little are noise, and what ought to stay is the mask.
    asked = f"{'overlap' if alike else 'similarity'}/{use.name}"
    severities = [key[3] for key in estimator.keys if key[:3] == (check.id, method, asked)]
    if not severities:
        return
    test, last = use.name.replace("_", " "), severities[-1]
    found = estimator.mean_score(check.id, method, asked, at=last, values=SHARE if alike else SIGNED)
    ends = (_limit(use, "least"), None) if alike else (None, _limit(use, "most"))
    what = "its maps come out otherwise" if alike else "its maps hardly change"
    ways = (f"fails {test}: {what}", f"not shown to pass {test}: perhaps {what}")
    compared = "share of the mask that stays" if alike else "rank correlation"
    yield _trial(use.name, found, ends, ways, f"{compared} {_shown(found)}")
    if alike:
        return
    measure = check.measure()
    worth = better_than(check, estimator, method, measure, (method, f"{OTHER}/{use.name}", last))
    if worth.value is not None:
        what = "maps of a network that learned nothing are worth as much"
        ways = (f"fails {test}: {what}", f"not shown to pass {test}: perhaps {what}")
        score = measure.partition("/")[0].replace("_", " ")
        yield _trial(f"{use.name}/worth", worth, (0.0, None), ways, f"{score} {_shown(worth)} better than theirs")


def _trial(
    name: str, found: Estimate, ends: tuple[float | None, float | None], ways: tuple[str, str], told: str
) -> Trial:
    outcome = _outcome(found, *ends)
    reason = {"FAIL": f"{ways[0]} ({told})", "UNSURE": f"{ways[1]} ({told})"}.get(outcome, told)
    return Trial(name, found.value, found.interval, found.n, *ends, outcome, reason)


def _outcome(found: Estimate, least: float | None, most: float | None) -> Outcome:
    if found.value is None:
        return "ERROR"
    if found.interval is None:
        return "UNSURE"
    low, high = found.interval
    if low > (-math.inf if least is None else least) and high < (math.inf if most is None else most):
        return "PASS"
    return "FAIL" if (least is not None and high < least) or (most is not None and low > most) else "UNSURE"


def _limit(use: Use, name: str) -> float:
    parameter: Any = known(use).parameters[name]
    return float(use.parameters.get(name, parameter.default))


def _shown(found: Estimate) -> str:
    if found.value is None:
        return "unknown"
    interval = f" ({found.interval[0]:.3f} to {found.interval[1]:.3f})" if found.interval else ""
    return f"{found.value:.3f}{interval}"
