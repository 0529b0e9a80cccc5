"""Models that know nothing, judged beside the real one: a gate that one of them passes says nothing of a model.

They answer from the list of clips alone, so that they cost no model call and can be judged before a run. Their saliency
maps are worth what chance is worth.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from audit.data import Sample
from audit.estimator import Estimator
from audit.gate_id import Due, gate_of
from audit.grammar.gate_metrics import ANSWERED, METRICS
from audit.judging import judge
from audit.record import ALONE, CHANCE, ENERGY, Record, table
from audit.sampling import shared_out
from audit.seeds import stream_seed
from audit.standing import caps_of, standings
from audit.suite import Check, Gate, Suite

Floats = NDArray[np.float64]
Answer = Callable[[NDArray[np.int64], int, np.random.Generator], Floats]
"""True emotions (n,), how many emotions there are and a generator, to probabilities (n, emotions)."""


@dataclass(frozen=True)
class StandIn:
    """One stand-in: the gates it passes, by check and gate (`fgsm::drop-at-0.01`), of `gates` that it was judged by."""

    name: str
    passed: tuple[str, ...]
    gates: int


def _random(truths: NDArray[np.int64], emotions: int, rng: np.random.Generator) -> Floats:
    """Any emotion, and as unsure of it as it ought to be."""
    # Just enough more than the others to be the answer.
    return (
        np.full((len(truths), emotions), 1 / emotions)
        + 1e-6 * np.eye(emotions)[rng.integers(emotions, size=len(truths))]
    )


def _constant(truths: NDArray[np.int64], emotions: int, rng: np.random.Generator) -> Floats:
    """The first emotion, and sure of it."""
    del rng
    return np.tile(np.eye(emotions)[0], (len(truths), 1))


def _majority(truths: NDArray[np.int64], emotions: int, rng: np.random.Generator) -> Floats:
    """The most frequent emotion, with every emotion's share for a probability."""
    del rng
    return np.tile(np.bincount(truths, minlength=emotions) / len(truths), (len(truths), 1))


def _shuffled(truths: NDArray[np.int64], emotions: int, rng: np.random.Generator) -> Floats:
    """The true emotion of another clip, and sure of it."""
    return np.eye(emotions)[rng.permutation(truths)]


ANSWERS: Mapping[str, Answer] = {
    "random": _random,
    "constant": _constant,
    "majority": _majority,
    "shuffled": _shuffled,
}


def judged(
    suite: Suite, asked: Sequence[Due], samples: Sequence[Sample], emotions: Sequence[str], today: date
) -> tuple[StandIn, ...]:
    """Return what every stand-in makes of the gates that are asked, on these clips of a model with these emotions.

    Gates on the data are left aside, which are about no model, and those on what a model costs to run: how fast and how
    small it is says nothing of what it answers, and who knows nothing is both.
    """
    # What screens find is of no consequence for who knows nothing anyway.
    asked = [replace(due, gate=replace(due.gate, without=())) for due in asked if due.check.kind in ANSWERED]
    checks = tuple({due.check.id: due.check for due in asked}.values())
    found = []
    for name, answer in ANSWERS.items():
        records = table(_records(suite, checks, samples, emotions, name, answer))
        estimator = Estimator(records, emotions, suite.groups, suite.decide)
        maps = [check for check in checks if check.kind == "saliency"]
        caps = caps_of([each for check in maps for each in standings(check, estimator, {}, {})])
        verdicts = judge(asked, estimator, suite.decide, today=today, caps_of=caps)
        gates: dict[str, bool] = {}
        for due, verdict in zip(asked, verdicts, strict=True):
            gate = gate_of(due.id)
            kept = verdict.outcome == "PASS" or (verdict.outcome == "UNSURE" and suite.decide.when_unsure == "pass")
            kept = kept or _cannot_fail(due.gate)
            gates[gate] = gates.get(gate, True) and kept
        found.append(StandIn(name, tuple(gate for gate, kept in gates.items() if kept), len(gates)))
    return tuple(found)


def passed_by(stand_ins: Sequence[StandIn], verdict: str) -> tuple[str, ...]:
    """Return the names of the stand-ins that pass a verdict's gate."""
    return tuple(each.name for each in stand_ins if gate_of(verdict) in each.passed)


def _records(
    suite: Suite,
    checks: Sequence[Check],
    samples: Sequence[Sample],
    emotions: Sequence[str],
    name: str,
    answer: Answer,
) -> Iterator[Record]:
    seed = suite.decide.seed
    for check in (Check("clean", "clean"), *(check for check in checks if check.kind != "clean")):
        own = [samples[i] for i in shared_out(samples, check.samples, seed)]
        if check.kind == "saliency":
            yield from _maps(check, own)
            continue
        truths = np.array([emotions.index(sample.emotion) for sample in own])
        for at in check.sweep[1] if check.sweep else (math.nan,):
            rng = np.random.default_rng(stream_seed(seed, "stand-in", name, check.id, at))
            # After each of several attacks, and after the strongest of them.
            alone = [(use.name, ALONE) for use in check.uses] if len(check.uses) > 1 else []
            for sample, row in zip(own, answer(truths, len(emotions), rng), strict=True):
                said = emotions[int(row.argmax())]
                for method, measure in [(check.method, ""), *alone]:
                    yield Record(check.id, method, measure, at, sample, said, row.tolist(), math.nan)


def _maps(check: Check, samples: Sequence[Sample]) -> Iterator[Record]:
    """Yield every score a gate can ask of maps: they hide what chance hides, lie nowhere, and are like no other."""
    scores = [name for measure in check.measures for name in (measure, f"{CHANCE}/{measure}")]
    places = ["", *(f"/{region.name}" for region in check.regions)]
    scores += [f"{name}{place}" for name in ("localisation", "top_k_intersection") for place in places]
    scores += [f"{name}/{use.name}" for name in ("similarity", "overlap") for use in check.sanity]
    asked = [(use.name, name) for use in check.uses for name in (*scores, "conservation")]
    for method, name in [*asked, *((ENERGY, measure) for measure in check.measures)]:
        for sample in samples:
            yield Record(check.id, method, name, check.masked, sample, "", [], 0.0)


def _cannot_fail(gate: Gate) -> bool:
    """Return whether a gate's limits are the ends of what its metric can be."""
    low, high = METRICS[gate.metric].values
    return (gate.minimum is None or gate.minimum <= low) and (gate.maximum is None or gate.maximum >= high)
