"""Climbing a loss inside a ball around each clip: what the attacks by gradient share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor

from audit.attacks.worst import Worst, margins, per_clip, rising
from audit.errors import MethodError
from audit.model import Model, log_odds, slope
from audit.randomness import SampleRng

Norm = Literal["linf", "l2"]


def negative_margin(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the largest other logit less the target's, (n,).

    Carlini and Wagner (2017), Towards evaluating the robustness of neural networks.
    """
    return -margins(logits, targets)


def logits_ratio(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the negative margin as a share of the largest logit's distance from the third, (n,).

    Neither shifting nor scaling the logits changes it.
    Croce and Hein (2020), Reliable evaluation of adversarial robustness with an ensemble of diverse
    parameter-free attacks.
    """
    ranked = logits.sort(1, descending=True).values
    return -margins(logits, targets) / (ranked[:, 0] - ranked[:, 2]).clamp_min(1e-12)


LOSSES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "ce": log_odds,
    "margin": negative_margin,
    "dlr": logits_ratio,
}


class Ascent(Worst):
    """Clips under attack by the gradient of a loss, in balls of one norm.

    Raises MethodError where the model has no gradients.
    """

    def __init__(
        self, model: Model, inputs: Tensor, targets: Tensor, *, norm: Norm, loss: str, enough: float = 0.0
    ) -> None:
        if not model.differentiable:
            raise MethodError(f"model {model.name!r} gives no gradients; use a method that needs none")
        self.norm, self.loss = norm, LOSSES[loss]
        self.searched: Tensor | None = None
        super().__init__(model, inputs, targets, enough=enough)

    def climbing(self, rows: Tensor, at: Tensor) -> tuple[Tensor, Tensor]:
        """Look at `at` (m, ...), and return its loss, (m,), and the loss's gradient, (m, ...), zero where it is NaN."""
        losses, gradients = [], []
        for part in self.parts(len(rows)):
            leaf = self.filled(at, part).requires_grad_(True)
            with torch.enable_grad():
                logits = self.model.logits(leaf)
                loss = self.loss(logits, self.filled(self.targets[rows], part))
                gradient = slope(loss.sum(), leaf)
            self.keep(rows[part], at[part], logits.detach())
            losses.append(loss.detach()[: len(part)])
            gradients.append(gradient[: len(part)])
        return torch.cat(losses), torch.cat(gradients).nan_to_num(0.0, 0.0, 0.0)

    def uphill(self, gradient: Tensor) -> Tensor:
        """Return the step of length one that the loss rises most along, (m, ...); none where it is flat."""
        if self.norm == "linf":
            return gradient.sign()
        # By the largest first: the squares of a small gradient are zero.
        largest = per_clip(gradient.flatten(1).abs().amax(1), gradient)
        scaled = torch.where(largest > 0, gradient / largest, 0.0)
        return scaled / per_clip(lengths(scaled).clamp_min(1.0), scaled)

    def inside(self, rows: Tensor, proposal: Tensor, radii: Tensor) -> Tensor:
        """Return `proposal` (m, ...) brought into the clips' balls, `radii` (n,), and the model's bounds."""
        centre, radius = self.inputs[rows], per_clip(radii[rows], proposal)
        if self.norm == "linf":
            near = torch.minimum(torch.maximum(proposal, centre - radius), centre + radius)
        else:
            step = proposal - centre
            length = per_clip(lengths(step), step)
            near = torch.where(length > radius, centre + step * (radius / length), proposal)
        return self.model.spec.clip(near)

    def somewhere(self, rng: SampleRng, radii: Tensor) -> Tensor:
        """Return a random place in each clip's ball, (n, ...): uniform for linf; for l2, uniform in its distance."""
        if self.norm == "linf":
            return self.inputs + per_clip(radii, self.inputs) * (2.0 * rng.uniform(self.inputs) - 1.0)
        distance = radii * rng.uniform(radii)
        return self.inputs + per_clip(distance, self.inputs) * self.uphill(rng.normal(self.inputs))

    def starts(self, rng: SampleRng, radii: Tensor, count: int) -> Iterator[Tensor]:
        """Yield `count` places to start from, (n, ...), as long as a clip is left.

        Random ones; but the first is the worst that was found in a smaller ball, stretched to this one.
        """
        for index in range(count):
            if not len(self.left()):
                return
            start = self.somewhere(rng, radii)
            if index == 0 and self.searched is not None:
                worst = self.found - self.inputs
                stretched = self.inputs + per_clip(radii / self.searched.clamp_min(1e-30), worst) * worst
                start = torch.where(per_clip(worst.flatten(1).any(1), worst), stretched, start)
            yield start
        self.searched = radii

    def climb(self, start: Tensor, radii: Tensor, *, steps: int, step: float) -> None:
        """Take `steps` of `step` radii from `start` (n, ...), each clip until it is done."""
        rows = self.left()
        at = self.inside(rows, start[rows], radii)
        for _ in range(steps):
            _, gradient = self.climbing(rows, at)
            going = self.going(rows)
            rows, at, gradient = rows[going], at[going], gradient[going]
            if not len(rows):
                return
            at = self.inside(rows, at + per_clip(step * radii[rows], at) * self.uphill(gradient), radii)
        self.look(rows, at)


def projected(
    ascent: Ascent, radii: Sequence[Tensor], rng: SampleRng, *, steps: int, restarts: int, step: float | None
) -> Iterator[Tensor]:
    """Yield projected gradient ascent's worst of each clip, (n, ...), per item of `radii`, in their order.

    Raises MethodError for fewer steps or restarts than 1, or a step that is not above 0.
    """
    if steps < 1 or restarts < 1 or (step is not None and not step > 0):
        raise MethodError(
            f"projected gradients need steps and restarts of at least 1 and a step above 0 (or none), "
            f"not {steps}, {restarts} and {step}"
        )

    def search(size: Tensor) -> None:
        for start in ascent.starts(rng, size, restarts):
            ascent.climb(start, size, steps=steps, step=step or 2.5 / steps)

    return rising(ascent, radii, search)


def lengths(inputs: Tensor) -> Tensor:
    """Return each row's l2 norm, (n,)."""
    return inputs.flatten(1).norm(dim=1)
