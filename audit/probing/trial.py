"""A model's answers to some clips by one specification of its input."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from audit.adapter import Ahead
from audit.errors import DataError, ModelError
from audit.model import Model
from audit.probing.clips import Clips, logits_of
from audit.probing.label_order import Counts, counts_of
from audit.probing.readings import Reading


@dataclass(frozen=True)
class Trial:
    """Clips, the `inputs` (n, ...) made of them, and what a model answered: `probabilities` (n, emotions)."""

    clips: Clips
    emotions: tuple[str, ...]
    inputs: Tensor
    probabilities: Tensor

    @property
    def truths(self) -> NDArray[np.int64]:
        """The true emotions' places, (n,)."""
        return np.array([self.emotions.index(sample.emotion) for sample in self.clips.samples], dtype=np.int64)

    @property
    def answers(self) -> NDArray[np.int64]:
        """The predicted emotions' places, (n,)."""
        found: NDArray[np.int64] = self.probabilities.argmax(1).numpy()
        return found

    @property
    def right(self) -> NDArray[np.bool_]:
        """Which answers are true, (n,)."""
        return np.asarray(self.truths == self.answers)

    @property
    def accuracy(self) -> float:
        """The share of true answers."""
        return float(self.right.mean())

    def first(self, count: int) -> Trial:
        """Return the answers to the first `count` clips."""
        return Trial(self.clips.first(count), self.emotions, self.inputs[:count], self.probabilities[:count])

    @property
    def counts(self) -> Counts:
        """Clips by true (rows) and predicted emotion (columns)."""
        return counts_of(self.truths, self.answers, len(self.emotions), len(self.emotions))


def tried(model: Model, clips: Clips) -> Trial:
    """Return the answers to clips as the model's own specification makes inputs of them; raises ModelError."""
    inputs = clips.inputs(model.spec)
    return Trial(clips, model.emotions, inputs, logits_of(model, inputs).softmax(1))


def tried_otherwise(model: Model, clips: Clips, reading: Reading) -> Trial | None:
    """Return the answers to clips by another reading, None where the model takes no such inputs."""
    try:
        inputs = clips.inputs(reading.spec)
        with _pieces_turned(model, reading) as turned:
            inputs = inputs if turned else reading.ordered(inputs)
            return Trial(clips, model.emotions, inputs, logits_of(model, inputs).softmax(1))
    except (ModelError, DataError, RuntimeError, ValueError):
        # A network says in its framework's own words that a shape does not fit.
        return None


@contextmanager
def _pieces_turned(model: Model, reading: Reading) -> Iterator[bool]:
    """Let a model that takes clips in pieces turn each piece, where the reading is turned; yield whether it does."""
    parts = (getattr(model, "ahead", None), *(model.module.children() if model.module is not None else ()))
    ahead = next((part for part in parts if isinstance(part, Ahead)), None)
    if not reading.turned or ahead is None or ahead.chunks is None:
        yield False
        return
    # A whole clip turned before it is cut would be cut along the wrong axis.
    kept, ahead.order = ahead.order, reading.lines["order"]
    try:
        yield True
    finally:
        ahead.order = kept
