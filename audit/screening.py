"""What a screen of the data is given and answers with: items, what was kept of their recordings, findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from audit.data import Recording, Sample
from audit.errors import MethodError, did_you_mean
from audit.modality import words_of


@dataclass(frozen=True)
class Decoded:
    """A recording as it was decoded, before it is fitted to a model's input.

    `values` is a mono waveform (samples,) in [-1, 1] at `rate` Hz; with a `rate` of 0 a picture (height, width, 3) or
    frames (number, height, width) in [0, 1], or a waveform and then frames, flat (values,).
    """

    values: Recording
    rate: int

    @property
    def is_picture(self) -> bool:
        """Whether it is to be looked at."""
        return self.values.ndim == 3


@dataclass(frozen=True)
class Item:
    """One sample of the judged or of the train set; `kept` is what the screen's `reads` returned of its recording.

    `name` is its path from the folder that all items share, or its id where it has no path.
    """

    sample: Sample
    name: str
    in_train: bool = False
    kept: Any = None

    @property
    def place(self) -> str:
        """What a reason calls it: its name, and the set that it is in."""
        return f"{self.name} in the {'train' if self.in_train else 'judged'} set"


@dataclass(frozen=True)
class Items:
    """The judged items and those of the train set (None where none is declared), each sorted by id.

    Where several judged items are the same, the first of them stays and the others are found.
    `read` decodes an item's recording once more, for a closer look at a few; it raises DataError.
    """

    modality: str
    judged: tuple[Item, ...]
    train: tuple[Item, ...] | None
    read: Callable[[Item], Decoded]

    @property
    def all(self) -> tuple[Item, ...]:
        """The train items, then the judged ones."""
        return (*(self.train or ()), *self.judged)

    def trained_on(self) -> tuple[Item, ...]:
        """Return the train items; raises MethodError where the suite declares none."""
        if self.train is None:
            raise MethodError("needs the train set: declare it as `train:` under `data:`, `train: rest` or a source")
        return self.train

    def group(self, column: str) -> Iterator[tuple[Item, str]]:
        """Yield every item with its value of a group column; raises MethodError where an item has none."""
        for part, items in (("train", self.train or ()), ("judged", self.judged)):
            lacking = [item for item in items if column not in item.sample.groups]
            if lacking:
                there = sorted({name for item in items for name in item.sample.groups})
                near = did_you_mean(column, there) if column not in there else ""
                raise MethodError(
                    f"{len(lacking)} of {len(items)} {words_of(self.modality).noun}s of the {part} set have no column "
                    f"{column!r}, the first {lacking[0].name}{near} (there are: {', '.join(there) or 'none'})"
                )
            yield from ((item, item.sample.groups[column]) for item in items)


@dataclass(frozen=True)
class Finding:
    """One item that is concerned and why, in words for the report, beside its `partner` where there is one.

    Findings of one `group` belong together, such as all copies of one picture. A finding on a train item is counted and
    listed, and takes no judged sample away.
    """

    item: Item
    reason: str
    partner: Item | None = None
    group: str | None = None


def labelled(item: Item, partner: Item) -> str:
    """Return how the partner is labelled, seen from the item."""
    same = partner.sample.emotion == item.sample.emotion
    return "with the same label" if same else f"labelled {partner.sample.emotion} there"
