"""Projected gradient ascent on the loss, in l-infinity balls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from torch import Tensor

from audit.attacks.ascent import Ascent, projected
from audit.attacks.worst import equal
from audit.kinds import attack
from audit.model import Model
from audit.randomness import SampleRng


@attack(norm="linf")
def pgd(
    model: Model,
    inputs: Tensor,
    targets: Tensor,
    rng: SampleRng,
    *,
    epsilon: Sequence[float],
    steps: int = 20,
    restarts: int = 1,
    step: float | None = None,
    loss: Literal["ce", "margin"] = "ce",
) -> Iterator[Tensor]:
    """Yield, per epsilon, the worst of each clip that `steps` along the sign of the gradient find, in input units.

    Each of `restarts` starts at a random place of the ball, but the first at the worst of the next smaller epsilon,
    stretched, where there is one. A `step` is a share of epsilon, 2.5 / `steps` where it is left out. `loss` is the
    cross-entropy, or the largest other logit less the true emotion's (`margin`). What is climbed for `ce` is the
    logarithm of the odds against the true emotion: the same direction, without the cross-entropy's zero gradients
    where a model is sure of itself. The worst is the lowest margin of all places seen, not the last. A clip that is
    misclassified is done, and stays so at every larger epsilon.
    Madry, Makelov, Schmidt, Tsipras and Vladu (2018), Towards deep learning models resistant to adversarial attacks;
    the margin from Carlini and Wagner (2017), Towards evaluating the robustness of neural networks.
    Raises MethodError for fewer steps or restarts than 1, or a step that is not above 0.
    """
    ascent = Ascent(model, inputs, targets, norm="linf", loss=loss)
    return projected(ascent, equal(inputs, epsilon), rng, steps=steps, restarts=restarts, step=step)
