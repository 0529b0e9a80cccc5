"""What a gate came to: PASS, FAIL, UNSURE or ERROR, with the value, its interval and the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from audit.baseline import CHANGES, Compared, change
from audit.estimate import Estimate
from audit.estimator import Estimator
from audit.gate_id import Due
from audit.grammar.gate_metrics import METRICS
from audit.groups import gap
from audit.outcome import SEVERITY, Cap, Outcome, outcome_of
from audit.reasons import more_clips, next_step_of, reason_of
from audit.running_cost import RunningCost
from audit.standing import over_chance, over_energy
from audit.suite import Check, Gate


@dataclass(frozen=True)
class Verdict:
    """The decision on one gate for one emotion or group (both None where the gate has no `per`).

    `value` and `interval` are None where nothing could be computed; an interval's end is infinite where the quantity
    lies beyond what was tested (a critical epsilon larger than the largest epsilon).
    `n` counts samples, `clusters` speakers (None without clustering). `next_step` says what to do about it. `beyond`
    is the error of calling its value beyond the limit, as if it were the only gate. `blocks` says whether it alone
    keeps a deployment back; `toothless` names the stand-ins that pass its gate.
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
    beyond: float = 1.0
    blocks: bool = False
    toothless: tuple[str, ...] = ()


def measure(
    due: Due, estimator: Estimator, error: str | None, compared: Compared | None, running: Mapping[str, RunningCost]
) -> Estimate:
    """Return what a gate is about; no value where `error` says why it could not be judged.

    `compared` is what changes are measured from, `running` by check what the model costs to run.
    """
    if error is not None:
        return Estimate(None, None, 0, None, error)
    if due.check.kind == "cost":
        return running[due.check.id].estimate(due.gate.metric, estimator.decide.confidence)
    if due.gate.metric in CHANGES:
        return change(estimator, compared, due)
    return _estimate(due.check, due.gate, estimator, due.emotion, due.group)


def decide(
    due: Due,
    found: Estimate,
    estimator: Estimator,
    *,
    beyond: float = 1.0,
    adjusted: float = 0.0,
    caps: Sequence[Cap] = (),
) -> Verdict:
    """Return the verdict that is due on what was `found`.

    `beyond` is the error of calling it a failure, `adjusted` the same as one of all the suite's gates: where that is
    larger than an interval's on one side may be, the failure may be chance and is UNSURE.
    Of several `caps` the worst counts, the first of those as bad; one as bad as the value says why before it does.
    """
    check, gate, emotion, group = due.check, due.gate, due.emotion, due.group
    outcome = outcome_of(found, gate.minimum, gate.maximum)
    reason = reason_of(check, gate, found, outcome, estimator, emotion)
    next_step = next_step_of(check, gate, found, outcome, emotion)
    if outcome == "FAIL" and adjusted > (1 - estimator.decide.confidence) / 2:
        outcome = "UNSURE"
        reason += f"; as one of so many gates it may be by chance (error {adjusted:.3f} over all of them)"
        next_step = more_clips(gate, _as_one_of_all(found, estimator.decide.confidence, beyond / adjusted))
    if caps and found.value is not None:
        cap = max(caps, key=lambda each: SEVERITY.index(each.outcome))
        if SEVERITY.index(cap.outcome) >= SEVERITY.index(outcome):
            outcome, reason, next_step = cap.outcome, cap.reason, cap.next_step
    return Verdict(
        id=due.id,
        check=check.id,
        method=due.method,
        gate=gate,
        emotion=emotion,
        group=group,
        value=found.value,
        interval=found.interval,
        n=found.n,
        clusters=found.clusters,
        outcome=outcome,
        reason=reason,
        next_step=next_step,
        beyond=beyond,
    )


def _as_one_of_all(found: Estimate, confidence: float, share: float) -> Estimate:
    """Return an estimate with the interval that it has where its gate may err so much less, for the others' sake."""
    if found.bounds is None:
        return found
    return replace(found, interval=found.bounds(1 - (1 - confidence) * share))


def _estimate(check: Check, gate: Gate, estimator: Estimator, emotion: str | None, group: str | None) -> Estimate:
    if check.kind == "saliency":
        return _of_maps(check, gate, estimator, emotion)
    if check.kind == "data":
        return estimator.share_found(check.id, gate.of or "", emotion=emotion)
    if gate.metric in ("critical_epsilon", "curve_area"):
        return estimator.curve(check.id, gate.metric, emotion=emotion, group=group, of=gate.of)
    if gate.across is not None:
        asked = gap(estimator, check.id, gate.metric, gate.across, at=gate.at, emotion=emotion, group=group, of=gate.of)
        return asked.found
    return estimator.predicted(check.id, gate.metric, at=gate.at, emotion=emotion, group=group, of=gate.of)


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
    values = METRICS[gate.metric].values
    return estimator.mean_score(check.id, gate.of, measure, emotion=emotion, at=at, values=values)
