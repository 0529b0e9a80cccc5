"""What saliency methods that never ran would have recorded: two earn their place, one fails, one is undecided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from audit.data import Sample
from audit.record import Record
from audit.suite import Check

DROPS = {"lime": 0.62, "gradcam": 0.4, "lrp": 0.55, "smoothgrad": 0.33, "energy": 0.27, "random": 0.18}
METHODS = ("lime", "gradcam", "lrp", "smoothgrad")
FORGETS = {"lime": 0.15, "gradcam": 0.3, "lrp": 0.05, "smoothgrad": 0.97}
STEADY = {"lime": 0.95, "gradcam": 0.96, "lrp": 1.0, "smoothgrad": 0.97}
IN_REGION = {"lime": 0.4, "gradcam": 0.1, "lrp": 0.35, "smoothgrad": 0.12}
REFUSED: Mapping[str, str] = {"integrated_gradients": "this model gives no gradients; use lime instead"}
UNTESTED: Mapping[str, Mapping[str, str]] = {"lrp": {"input_shift": "its rules need the <first> layer as it is"}}
PER_EMOTION = 6


def records(
    check: Check, samples: Sequence[Sample], emotions: Sequence[str], rng: np.random.Generator
) -> Iterator[Record]:
    """Yield the records of a saliency check over the first clips of every emotion."""
    chosen = [s for emotion in emotions for s in [s for s in samples if s.emotion == emotion][:PER_EMOTION]]
    for sample in chosen:
        yield from _scores(check, sample, rng)
        yield from _sanity(check, sample, rng)
        yield from _places(check, sample, rng)
        yield from _confined(check, sample, rng)
        yield _score(check, "lrp", "conservation", 0.2, sample, float(rng.uniform(1e-7, 1e-5)))
        yield _score(check, "lime", "r2", 0.2, sample, float(rng.uniform(0.4, 0.9)))


def _scores(check: Check, sample: Sample, rng: np.random.Generator) -> Iterator[Record]:
    for method, mean in DROPS.items():
        for number, measure in enumerate(check.measures):
            # Of a deletion curve less is better.
            value, elsewhere = (1 - mean, 0.8) if measure.startswith("deletion") else (mean - 0.03 * number, 0.2)
            yield _score(check, method, measure, 0.2, sample, _near(value, 0.18, rng))
            if method != "random":
                yield _score(check, method, f"chance/{measure}", 0.2, sample, _near(elsewhere, 0.1, rng))


def _sanity(check: Check, sample: Sample, rng: np.random.Generator) -> Iterator[Record]:
    for method in METHODS:
        for use in check.sanity:
            steps = (0.333333, 0.666667, 1.0) if use.name == "parameter_randomisation" else (1.0,)
            for at in steps:
                like = STEADY[method] if len(steps) == 1 else 1 - (1 - FORGETS[method]) * at
                like, wide = (0.5, 0.25) if (method, use.name) == ("gradcam", "seed_stability") else (like, 0.02)
                yield _score(check, method, f"similarity/{use.name}", at, sample, _near(like, wide, rng))
                yield _score(check, method, f"overlap/{use.name}", at, sample, _near(like, wide, rng))
                if len(steps) > 1:
                    yield _score(check, method, f"other/{use.name}", at, sample, _near(0.1, 0.1, rng))


def _places(check: Check, sample: Sample, rng: np.random.Generator) -> Iterator[Record]:
    for method in METHODS:
        for region in check.regions:
            for measure in ("localisation", "top_k_intersection"):
                name = f"{measure}/{region.name}"
                yield _score(check, method, name, 0.2, sample, _near(IN_REGION[method], 0.05, rng))
                yield _score(check, method, f"chance/{name}", 0.2, sample, _near(0.12, 0.02, rng))


def _confined(check: Check, sample: Sample, rng: np.random.Generator) -> Iterator[Record]:
    # Where the second emotion is attacked, nothing tells the parts apart.
    undecided = sample.emotion == "fear"
    for method in METHODS:
        for part, mean in (("salient", 0.1 if undecided else 0.6), ("least", 0.1)):
            fall = _near(mean, 0.1, rng)
            yield Record(check.id, method, f"confined/{part}", 0.01, sample, sample.emotion, [1.0], fall)


def _score(check: Check, method: str, measure: str, at: float, sample: Sample, value: float) -> Record:
    return Record(check.id, method, measure, at, sample, "", [], value)


def _near(mean: float, spread: float, rng: np.random.Generator) -> float:
    return float(np.clip(rng.normal(mean, spread), -0.2, 1))
