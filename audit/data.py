"""What the model is judged on: samples, the recordings behind them, and what could not be used."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile
from numpy.typing import NDArray
from PIL import Image, ImageOps

from audit.errors import DataError
from audit.video import read_sound

if TYPE_CHECKING:
    from audit.input_spec import InputSpec

Waveform = NDArray[np.float32]
Recording = NDArray[np.float32]
"""A waveform, mono in [-1, 1], a picture or frames in [0, 1], or a waveform and then frames, flat."""
VIDEOS = (".mp4", ".m4v", ".mov", ".mkv", ".avi", ".webm")
"""Endings of files that are taken for videos."""


def printable(text: str) -> str:
    r"""Return the text with what UTF-8 cannot hold, such as odd bytes in a file's name, written out as `\udcff`."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


@dataclass(frozen=True)
class Sample:
    """One recording: `groups` holds speaker, sex and whatever else the data set says of it."""

    id: str
    path: Path | None
    emotion: str
    groups: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", printable(self.id))
        object.__setattr__(self, "emotion", printable(self.emotion))
        object.__setattr__(self, "groups", {name: printable(value) for name, value in self.groups.items()})

    @property
    def where(self) -> str:
        """What messages call it: its path, or its id where it has none."""
        return str(self.path or self.id)


@dataclass(frozen=True)
class Problem:
    """An item the audit could not use, and why; shown in the report, never dropped in silence."""

    path: str
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", printable(self.path))
        object.__setattr__(self, "reason", printable(self.reason))


@dataclass(frozen=True)
class Region:
    """A rectangle in time and frequency, seconds and Hz."""

    start: float
    end: float
    low: float
    high: float


@dataclass(frozen=True)
class Patch:
    """A rectangle in a picture, in shares of its height and width from the upper left: 0 to 0.1 is the first tenth."""

    top: float
    bottom: float
    left: float
    right: float


@dataclass(frozen=True)
class Dataset:
    """The samples of one split, the problems met, and how to read a sample, where that is not by its path."""

    samples: tuple[Sample, ...]
    problems: tuple[Problem, ...]
    read: Callable[[Sample], tuple[Recording, int]] | None = None
    truth: Callable[[Sample], tuple[Region | Patch, ...]] | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Clips by emotion that the suite declares not to judge."""
    undersampled: Mapping[str, int] = field(default_factory=dict)
    """Clips by emotion that undersampling leaves out of the split."""
    unusable: tuple[Sample, ...] = ()
    """Samples of the split that cannot be judged, each with its reason among the problems."""


def read_audio(sample: Sample) -> tuple[Waveform, int]:
    """Return (mono waveform in [-1, 1], sampling rate in Hz) of `sample.path`, a video's too; raises DataError."""
    assert sample.path is not None
    if sample.path.suffix.lower() in VIDEOS:
        return read_sound(sample.path)
    try:
        # Opened here, because libsndfile takes no name that is not UTF-8.
        with sample.path.open("rb") as file:
            waveform, rate = soundfile.read(file, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise DataError(f"{sample.path}: cannot be read as audio ({error})") from error
    return waveform.mean(axis=1), int(rate)


def read_picture(sample: Sample) -> Recording:
    """Return the picture (height, width, 3) in [0, 1] of `sample.path`; raises DataError."""
    assert sample.path is not None
    try:
        with sample.path.open("rb") as file, Image.open(file) as image:
            # As a camera held it, not as its sensor lay.
            upright = ImageOps.exif_transpose(image).convert("RGB")
            return np.asarray(upright, dtype=np.float32) / 255.0
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"{sample.path}: cannot be read as a picture ({error})") from error


def recording_of(sample: Sample, dataset: Dataset, spec: InputSpec) -> Recording:
    """Return the sample's recording as the model's input is made of it: a waveform, a picture, frames.

    Raises DataError naming the path for one that is unreadable, too short, silent, blank or not finite.
    """
    raw, rate = (dataset.read or spec.read)(sample)
    return spec.recording(np.asarray(raw), rate, sample.where)


def split_at_random(samples: Sequence[Sample], share: float, seed: int) -> tuple[Sample, ...]:
    """Return a random `share` of the samples; a clip more or less in the data moves at most one other across."""
    chosen = set(_first([sample.id for sample in samples], round(share * len(samples)), seed))
    return tuple(sample for sample in samples if sample.id in chosen)


def split_by_group(samples: Sequence[Sample], column: str, share: float, seed: int) -> tuple[Sample, ...]:
    """Return all samples of a random `share` of the values of a group column, so that no value is in both parts."""
    values = sorted({_group(sample, column) for sample in samples})
    chosen = set(_first(values, max(1, round(share * len(values))), seed))
    return tuple(sample for sample in samples if _group(sample, column) in chosen)


def _first(names: Sequence[str], count: int, seed: int) -> list[str]:
    """Return the `count` names that come first in an order that each name's own hash decides."""

    def place(name: str) -> bytes:
        return hashlib.blake2b(f"{seed}\x1f{name}".encode("utf-8", "surrogatepass")).digest()

    return sorted(names, key=place)[:count]


def where_group(samples: Sequence[Sample], column: str, values: Iterable[str]) -> tuple[Sample, ...]:
    """Return the samples whose group column holds one of `values`."""
    wanted = set(values)
    return tuple(sample for sample in samples if _group(sample, column) in wanted)


def _group(sample: Sample, column: str) -> str:
    if column not in sample.groups:
        raise DataError(f"{sample.where}: no column {column!r} (there are: {', '.join(sample.groups) or 'none'})")
    return sample.groups[column]
