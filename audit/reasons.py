"""Why a verdict came out as it did, and what to do next."""

from __future__ import annotations

import math
from collections.abc import Mapping

from audit.estimate import Estimate
from audit.estimator import Estimator
from audit.grammar.gate_metrics import METRICS, PREDICTED
from audit.outcome import STRADDLES, Outcome
from audit.standing import distrust
from audit.suite import Check, Gate

_FASTER = (
    "time it where it will serve; fewer channels or layers, a shorter input or lower precision may help, and the other "
    "checks say what that costs in answers"
)
CHEAPER: Mapping[str, str] = {
    "latency": _FASTER,
    "latency_p95": f"see whether anything else ran beside it, and {_FASTER}",
    "latency_with_representation": f"see which part takes the time, the model or what goes before it; then {_FASTER}",
    "throughput": f"try another batch size; {_FASTER}",
    "parameters": "take fewer channels or layers, or distil it into a smaller network, and audit that",
    "size": "store the weights in half precision, or take a smaller network, and audit that",
}
"""What to do about a cost gate that failed."""


def reason_of(
    check: Check, gate: Gate, found: Estimate, outcome: Outcome, estimator: Estimator, emotion: str | None
) -> str:
    """Return why: what there is to say of the value, where the interval lies, or what most wrong answers were."""
    if outcome == "ERROR" or found.interval is None:
        return found.why
    if check.kind == "data" and found.value is not None:
        return f"{round(found.value * found.n)} of {found.n} clips"
    if outcome == "PASS":
        return found.why or "the whole interval is inside the limit"
    where = "the interval lies wholly beyond the limit" if outcome == "FAIL" else STRADDLES
    taken_for = _taken_for(check, gate, estimator, emotion) if check.kind in PREDICTED else ""
    return found.why or taken_for or where


def _taken_for(check: Check, gate: Gate, estimator: Estimator, emotion: str | None) -> str:
    """Return what the wrong answers were: against the clean answers where the clips were changed."""
    table = estimator.predictions(check.id, gate.at, gate.of)
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


def next_step_of(check: Check, gate: Gate, found: Estimate, outcome: Outcome, emotion: str | None) -> str:
    """Return what to do about a verdict; nothing of one that passed."""
    if outcome == "PASS":
        return ""
    if outcome == "ERROR":
        return "mend what the reason names and run this check again; nothing was decided"
    if outcome == "UNSURE":
        return more_clips(gate, found)
    of_emotion = f" of {emotion}" if emotion else ""
    if gate.across is not None:
        return f"add training clips{of_emotion} like those of the group that fares worst, or say for whom it is not"
    if check.kind == "clean":
        return f"hear the misjudged clips{of_emotion}; add or reweight training clips where the label sounds right"
    if check.kind == "corruption":
        return f"add {check.uses[0].name} at this severity to the training, and audit again"
    if check.kind == "attack":
        attack = gate.of or (check.uses[0].name if len(check.uses) == 1 else "the strongest attack's")
        return f"train on {attack} examples up to the epsilon you must withstand, or narrow who can reach the input"
    if check.kind == "cost":
        return CHEAPER[gate.metric]
    if check.kind == "data":
        return (
            f"see what {gate.of} found{of_emotion}: take it out of the train set or of what is judged, and train again"
        )
    if gate.region is not None and gate.maximum is not None:
        what = f"the model goes by what lies in region {gate.region!r}{of_emotion}"
        return f"{what}: take that out of the training data, or out of the input, and audit again"
    return distrust(gate.of, emotion)


def more_clips(gate: Gate, found: Estimate) -> str:
    """Return how many times the clips, or timed calls, would decide an unsure gate, should the value stay.

    An interval's half shrinks with the square root of them.
    """
    timed = "cost" in METRICS[gate.metric].kinds
    many = "timed batches" if gate.metric == "throughput" else "timed calls" if timed else "clips"
    if found.value is None or found.interval is None:
        return "add clips or clusters until an interval can be given"
    if timed and (found.interval[0] <= 0 or math.isinf(found.interval[1])):
        return f"add {many}: so few give no interval with both ends"
    limit = gate.minimum if gate.minimum is not None and found.interval[0] < gate.minimum else gate.maximum
    assert limit is not None
    # The side that reaches over the limit is the one to be narrowed; the other may lie beyond what was tested.
    low, high = found.interval
    half = found.value - low if found.value >= limit else high - found.value
    gap = abs(found.value - limit)
    if not math.isfinite(half) or half <= 0:
        return "add clips, and test severities beyond the limit"
    if gap < half / 10:
        return f"the value is at the limit: about 4x as many {many} would halve this interval, and may still not decide"
    factor = (half / gap) ** 2
    size = f"{factor:.0f}" if factor >= 10 else f"{max(factor, 1.1):.1f}"
    return f"about {size}x as many {many} would decide it, should the value stay"
