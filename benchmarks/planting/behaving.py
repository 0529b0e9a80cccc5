"""Models whose answers are wrong, partial, or not their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from planting.case import HERE, Case, Ground, Planted, Sign
from planting.masked import around
from planting.recordings import EMOTIONS

CALLS, BATCH = "answers change from call to call", "answers depend on the other clips in the batch"
DEAD = "a member of the ensemble is dead"


def leaning(**by: float) -> list[float]:
    """Return what is added to every emotion's logit."""
    return [by.get(emotion, 0.0) for emotion in EMOTIONS]


def one_member_dead(ground: Ground, folder: Path) -> Planted:
    """Plant a dead member among two sound ones."""
    folder.mkdir(parents=True, exist_ok=True)
    members = {
        "one": ground.manifest(ground.weights(0)),
        "two": ground.manifest(ground.weights(1)),
        "dead": ground.wrapped(folder, "dead"),
    }
    for name, manifest in members.items():
        (folder / f"{name}.model.yaml").write_text(json.dumps(manifest))
    whole: dict[str, Any] = ground.manifest(ground.weights(0))
    for key in ("source", "arguments", "weights", "activation"):
        del whole[key]
    loader = {"ensemble": {"members": [f"{name}.model.yaml" for name in members]}}
    return Planted({**whole, "model": "ensemble", "loader": loader}, ground.listed)


def maps_of_edges(ground: Ground, folder: Path) -> Planted:
    """Plant a saliency method that never asks the model."""
    del folder
    check = {
        "check": "saliency",
        "id": "own-maps",
        "method": f"{HERE / 'edges.py'}:edges",
        "samples": 48,
        "gates": [{"metric": "faithfulness_over_random", "of": "edges", "min": 0.0}],
    }
    return Planted(ground.manifest(ground.weights()), ground.listed, (check,))


def less_of_fear(ground: Ground, folder: Path) -> Planted:
    """Plant a model that recognises fear less often than the last release did, and often enough for every limit."""
    manifest = ground.wrapped(folder, "leaning", lean=leaning(fear=-1.7))
    limits = {"recall": 0.70, "recall_change": -0.06}
    gates = [{"metric": metric, "per": "emotion", "min": least} for metric, least in limits.items()]
    check = {"check": "clean", "gates": gates}
    return Planted(manifest, ground.listed, (check,), since_release=True)


CASES = (
    Case(
        "dropout-left-on",
        "train mode left on: dropout",
        (Sign("finding", CALLS),),
        around("dropping", share=0.3),
    ),
    Case(
        "batch-norm-left-on",
        "train mode left on: batch norm",
        (Sign("finding", BATCH),),
        around("always-training"),
    ),
    Case("batch-dependent", "logits centred over the batch", (Sign("finding", BATCH),), around("centred")),
    Case("random-answers", "answers at random", (Sign("finding", CALLS),), around("guessing")),
    Case(
        "never-predicted",
        "fear is never predicted",
        (Sign("clean::recall::fear"),),
        around("leaning", lean=leaning(fear=-30.0)),
    ),
    Case(
        "collapse-to-neutral",
        "collapse to neutral",
        (Sign("clean::recall::*"), Sign("clean::precision::neutral")),
        around("leaning", lean=leaning(neutral=6.0)),
    ),
    Case(
        "deaf-under-noise",
        "fear is lost under noise alone",
        (Sign("*noise::recall*::fear"),),
        around("deafened", emotion=EMOTIONS.index("fear"), of=len(EMOTIONS), noise=0.042),
    ),
    Case(
        "overconfident",
        "overconfidence: logits times 12",
        (Sign("*::ece*"),),
        around("scaled", factor=12.0),
    ),
    Case(
        "underconfident",
        "underconfidence: logits times 0.3",
        (Sign("*::ece*"),),
        around("scaled", factor=0.3),
    ),
    Case("dead-member", "an ensemble of three with a dead member", (Sign("finding", DEAD),), one_member_dead),
    Case(
        "fear-falls",
        "fear is recognised less often than by the last release",
        (Sign("clean::recall-change::fear"),),
        less_of_fear,
    ),
    Case(
        "not-a-number",
        "NaN for clips of one level",
        (Sign("error", "NaN"),),
        around("undefined", level=0.23, width=0.01),
    ),
    Case(
        "maps-ignore-model",
        "saliency that shows the input's edges",
        (Sign("own-maps::*", "edges"),),
        maps_of_edges,
    ),
)
