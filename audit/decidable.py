"""Which gates so many clips can decide, before anything is run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from audit.data import Sample
from audit.gate_id import Due
from audit.power import least_clips, least_pairs, passes_from, passes_up_to
from audit.sampling import shared_out
from audit.suite import Suite

SHARES = ("accuracy", "recall", "uar", "f1", "macro_f1", "curve_area")
FALLS = ("drop",)
GAINS = ("accuracy_change", "recall_change")


@dataclass(frozen=True)
class Reach:
    """One verdict that is due on `clips`: what it takes for it to pass.

    `room` is how many clips may be wrong, lost, or lost since the baseline, None where not even none may be; `least`
    how many clips could pass it, all right, None where no number could.
    """

    id: str
    clips: int
    room: int | None
    least: int | None

    def __str__(self) -> str:
        """Return it in a sentence."""
        if self.room is not None:
            return f"{self.id} passes with up to {self.room} of {self.clips} wrong"
        if self.least is None:
            return f"{self.id} cannot pass: no number of clips would show it"
        return f"{self.id} cannot pass: {self.clips} clips without a fault leave it open, {self.least} would not"


def reaches(suite: Suite, asked: Sequence[Due], samples: Sequence[Sample]) -> tuple[Reach, ...]:
    """Return what every gate on a share, a drop or a change needs; those on other things are left aside.

    Clips of a cluster are taken for independent, and only their spread for less well known: what cannot pass so,
    cannot pass.
    """
    found = []
    chosen = {
        count: [samples[i] for i in shared_out(samples, count, suite.decide.seed)]
        for count in {due.check.samples for due in asked}
    }
    for due in asked:
        own = chosen[due.check.samples]
        members = (due.emotion,) if due.emotion else suite.groups.get(due.group or "")
        counted = [sample for sample in own if members is None or sample.emotion in members]
        cluster = suite.decide.cluster
        clusters = {sample.groups.get(cluster) for sample in counted} if cluster else None
        freedom = math.inf if clusters is None else max(len(clusters) - 1, 1)
        reach = _reach(due, len(counted), suite.decide.confidence, freedom) if counted else None
        if reach is not None:
            found.append(reach)
    return tuple(found)


def _reach(due: Due, n: int, confidence: float, freedom: float) -> Reach | None:
    gate, metric = due.gate, due.gate.metric
    if metric in SHARES and gate.minimum is not None:
        right = passes_from(n, gate.minimum, confidence, freedom=freedom)
        least = least_clips(gate.minimum, gate.maximum, confidence, freedom=freedom)
        return Reach(due.id, n, None if right is None else n - right, least)
    most = gate.maximum if metric in FALLS else -gate.minimum if metric in GAINS and gate.minimum is not None else None
    if most is None:
        return None
    return Reach(
        due.id, n, passes_up_to(n, most, confidence, freedom=freedom), least_pairs(most, confidence, freedom=freedom)
    )
