"""Projected gradient ascent on the loss, in l2 balls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from torch import Tensor

from audit.attacks.ascent import Ascent, projected
from audit.attacks.worst import equal
from audit.kinds import attack
from audit.model import Model
from audit.randomness import SampleRng


@attack(norm="l2")
def pgd_l2(
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
    """Yield, per epsilon, the worst of each clip that `steps` along the gradient find within that l2 distance.

    As `pgd`, but that each step is along the gradient itself, and each start is on the ball's surface: in many
    dimensions that is where nearly all of a ball is.
    Madry, Makelov, Schmidt, Tsipras and Vladu (2018), Towards deep learning models resistant to adversarial attacks.
    Raises MethodError for fewer steps or restarts than 1, or a step that is not above 0.
    """
    ascent = Ascent(model, inputs, targets, norm="l2", loss=loss)
    return projected(ascent, equal(inputs, epsilon), rng, steps=steps, restarts=restarts, step=step)
