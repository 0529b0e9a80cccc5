"""Reads the recordings of the judged and the train set, each once, and keeps what the screens go by."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from audit.data import Dataset, Problem, Sample, printable
from audit.errors import DataError
from audit.input_spec import InputSpec
from audit.progress import Progress
from audit.screening import Decoded, Item

Reader = Callable[[Decoded], Any]
DIMENSIONS = {
    "speech": (1, "a waveform (samples,)"),
    "face": (3, "a picture (height, width, 3)"),
    "video": (3, "a stack of frames (frames, height, width)"),
    "audiovisual": (1, "a waveform and then frames (values,)"),
}


@dataclass(frozen=True)
class Source:
    """One of the two sets: its samples, how they are read, and what `readers` keep of each."""

    dataset: Dataset
    samples: Sequence[Sample]
    readers: Mapping[Hashable, Reader]


@dataclass
class Gathered:
    """The samples that could be read with what was kept of them, by reader, and those that could not, with why."""

    kept: list[tuple[Sample, Mapping[Hashable, Any]]] = field(default_factory=list)
    unread: list[Problem] = field(default_factory=list)

    def items(self, reader: Hashable, names: Mapping[str, str], in_train: bool) -> tuple[Item, ...]:
        """Return them as items with what this reader kept, sorted by id."""
        rows = sorted(self.kept, key=lambda row: row[0].id)
        return tuple(Item(each, names[each.where], in_train, found.get(reader)) for each, found in rows)


def gather(source: Source, spec: InputSpec, progress: Progress) -> Gathered:
    """Return what the source's readers keep of its samples; one recording at a time is held in memory."""
    gathered = Gathered()
    for sample in source.samples:
        try:
            decoded = decode(sample, source.dataset, spec) if source.readers else None
        except DataError as error:
            gathered.unread.append(Problem(sample.where, str(error).removeprefix(f"{sample.where}: ")))
        else:
            kept = {key: reader(decoded) for key, reader in source.readers.items()} if decoded else {}
            gathered.kept.append((sample, kept))
        progress.advance(1)
    return gathered


def decode(sample: Sample, dataset: Dataset, spec: InputSpec) -> Decoded:
    """Return a recording as decoded; raises DataError where it is unreadable, empty, of another kind or not finite."""
    raw, rate = (dataset.read or spec.read)(sample)
    values = np.asarray(raw, dtype=np.float32)
    dimensions, noun = DIMENSIONS[spec.modality]
    if values.ndim != dimensions or not values.size:
        raise DataError(f"{sample.where}: is no {noun.removeprefix('a ')} but of shape {values.shape}")
    if not np.isfinite(values).all():
        raise DataError(f"{sample.where}: holds NaN or infinite values")
    return Decoded(values, int(rate))


def names_of(samples: Iterable[Sample]) -> dict[str, str]:
    """Return, by where a sample lies, its path from the folder that all share; of one without a path, its id."""
    everything = list(samples)
    paths = {each.where: os.path.abspath(each.path) for each in everything if each.path is not None}
    shared = os.path.commonpath([os.path.dirname(path) for path in paths.values()]) if paths else ""
    short = {where: printable(Path(os.path.relpath(path, shared)).as_posix()) for where, path in paths.items()}
    return {each.where: short.get(each.where, each.id) for each in everything}
