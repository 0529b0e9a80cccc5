"""A data set as a model takes it: every recording read once, and represented."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from augmentation import NoisyCopies
from torch import Tensor

from audit.data import Dataset, Problem, Sample, recording_of, split_at_random
from audit.errors import DataError
from audit.manifest import Manifest
from audit.sampling import undersampled
from audit.scaling import Scaling
from audit.suite import DataSource


@dataclass(frozen=True)
class Corpus:
    """All clips or pictures of a data set as the model takes them: inputs (n, ...), truths (n,).

    `copies` are further inputs of the same clips, (n, ...) each, to be trained on beside them.
    """

    samples: tuple[Sample, ...]
    inputs: Tensor
    truths: Tensor
    copies: tuple[Tensor, ...] = ()

    @classmethod
    def read(cls, dataset: Dataset, manifest: Manifest, noise: NoisyCopies | None = None, seed: int = 0) -> Corpus:
        """Read every recording once, and say which cannot be used."""
        problems, samples, recordings = list(dataset.problems), [], []
        for sample in dataset.samples:
            try:
                recordings.append(recording_of(sample, dataset, manifest.spec))
            except DataError as error:
                problems.append(Problem(sample.where, str(error).removeprefix(f"{sample.where}: ")))
                continue
            samples.append(sample)
        for problem in problems:
            print(f"left out: {problem.path}: {problem.reason}", file=sys.stderr)
        parts = torch.from_numpy(np.stack(recordings)).split(64)
        inputs = torch.cat([manifest.spec.represent(part) for part in parts])
        truths = torch.tensor([manifest.emotions.index(sample.emotion) for sample in samples])
        generator = torch.Generator().manual_seed(seed)
        copies = tuple(
            torch.cat([manifest.spec.represent(noise.noisy(part, generator)) for part in parts])
            for _ in range(noise.count if noise else 0)
        )
        return cls(tuple(samples), inputs, truths, copies)

    def scaled(self, scaling: Scaling) -> Corpus:
        """Return the corpus with all inputs scaled."""
        return replace(self, inputs=scaling.apply(self.inputs), copies=tuple(map(scaling.apply, self.copies)))

    def copies_of(self, others: Tensor) -> Tensor:
        """Return a boolean mask (n,) of the inputs that are equal to one of `others` (m, ...), cell by cell."""
        known = {row.numpy().tobytes() for row in others}
        return torch.tensor([row.numpy().tobytes() in known for row in self.inputs])

    def without_copies(self, rows: Tensor, judged: Tensor) -> Tensor:
        """Return the rows without those whose input is among the `judged` (m, ...), and say how many these are."""
        copies = self.copies_of(judged) & rows
        if copies.any():
            print(f"left out: {int(copies.sum())} copies of what is judged", file=sys.stderr)
        return rows & ~copies

    def parted(self, source: DataSource) -> tuple[Tensor, Tensor]:
        """Return boolean masks (n,) of what is trained on, and of the random fifth of the samples that is held out.

        What equals a held-out input is in neither; the source's `undersample` takes from the first alone.
        """
        held_out = self.rows(split_at_random(self.samples, 0.2, source.seed))
        kept = self.without_copies(~held_out, self.inputs[held_out])
        rest = [sample for sample, stays in zip(self.samples, kept.tolist(), strict=True) if stays]
        return self.rows(undersampled(rest, source.undersample, source.seed)[0]), held_out

    def rows(self, chosen: Sequence[Sample]) -> Tensor:
        """Return a boolean mask (n,) of the chosen samples."""
        ids = {sample.id for sample in chosen}
        return torch.tensor([sample.id in ids for sample in self.samples])
