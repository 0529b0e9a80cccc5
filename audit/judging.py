"""From estimates to the verdicts of a whole suite: each gate decided, held against all others, and what blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from audit.baseline import Compared
from audit.errors import MethodError
from audit.estimator import Estimator
from audit.floor import under_floor
from audit.gate_id import Due
from audit.multiplicity import holm
from audit.outcome import Cap
from audit.running_cost import NONE, RunningCost
from audit.suite import Decide, Gate
from audit.verdict import Verdict, decide, measure


def judge(
    asked: Sequence[Due],
    estimator: Estimator,
    how: Decide,
    *,
    today: date,
    error_of: Callable[[Due], str | None] = lambda _: None,
    caps_of: Callable[[Due], Sequence[Cap]] = lambda _: (),
    compared: Compared | None = None,
    running: Mapping[str, RunningCost] = NONE,
) -> tuple[Verdict, ...]:
    """Return the verdicts that are due.

    `error_of` says why a verdict cannot be given, `caps_of` what keeps it from being better, beside the floor,
    `compared` what changes are measured from, `running` by check what the model costs to run.
    """
    measured = []
    counting: dict[tuple[str, ...], Estimator] = {(): estimator}
    for due in asked:
        error, screens = error_of(due), due.gate.without
        try:
            if screens not in counting:
                counting[screens] = estimator.without(screens)
        except MethodError as uncounted:
            error = error or str(uncounted)
        counted = counting.get(screens, estimator)
        measured.append((due, measure(due, counted, error, compared, running), counted))
    # A suite passes where all of its gates do, so that what breaks one of them passes no more often than that one lets
    # it: PASS is not adjusted (Berger 1982). Of many gates a sound model fails one by chance: FAIL is (Holm 1979).
    beyond = [found.errors(due.gate.minimum, due.gate.maximum)[1] for due, found, _ in measured]
    # Gates that decide nothing must not make it harder to fail those that do.
    deciding = [place for place, (due, *_) in enumerate(measured) if _decides(due.gate, today)]
    adjusted = beyond.copy()
    # Nor must what a call took: that varies from run to run, and would let a gate on the same answers fail or not.
    for of_cost in (False, True):
        family = [place for place in deciding if (measured[place][0].check.kind == "cost") is of_cost]
        for place, held in zip(family, holm([beyond[place] for place in family]), strict=True):
            adjusted[place] = held
    decided = (
        decide(due, found, counted, beyond=error, adjusted=held, caps=[*caps_of(due), *_floor(due, counted)])
        for (due, found, counted), error, held in zip(measured, beyond, adjusted, strict=True)
    )
    return tuple(settled(verdict, how.when_unsure, today) for verdict in decided)


def _decides(gate: Gate, today: date) -> bool:
    return not gate.informational and (gate.waive is None or today > gate.waive.until)


def _floor(due: Due, estimator: Estimator) -> Sequence[Cap]:
    cap = under_floor(due, estimator)
    return () if cap is None else (cap,)


def settled(verdict: Verdict, when_unsure: str, today: date) -> Verdict:
    """Return a verdict with its waiver looked at, and whether it blocks.

    A waived FAIL or UNSURE does not block until its waiver's day is over; from then on it is a FAIL. No waiver is good
    for an ERROR: nobody knows what would be lived with. To settle a verdict twice changes nothing.
    """
    gate, waiver = verdict.gate, verdict.gate.waive
    if waiver is not None and verdict.outcome in ("FAIL", "UNSURE"):
        if today <= waiver.until:
            return replace(verdict, blocks=False)
        over = f"waived until {waiver.until} ({waiver.reason}), and that is over; "
        if not verdict.reason.startswith(over):
            reason = f"{over}{verdict.outcome}: {verdict.reason}"
            step = "mend what was waived, or waive it anew with a reason that still holds"
            verdict = replace(verdict, outcome="FAIL", reason=reason, next_step=step)
    stops = verdict.outcome in ("FAIL", "ERROR") or (verdict.outcome == "UNSURE" and when_unsure == "fail")
    return replace(verdict, blocks=stops and not gate.informational)
