"""What every check works with: the model, the clips as it takes them, and their clean predictions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from audit.data import Sample
from audit.model import Model
from audit.progress import Progress
from audit.randomness import SampleRng
from audit.record import Record
from audit.sampling import shared_out
from audit.seeds import stream_seed
from audit.suite import Check


@dataclass(frozen=True)
class Session:
    """One model on one data set.

    `recordings` is (n, samples), of faces (n, channels, height, width), of videos (n, frames, height, width), on the
    CPU; `inputs` (n, ...) is what the model takes, `truths` (n,) the true emotions' indices, `clean` (n, emotions) the
    probabilities on clean inputs.
    """

    model: Model
    samples: tuple[Sample, ...]
    recordings: Tensor
    inputs: Tensor
    truths: Tensor
    clean: Tensor
    seed: int
    batch_size: int
    progress: Progress

    def chosen(self, check: Check, fewer: int | None = None) -> list[int]:
        """Return the indices of the clips a check judges: all, or `check.samples`, shared out evenly over emotions.

        `fewer` than those are the first that would be chosen.
        """
        return shared_out(self.samples, fewer or check.samples, self.seed)

    def batches(self, indices: Sequence[int]) -> Iterator[list[int]]:
        """Yield the indices in batches."""
        for start in range(0, len(indices), self.batch_size):
            yield list(indices[start : start + self.batch_size])

    def rng(self, indices: Sequence[int], *purpose: object) -> SampleRng:
        """Return the streams of these samples for one purpose (check, severity, ...)."""
        return SampleRng([stream_seed(self.seed, *purpose, self.samples[i].id) for i in indices])

    def predict(self, inputs: Tensor, model: Model | None = None) -> Tensor:
        """Return probabilities (n, emotions), in double precision on the CPU, in batches of the session's size."""
        judged = model or self.model
        with torch.inference_mode():
            parts = [
                judged.logits(part.to(judged.device)).double().softmax(1).cpu()
                for part in inputs.split(self.batch_size)
            ]
        return torch.cat(parts)

    def predictions(
        self,
        check: Check,
        method: str,
        severity: float,
        indices: Sequence[int],
        probabilities: Tensor,
        measure: str = "",
    ) -> Iterator[Record]:
        """Yield one prediction record per sample."""
        for index, row in zip(indices, probabilities, strict=True):
            emotion = self.model.emotions[int(row.argmax())]
            yield Record(check.id, method, measure, severity, self.samples[index], emotion, row.tolist(), math.nan)

    def scores(
        self, check: Check, method: str, measure: str, severity: float, indices: Sequence[int], values: Tensor
    ) -> Iterator[Record]:
        """Yield one score record per sample."""
        for index, value in zip(indices, values.tolist(), strict=True):
            yield Record(check.id, method, measure, severity, self.samples[index], "", [], value)
