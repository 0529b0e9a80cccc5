"""Some clips of a data set, read once and heard by any specification."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from audit.data import Problem, Recording, Sample
from audit.errors import DataError
from audit.input_spec import InputSpec
from audit.model import Model
from audit.seeds import stream_seed

SEED = 7
BATCH = 32


@dataclass(frozen=True)
class Clips:
    """Samples with their recordings as they were read, and the rate of each in Hz (0 of a picture)."""

    samples: tuple[Sample, ...]
    raw: tuple[tuple[Recording, int], ...]
    problems: tuple[Problem, ...] = ()

    def __len__(self) -> int:
        return len(self.samples)

    def first(self, count: int) -> Clips:
        """Return the first `count` of them."""
        return Clips(self.samples[:count], self.raw[:count])

    def inputs(self, spec: InputSpec) -> Tensor:
        """Return what `spec` makes of them, (n, ...); raises DataError for one that it cannot hear."""
        heard = [
            spec.recording(np.asarray(raw), rate, sample.where)
            for sample, (raw, rate) in zip(self.samples, self.raw, strict=True)
        ]
        recordings = torch.from_numpy(np.stack(heard))
        with torch.inference_mode():
            return torch.cat([spec.represent(part) for part in recordings.split(BATCH)])


def read_clips(
    samples: Sequence[Sample],
    count: int,
    read: Callable[[Sample], tuple[Recording, int]],
    spec: InputSpec | None = None,
) -> Clips:
    """Return up to `count` clips, shared out evenly over emotions; what cannot be read is a problem, and another's.

    Which ones is a matter of their ids and a fixed seed alone, and the first few are as evenly shared as all of them.
    With `spec`, one that it cannot hear (silent, too short) is a problem as well.
    Raises DataError where none can be read.
    """
    chosen: list[Sample] = []
    raw: list[tuple[Recording, int]] = []
    problems: list[Problem] = []
    for sample in in_turn(samples):
        if len(chosen) == count:
            break
        try:
            found = read(sample)
            if spec is not None:
                spec.recording(np.asarray(found[0]), found[1], sample.where)
        except DataError as error:
            path = sample.where
            problems.append(Problem(path, str(error).removeprefix(f"{path}: ")))
            continue
        chosen.append(sample)
        raw.append(found)
    if not chosen:
        first = f"; the first: {problems[0].path}: {problems[0].reason}" if problems else ""
        raise DataError(f"none of {len(samples)} clips can be used{first}")
    return Clips(tuple(chosen), tuple(raw), tuple(problems))


def in_turn(samples: Sequence[Sample]) -> Iterator[Sample]:
    """Yield the samples in an order drawn by a fixed seed in which the emotions take turns."""
    rank: dict[str, int] = {}
    placed = []
    for sample in sorted(samples, key=lambda s: stream_seed(SEED, "probe", s.id)):
        rank[sample.emotion] = rank.get(sample.emotion, 0) + 1
        placed.append((rank[sample.emotion], sample.emotion, sample.id, sample))
    yield from (sample for *_, sample in sorted(placed, key=lambda row: row[:3]))


def logits_of(model: Model, inputs: Tensor, *, batch: int = BATCH, shuffled: bool = True) -> Tensor:
    """Return logits (n, emotions) on the CPU in double precision, batch by batch.

    The inputs are `shuffled` by a fixed seed: where emotions take turns, a model that counts would be right.
    """
    turn = torch.arange(len(inputs))
    if shuffled:
        turn = torch.randperm(len(inputs), generator=torch.Generator().manual_seed(SEED))
    with torch.inference_mode():
        parts = [model.logits(inputs[part].to(model.device)).cpu().double() for part in turn.split(batch)]
    return torch.cat(parts)[turn.argsort()]
