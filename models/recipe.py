"""How a reference model is trained: on what, for how long, and how its batches are varied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from augmentation import NoisyCopies
from torch import Generator, Tensor

from audit.suite import DataSource


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
    `mixup` is the parameter of the Beta distribution that the shares of mixed samples are drawn from, 0 for none
    (Zhang et al. 2018); `adversarial` the largest step of the gradient's sign that batches are attacked with.
    `noise` adds noisy copies of the clips. `scaling` is a file in `weights/`, which the manifest's own `scaling` names:
    mean and deviation of every row of what is trained on are written into it first.
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
    mixup: float = 0.0
    folds: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    also: Mapping[str, DataSource] = field(default_factory=dict)
    noise: NoisyCopies | None = None
    scaling: str | None = None
    ending: ClassVar[str] = ".safetensors"
