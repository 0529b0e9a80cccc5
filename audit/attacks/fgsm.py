"""The fast gradient sign method."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import Tensor

from audit.kinds import attack
from audit.model import Model, gradient
from audit.randomness import SampleRng


@attack(norm="linf")
def fgsm(
    model: Model, inputs: Tensor, targets: Tensor, rng: SampleRng, *, epsilon: Sequence[float]
) -> Iterator[Tensor]:
    """Yield `x + epsilon sign(dL/dx)` per epsilon, in input units; one gradient serves the whole curve.

    L is the cross-entropy at the true emotions `targets`, (n,).
    Goodfellow, Shlens and Szegedy (2015), Explaining and Harnessing Adversarial Examples.
    """
    del rng
    direction = gradient(model, inputs, targets).sign()
    for size in epsilon:
        yield inputs + size * direction
