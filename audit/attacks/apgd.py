"""Auto-PGD: projected gradients with momentum, whose step halves by itself where it no longer helps."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Self

import torch
from torch import Tensor

from audit.attacks.ascent import Ascent
from audit.attacks.worst import equal, per_clip, rising
from audit.errors import MethodError
from audit.kinds import attack
from audit.model import Model
from audit.randomness import SampleRng

MOMENTUM = 0.75
RISING = 0.75
"""The share of steps since the last checkpoint that must have raised the loss, for the step to stay as long."""


@attack(norm="linf")
def apgd(
    model: Model,
    inputs: Tensor,
    targets: Tensor,
    rng: SampleRng,
    *,
    epsilon: Sequence[float],
    steps: int = 20,
    restarts: int = 1,
    loss: Literal["ce", "dlr"] = "ce",
) -> Iterator[Tensor]:
    """Yield, per epsilon, the worst of each clip that Auto-PGD finds from `restarts` random starts, in input units.

    No step size is set: it is 2 epsilon at first, and at the paper's checkpoints halves for each clip of which too few
    steps raised the loss, or none its best; the clip then goes on from its best. `loss` is the cross-entropy, climbed
    as by `pgd`, or the difference of logits ratio (`dlr`), which needs three emotions. The first start, what counts as
    the worst, and when a clip is done are as of `pgd`.
    Croce and Hein (2020), Reliable evaluation of adversarial robustness with an ensemble of diverse parameter-free
    attacks. Raises MethodError for fewer steps or restarts than 1, and for `dlr` of fewer emotions than three.
    """
    if steps < 1 or restarts < 1:
        raise MethodError(f"apgd needs steps and restarts of at least 1, not {steps} and {restarts}")
    if loss == "dlr" and len(model.emotions) < 3:
        raise MethodError(f"apgd: loss dlr needs 3 emotions, and model {model.name!r} knows 2; set loss: ce")
    ascent = Ascent(model, inputs, targets, norm="linf", loss=loss)

    def search(radii: Tensor) -> None:
        for start in ascent.starts(rng, radii, restarts):
            _climb(ascent, start, radii, steps)

    yield from rising(ascent, equal(inputs, epsilon), search)


def checkpoints(steps: int) -> list[int]:
    """Return after how many of `steps` the length of a step is looked at again."""
    shares = [0.0, 0.22]
    while shares[-1] < 1.0:
        shares.append(shares[-1] + max(shares[-1] - shares[-2] - 0.03, 0.06))
    found = (math.ceil(share * steps - 1e-9) for share in shares[1:])
    return sorted({point for point in found if point <= steps})


def _climb(ascent: Ascent, start: Tensor, radii: Tensor, steps: int) -> None:
    rows = ascent.left()
    at = ascent.inside(rows, start[rows], radii)
    losses, gradient = ascent.climbing(rows, at)
    run = _Run(rows, at, gradient, losses, 2 * radii[rows])
    due = checkpoints(steps)
    for taken in range(1, steps + 1):
        run = run.only(ascent.going(run.rows))
        if not len(run.rows):
            return
        ahead = ascent.inside(run.rows, run.at + per_clip(run.step, run.at) * ascent.uphill(run.gradient), radii)
        if taken > 1:
            ahead = run.at + MOMENTUM * (ahead - run.at) + (1 - MOMENTUM) * (run.at - run.before)
            ahead = ascent.inside(run.rows, ahead, radii)
        if taken == steps:
            ascent.look(run.rows, ahead)
            return
        run.arrive(ahead, *ascent.climbing(run.rows, ahead))
        if taken in due:
            run.check(taken - max((point for point in due if point < taken), default=0))


@dataclass
class _Run:
    """Where clips are, the gradient there, and where each had its highest loss; one row per clip `rows` still in it."""

    rows: Tensor
    at: Tensor
    gradient: Tensor
    loss: Tensor
    step: Tensor

    def __post_init__(self) -> None:
        self.before = self.at
        self.best, self.best_gradient, self.highest = self.at, self.gradient, self.loss
        self.rises = torch.zeros_like(self.rows)
        self.highest_then = self.loss
        self.halved = torch.zeros_like(self.rows, dtype=torch.bool)

    def only(self, kept: Tensor) -> Self:
        """Drop the clips that are not kept, (n,) boolean."""
        for name, value in vars(self).items():
            setattr(self, name, value[kept])
        return self

    def arrive(self, at: Tensor, loss: Tensor, gradient: Tensor) -> None:
        """Take one step."""
        self.rises = self.rises + (loss > self.loss)
        self.before, self.at, self.loss, self.gradient = self.at, at, loss, gradient
        higher = loss > self.highest
        wide = per_clip(higher, at)
        self.best = torch.where(wide, at, self.best)
        self.best_gradient = torch.where(wide, gradient, self.best_gradient)
        self.highest = torch.where(higher, loss, self.highest)

    def check(self, taken: int) -> None:
        """Halve the step of the clips it serves no longer, `taken` steps after the last look, and take them back."""
        stuck = ~self.halved & (self.highest == self.highest_then)
        self.halved = (self.rises < RISING * taken) | stuck
        self.step = torch.where(self.halved, self.step / 2, self.step)
        wide = per_clip(self.halved, self.at)
        self.at = torch.where(wide, self.best, self.at)
        self.gradient = torch.where(wide, self.best_gradient, self.gradient)
        self.loss = torch.where(self.halved, self.highest, self.loss)
        self.rises, self.highest_then = torch.zeros_like(self.rises), self.highest
