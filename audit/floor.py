"""The floor: how good the clean answers must be for a gate to count that a guesser passes too.

Answers that were never right lose nothing under noise, and are as sure as they are right when they are never sure: a
limit on a fall, on calibration or on a difference says something of a model that recognises emotions, and of no other.
"""

from __future__ import annotations

from audit.estimate import Estimate
from audit.estimator import Estimator
from audit.gate_id import Due
from audit.outcome import SEVERITY, Cap, outcome_of
from audit.suite import Gate

ABOVE_CHANCE = 0.25
"""How far from chance to perfect `above_chance` asks for."""


def floor_of(gate: Gate, emotions: int) -> float | None:
    """Return the clean UAR that a gate asks on clips of that many emotions; None where it asks for none."""
    if gate.floor == "above_chance":
        return 1 / emotions + ABOVE_CHANCE * (1 - 1 / emotions)
    return gate.floor


def under_floor(due: Due, estimator: Estimator) -> Cap | None:
    """Return what the clean answers make of a gate; None where they reach its floor, or it has none.

    They reach it with the whole interval of their UAR and, for a gate on one emotion, of that emotion's F1, which
    saying the emotion of everything does not raise as it raises recall.
    """
    # Whoever says one emotion of everything is right for one of those that are judged, whatever else the model knows.
    floor = floor_of(due.gate, max(estimator.clean["emotion"].nunique(), 1))
    if floor is None:
        return None
    asked = [("UAR", estimator.predicted("clean", "uar"))]
    if due.emotion is not None:
        asked.append((f"F1 of {due.emotion}", estimator.predicted("clean", "f1", emotion=due.emotion)))
    caps = [cap for name, found in asked if (cap := _cap(name, found, floor, due.gate)) is not None]
    return max(caps, key=lambda cap: SEVERITY.index(cap.outcome), default=None)


def _cap(name: str, found: Estimate, floor: float, gate: Gate) -> Cap | None:
    outcome = outcome_of(found, floor, None)
    if outcome == "PASS":
        return None
    metric = gate.metric.replace("_", " ")
    if found.value is None:
        return Cap("ERROR", f"{metric} counts above a floor of clean answers, and there is none: {found.why}", "")
    span = f" ({found.interval[0]:.2f} to {found.interval[1]:.2f})" if found.interval else ""
    seen = f"clean {name} {found.value:.2f}{span}, floor {floor:.2f}"
    if outcome == "FAIL":
        reason = f"{metric} counts for nothing below the floor, where a guesser keeps it too: {seen}"
        return Cap(outcome, reason, "mend the clean answers first; the other gates say where")
    reason = f"{metric} counts above the floor alone, and that is not shown to be reached: {seen}"
    return Cap(outcome, reason, "judge more clips, or mend the clean answers first")
