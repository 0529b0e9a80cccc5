"""Attacks as users write their own: some step out of their balls, some help."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from audit.kinds import attack
from audit.model import Model
from audit.randomness import SampleRng


@attack(norm="l2")
def far(model: Model, inputs: Tensor, targets: Tensor, rng: SampleRng, *, epsilon: Sequence[float]) -> Iterator[Tensor]:
    """Steps out of its ball, along random noise."""
    for size in epsilon:
        yield inputs + 10 * size * rng.normal(inputs)


@attack(norm="snr_db", gradients=False)
def loud(model: Model, inputs: Tensor, targets: Tensor, rng: SampleRng, *, snr_db: Sequence[float]) -> Iterator[Tensor]:
    """Is louder than it may be."""
    for _ in snr_db:
        yield inputs + rng.normal(inputs)


def drawn(inputs: Tensor, targets: Tensor) -> Tensor:
    """Return blank pictures with a blob in the quadrant of the target."""
    blank = torch.full_like(inputs, 0.15)
    for picture, target in zip(blank, targets.tolist(), strict=True):
        top, left = 2 + 8 * (target // 2), 2 + 8 * (target % 2)
        picture[0, top : top + 4, left : left + 4] = 0.75
    return blank


@attack(norm="linf", gradients=False)
def helpful(
    model: Model, inputs: Tensor, targets: Tensor, rng: SampleRng, *, epsilon: Sequence[float]
) -> Iterator[Tensor]:
    """Draws what is to be recognised."""
    for _ in epsilon:
        yield drawn(inputs, targets)


@attack(norm="linf", gradients=False)
def as_helpful(
    model: Model, inputs: Tensor, targets: Tensor, rng: SampleRng, *, epsilon: Sequence[float]
) -> Iterator[Tensor]:
    """Draws it brighter."""
    for _ in epsilon:
        yield drawn(inputs, targets) + 0.1
