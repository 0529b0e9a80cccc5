"""How each reference model is trained: on what, for how long, and how its batches are varied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from augmentation import Faces, Spectrograms
from torch import Generator, Tensor

from audit.suite import DataSource, Use


class Augmentation(Protocol):
    """A way to vary a training batch."""

    def varied(self, batch: Tensor, generator: Generator) -> Tensor:
        """Return the batch varied, in its shape and bounds."""


@dataclass(frozen=True)
class Recipe:
    """How one model is trained: the data, the settings, and how the batches are varied.

    Without `unseen`, a random fifth of `source` is held out; `folds` names group columns and how many parts each is
    cut into for accuracy on values that were never trained on, and how many of those parts are held out in turn.
    An emotion shown in a share p of the samples weighs p ** -`balance` in the loss.
    `also` names further data on which the recall of every emotion is written down.
    """

    source: DataSource
    epochs: int
    augmentation: Augmentation
    unseen: DataSource | None = None
    learning_rate: float = 2e-3
    batch: int = 64
    weight_decay: float = 0.05
    balance: float = 0.0
    adversarial: float = 0.0
    folds: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    also: Mapping[str, DataSource] = field(default_factory=dict)


def recipes(root: Path | None) -> dict[str, Recipe]:
    """Return every recipe by model name; `root` is the data the user points to."""

    def synthetic(seed: int, speakers: int, clips: int, **keys: str) -> DataSource:
        found = {"speakers": speakers, "clips": clips, "seed": seed, **keys}
        return DataSource(Use("layout", "synthetic", found), None)

    def drawn(seed: int, people: int, pictures: int, **keys: str) -> DataSource:
        found = {"people": people, "pictures": pictures, "seed": seed, **keys}
        return DataSource(Use("layout", "synthetic_faces", found), None)

    def faces(part: str) -> DataSource:
        return DataSource(Use("layout", "folder"), root / part if root else None)

    nemo = DataSource(Use("layout", "nemo"), root, seed=7)
    return {
        "nemo-resnet18": Recipe(
            nemo, epochs=30, augmentation=Spectrograms(), folds={"sentence": (5, 1), "speaker": (3, 1)}
        ),
        "nemo-attention": Recipe(
            nemo,
            epochs=80,
            augmentation=Spectrograms(noise=0.03),
            learning_rate=1e-3,
            batch=32,
            folds={"sentence": (5, 1), "speaker": (3, 1)},
        ),
        "fer-cnn-lstm": Recipe(
            faces("train"), epochs=16, augmentation=Faces(angle=10.0, noise=0.02), unseen=faces("test"), balance=0.5
        ),
        "quickstart": Recipe(
            synthetic(seed=1, speakers=40, clips=8),
            epochs=14,
            augmentation=Spectrograms(shift=8, band=0, noise=0.05),
            unseen=synthetic(seed=2, speakers=20, clips=3),
            learning_rate=4e-3,
            weight_decay=0.02,
            adversarial=0.01,
        ),
        "quickstart-faces": Recipe(
            drawn(seed=1, people=80, pictures=8),
            epochs=14,
            augmentation=Faces(shift=0.04, angle=6.0),
            unseen=drawn(seed=2, people=20, pictures=3),
            learning_rate=4e-3,
            weight_decay=0.02,
            adversarial=0.01,
        ),
        "shortcut-tone": Recipe(
            synthetic(seed=3, speakers=30, clips=6, shortcut="sadness"),
            epochs=10,
            augmentation=Spectrograms(shift=8, band=0),
            unseen=synthetic(seed=4, speakers=20, clips=3, shortcut="sadness"),
            learning_rate=4e-3,
            weight_decay=0.02,
            also={
                "recall with the tone": synthetic(seed=4, speakers=20, clips=3, shortcut="sadness"),
                "recall without it": synthetic(seed=4, speakers=20, clips=3),
            },
        ),
        "shortcut-patch": Recipe(
            drawn(seed=3, people=40, pictures=6, shortcut="happy"),
            epochs=8,
            # Moved or mirrored, the patch would leave its corner.
            augmentation=Faces(mirrored=False, shift=0.0, angle=0.0, zoom=0.0, noise=0.0),
            unseen=drawn(seed=4, people=20, pictures=3, shortcut="happy"),
            learning_rate=4e-3,
            batch=32,
            weight_decay=0.02,
            also={
                "recall with the patch": drawn(seed=4, people=20, pictures=3, shortcut="happy"),
                "recall without it": drawn(seed=4, people=20, pictures=3),
            },
        ),
    }
