"""What would mend a manifest: another order of the emotions, another way to make the inputs, or both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audit.intervals import wilson
from audit.manifest import Manifest
from audit.model import Model
from audit.probing.label_order import (
    MUCH,
    SURPRISING,
    best_order,
    by_chance,
    is_much_better,
    reordered,
    sign_test,
)
from audit.probing.lines import flow
from audit.probing.readings import Reading
from audit.probing.trial import Trial, tried_otherwise

FEW = 60
"""Clips on which every other reading is tried; what looks better there is tried on all."""
NAMED = 2
"""Readings that fit as well as the best and are named."""
LABELS = "label order"
Tried = Sequence[tuple[Reading, Trial | None]]


@dataclass(frozen=True)
class Cause:
    """A usual cause and what was found out about it; `lines` are those of the manifest that would mend it."""

    cause: str
    finding: str
    lines: Mapping[str, Any] | None = None
    accuracy: float | None = None


def by_order(manifest: Manifest, trial: Trial) -> Cause | None:
    """Return the order of the emotions that fits the answers surely and largely better, None where none does."""
    order = best_order(trial.counts)
    if not is_much_better(order, trial.counts):
        return None
    if len(manifest.labels) == len(trial.emotions):
        lines = {"emotions": reordered(manifest.labels, order)}
        return Cause(LABELS, f"the answers would fit `{flow(lines)}` at {order.accuracy:.2f}", lines, order.accuracy)
    # Which of several merged labels is meant, their sum does not tell.
    moved = [
        f"what it calls {trial.emotions[output]} is mostly {trial.emotions[place]}"
        for output, place in enumerate(order.places)
        if output != place
    ]
    return Cause(LABELS, f"{', '.join(moved)}; that way {order.accuracy:.2f} would be right", {}, order.accuracy)


def unsure_order(manifest: Manifest, trial: Trial) -> str:
    """Return what is to be said of the order of the emotions that fits best but is not surely better."""
    order = best_order(trial.counts)
    if order.accuracy < trial.accuracy + MUCH:
        return f"no other order fits much better (the best {order.accuracy:.2f})"
    if order.accuracy <= by_chance(trial.truths, trial.answers, len(trial.emotions)):
        return f"the best other order fits no better than one fits answers drawn at random ({order.accuracy:.2f})"
    other = f"`{flow({'emotions': reordered(manifest.labels, order)})}`"
    if len(manifest.labels) != len(trial.emotions):
        other = "another order"
    return (
        f"{other} would give {order.accuracy:.2f}; {len(trial.clips)} clips are too few to be sure, ask for more with "
        "--limit"
    )


def by_reading(model: Model, now: Trial, seen: Tried, chance: float) -> Cause | None:
    """Return the reading that is right surely and largely more often than the manifest's, None where none is."""
    few = now.first(FEW).accuracy
    found: list[tuple[Reading, Trial]] = []
    for reading in (reading for reading, trial in seen if trial is not None and trial.accuracy >= few + MUCH / 2):
        trial = tried_otherwise(model, now.clips, reading)
        if trial is None:
            continue
        gained, lost = int((trial.right & ~now.right).sum()), int((now.right & ~trial.right).sum())
        surely = sign_test(gained, lost) < SURPRISING / len(seen)
        if surely and gained - lost >= MUCH * len(now.clips) and _above(trial, chance):
            found.append((reading, trial))
    if not found:
        return None
    reading, trial = max(found, key=lambda each: each[1].accuracy)
    told = f"{said(reading)} {trial.accuracy:.2f} of {len(now.clips)} clips are right"
    like = sorted((each for each in found if not _beats(trial, each[1])), key=lambda each: -each[1].accuracy)
    rest = [f"{said(other)} {also.accuracy:.2f}" for other, also in like if other is not reading]
    if rest:
        more = f", and {len(rest) - NAMED} more" if len(rest) > NAMED else ""
        told += f"; not surely worse: {', '.join(rest[:NAMED])}{more}. Which it was trained with, its code tells"
    return Cause(reading.cause, told, {"input": dict(reading.lines)}, trial.accuracy)


def by_both(manifest: Manifest, now: Trial, seen: Tried) -> Cause | None:
    """Return a reading with which another order of the emotions fits much better, where neither alone does."""
    found = []
    for reading, trial in seen:
        if trial is None or len(manifest.labels) != len(now.emotions):
            continue
        order = best_order(trial.counts)
        if is_much_better(order, trial.counts) and order.accuracy > best_order(now.counts).accuracy + MUCH:
            found.append((order.accuracy, reading, order))
    if not found:
        return None
    accuracy, reading, order = max(found, key=lambda each: each[0])
    lines = {"input": dict(reading.lines), "emotions": reordered(manifest.labels, order)}
    told = f"{said(reading)} and `{flow({'emotions': lines['emotions']})}` {accuracy:.2f} would be right"
    return Cause(f"{reading.cause} and {LABELS}", told, lines, accuracy)


def said(reading: Reading) -> str:
    """Return `with ...` or `without ...`, lines of a manifest's input."""
    lines = {name: value for name, value in reading.lines.items() if value is not None}
    return f"with `{flow(lines)}`" if lines else f"without `{', '.join(reading.lines)}`"


def _beats(one: Trial, other: Trial) -> bool:
    """Return whether one trial is surely right more often than another on the same clips."""
    gained, lost = int((one.right & ~other.right).sum()), int((other.right & ~one.right).sum())
    return gained > lost and sign_test(gained, lost) < SURPRISING


def _above(trial: Trial, chance: float) -> bool:
    return wilson(trial.accuracy, len(trial.clips), 0.95)[0] > chance
