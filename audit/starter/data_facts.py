"""What recordings are like: rates, lengths, sizes, colours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from audit.probing.clips import Clips
from audit.probing.found_data import FoundData

MOST_VALUES = 50


@dataclass(frozen=True)
class DataFacts:
    """Of clips: sampling rates in Hz and lengths in seconds, or sizes (height, width) and whether all are grey."""

    modality: str
    rates: tuple[int, ...]
    seconds: tuple[float, ...]
    sizes: tuple[tuple[int, int], ...]
    grey: bool

    @property
    def rate(self) -> int:
        """The most frequent sampling rate, Hz."""
        return Counter(self.rates).most_common(1)[0][0] if self.rates else 0

    @property
    def size(self) -> tuple[int, int]:
        """The most frequent height and width, pixels."""
        return Counter(self.sizes).most_common(1)[0][0]

    def length(self, share: float = 0.5) -> float:
        """Return the length, in seconds, that a share of the clips does not exceed."""
        return float(np.quantile(self.seconds, share))

    @property
    def lengths(self) -> str:
        """The range of lengths: `1.2 to 4.3 s`."""
        ends = dict.fromkeys(f"{end:.1f}" for end in (min(self.seconds), max(self.seconds)))
        return f"{' to '.join(ends)} s"

    def __str__(self) -> str:
        """Return it in words: `16000 Hz, 1.2 to 4.3 s`."""
        if self.modality == "face":
            sizes = sorted(set(self.sizes))
            shown = " x ".join(map(str, self.size)) + (" pixels" if len(sizes) == 1 else " pixels most often")
            return f"{shown}, {'grey' if self.grey else 'in colours'}"
        rates = sorted(set(self.rates))
        shown = f"{rates[0]} Hz" if len(rates) == 1 else f"{rates[0]} to {rates[-1]} Hz"
        return f"{shown}, {self.lengths}"


def facts_of(clips: Clips, modality: str) -> DataFacts:
    """Return what the clips are like."""
    if modality == "face":
        pictures = [raw for raw, _ in clips.raw]
        grey = all(np.ptp(picture, axis=2).max() < 1 / 255 for picture in pictures)
        sizes = tuple((int(picture.shape[0]), int(picture.shape[1])) for picture in pictures)
        return DataFacts(modality, (), (), sizes, grey)
    rates = tuple(rate for _, rate in clips.raw)
    return DataFacts(modality, rates, tuple(len(raw) / rate for raw, rate in clips.raw), (), False)


def groups_of(found: FoundData) -> dict[str, int]:
    """Return the columns that every clip has and that tell groups, by how many values they hold."""
    columns: set[str] = set.intersection(*(set(sample.groups) for sample in found.samples)) if found.samples else set()
    counts = {name: len({sample.groups[name] for sample in found.samples}) for name in sorted(columns)}
    # A column with a value of its own for nearly every clip is an id, not a group.
    return {name: count for name, count in counts.items() if count <= max(MOST_VALUES, len(found.samples) // 10)}


def cluster_of(groups: Collection[str]) -> str | None:
    """Return the column whose clips are not independent of each other."""
    return next((name for name in ("speaker", "speaker_id", "actor", "subject", "person") if name in groups), None)
