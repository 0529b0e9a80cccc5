"""What a gate came to: PASS, FAIL, UNSURE or ERROR, with the value, its interval and the reason."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from audit.estimate import Estimate, Estimator
from audit.gate_id import Due
from audit.standing import Standing, over_chance, over_energy
from audit.suite import Check, Gate

Outcome = Literal["PASS", "FAIL", "UNSURE", "ERROR"]


@dataclass(frozen=True)
class Verdict:
    """The decision on one gate for one emotion or group (both None where the gate has no `per`).

    `value` and `interval` are None where nothing could be computed; an interval's end is infinite where the quantity
    lies beyond what was tested (a critical epsilon larger than the largest epsilon).
    `n` counts samples, `clusters` speakers (None without clustering). `next_step` says what to do about it.
    """

    id: str
    check: str
    method: str
    gate: Gate
    emotion: str | None
    group: str | None
    value: float | None
    interval: tuple[float, float] | None
    n: int
    clusters: int | None
    outcome: Outcome
    reason: str
    next_step: str = ""


def decide(
    due: Due,
    estimator: Estimator,
    *,
    refused: Mapping[str, str],
    error: str | None,
    standing: Standing | None = None,
) -> Verdict:
    """Return the verdict that is due.

    `refused` gives the reason why a saliency method made no maps; `error` why the whole check could not be judged.
    What maps measure counts for nothing where they have not earned their place: a `standing` that is FAIL or UNSURE
    leaves no gate on the method better than that.
    """
    check, gate, emotion, group = due.check, due.gate, due.emotion, due.group
    method = due.method
    why = error or refused.get(method)
    found = Estimate(None, None, 0, None, why) if why else _estimate(check, gate, estimator, emotion, group)
    outcome = _outcome(gate, found)
    reason = _reason(check, gate, found, outcome, estimator, emotion)
    if standing is not None and SEVERITY.index(standing.outcome) > SEVERITY.index(outcome):
        outcome, reason = standing.outcome, f"{method}: {standing.reason}"
    return Verdict(
        id=due.id,
        check=check.id,
        method=method,
        gate=gate,
        emotion=emotion,
        group=group,
        value=found.value,
        interval=found.interval,
        n=found.n,
        clusters=found.clusters,
        outcome=outcome,
        reason=reason,
        next_step=_next_step(check, gate, found, outcome, emotion, standing),
    )


def _estimate(check: Check, gate: Gate, estimator: Estimator, emotion: str | None, group: str | None) -> Estimate:
    if check.kind == "saliency":
        return _of_maps(check, gate, estimator, emotion)
    if gate.metric in ("critical_epsilon", "curve_area"):
        return estimator.curve(check.id, gate.metric, emotion=emotion, group=group)
    return estimator.predicted(check.id, gate.metric, at=gate.at, emotion=emotion, group=group)


def _of_maps(check: Check, gate: Gate, estimator: Estimator, emotion: str | None) -> Estimate:
    assert gate.of is not None
    if gate.metric == "conservation":
        return estimator.largest_score(check.id, gate.of, "conservation", emotion=emotion)
    if gate.metric == "faithfulness_over_random":
        return over_chance(check, estimator, gate.of, by=gate.by, emotion=emotion)
    if gate.metric == "faithfulness_over_energy":
        return over_energy(check, estimator, gate.of, by=gate.by, emotion=emotion)
    measure = check.measure(gate.by)
    if gate.metric in ("localisation", "top_k_intersection"):
        measure = gate.metric if gate.region is None else f"{gate.metric}/{gate.region}"
    at = None
    if gate.after is not None:
        measure = f"{gate.metric}/{gate.after}"
        # The last severity: of parameter randomisation, all layers.
        at = next((key[3] for key in reversed(estimator.keys) if key[:3] == (check.id, gate.of, measure)), None)
    return estimator.mean_score(check.id, gate.of, measure, emotion=emotion, at=at)


SEVERITY = ("PASS", "UNSURE", "FAIL", "ERROR")


def _outcome(gate: Gate, found: Estimate) -> Outcome:
    if found.value is None:
        return "ERROR"
    if found.interval is None:
        return "UNSURE"
    low, high = found.interval
    least = -math.inf if gate.minimum is None else gate.minimum
    most = math.inf if gate.maximum is None else gate.maximum
    if low >= least and high <= most:
        return "PASS"
    return "FAIL" if high < least or low > most else "UNSURE"


def _reason(
    check: Check, gate: Gate, found: Estimate, outcome: Outcome, estimator: Estimator, emotion: str | None
) -> str:
    if outcome == "ERROR" or found.interval is None:
        return found.why
    if outcome == "PASS":
        return "the whole interval is inside the limit"
    where = "wholly beyond the limit" if outcome == "FAIL" else "on both sides of the limit"
    taken_for = "" if check.kind == "saliency" else _taken_for(check, gate, estimator, emotion)
    return taken_for or f"the interval lies {where}"


def _taken_for(check: Check, gate: Gate, estimator: Estimator, emotion: str | None) -> str:
    """Return what the wrong answers were: against the clean answers where the clips were changed."""
    table = estimator.predictions(check.id, gate.at)
    if gate.metric not in ("recall", "accuracy", "uar", "f1", "macro_f1", "drop") or table.empty:
        return ""
    if emotion is not None:
        table = table[table["emotion"] == emotion]
    wrong = table[table["emotion"] != table["predicted"]]
    kind = "errors"
    if check.kind != "clean":
        before = estimator.clean.loc[wrong.index]
        wrong, kind = wrong[before["emotion"] == before["predicted"]], "new errors"
    if wrong.empty:
        return ""
    counts = wrong["predicted"].value_counts()
    return f'{counts.iloc[0]} of {len(wrong)} {kind} are "{counts.index[0]}"'


def _next_step(
    check: Check, gate: Gate, found: Estimate, outcome: Outcome, emotion: str | None, standing: Standing | None
) -> str:
    if outcome == "PASS":
        return ""
    if outcome == "ERROR":
        return "mend what the reason names and run this check again; nothing was decided"
    if outcome == "UNSURE":
        if _outcome(gate, found) != "UNSURE" and standing is not None:
            return f"judge more clips (samples, sanity_samples), or leave {gate.of} out: it has not earned its place"
        return more_clips(gate, found)
    of_emotion = f" of {emotion}" if emotion else ""
    if check.kind == "clean":
        return f"hear the misjudged clips{of_emotion}; add or reweight training clips where the label sounds right"
    if check.kind == "corruption":
        return f"add {check.uses[0].name} at this severity to the training, and audit again"
    if check.kind == "attack":
        attack = check.uses[0].name
        return f"train on {attack} examples up to the epsilon you must withstand, or narrow who can reach the input"
    if gate.region is not None and gate.maximum is not None and (standing is None or standing.outcome == "PASS"):
        what = f"the model goes by what lies in region {gate.region!r}{of_emotion}"
        return f"{what}: take that out of the training data, or out of the input, and audit again"
    return f"do not rest a decision on {gate.of} maps{of_emotion}; prefer the method this audit ranks first"


def more_clips(gate: Gate, found: Estimate) -> str:
    """Return how many times the clips would decide an unsure gate, should the value stay.

    An interval's half shrinks with the square root of the clips.
    """
    if found.value is None or found.interval is None:
        return "add clips or clusters until an interval can be given"
    limit = gate.minimum if gate.minimum is not None and found.interval[0] < gate.minimum else gate.maximum
    assert limit is not None
    # The side that reaches over the limit is the one to be narrowed; the other may lie beyond what was tested.
    low, high = found.interval
    half = found.value - low if found.value >= limit else high - found.value
    gap = abs(found.value - limit)
    if not math.isfinite(half) or half <= 0:
        return "add clips, and test severities beyond the limit"
    if gap < half / 10:
        return "the value is at the limit: about 4x as many clips would halve this interval, and may still not decide"
    factor = (half / gap) ** 2
    size = f"{factor:.0f}" if factor >= 10 else f"{max(factor, 1.1):.1f}"
    return f"about {size}x as many clips would decide it, should the value stay"
