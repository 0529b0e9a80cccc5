"""The worst found of each clip: what the attacks that look for it keep, and how they ask."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from audit.model import Model

ROUNDING = 5e-6
"""How far a clip's logits may differ from batch to batch, as a share of the largest."""
BATCH, BATCH_ON_DEVICE = 8, 32
"""How many clips are asked about at once, on the CPU and elsewhere, always: a clip's last digits change with the size
of its batch, not with what else is in it, and a sign that turned on them would lead elsewhere."""


class Worst:
    """Clips under attack: `found` (n, ...) is the worst of each so far, itself at first, by `margins` (n,).

    A clip is done where its margin is below `enough`, and is not asked about any more.
    """

    def __init__(self, model: Model, inputs: Tensor, targets: Tensor, *, enough: float = 0.0) -> None:
        self.model, self.inputs, self.targets, self.enough = model, inputs.detach(), targets, enough
        self.found = self.inputs.clone()
        self.margins = torch.full((len(inputs),), math.inf, device=inputs.device)
        self.size = BATCH if inputs.device.type == "cpu" else BATCH_ON_DEVICE
        self.look(self.left(), self.inputs)

    def left(self) -> Tensor:
        """Return the rows that are not done."""
        return self.going(torch.arange(len(self.inputs), device=self.inputs.device)).nonzero().squeeze(1)

    def going(self, rows: Tensor) -> Tensor:
        """Return which of these rows are not done, (m,) boolean."""
        return self.margins[rows] >= self.enough

    def look(self, rows: Tensor, at: Tensor) -> None:
        """Ask about `at` (m, ...), changes of the clips `rows`, and keep what is worse than the worst."""
        with torch.no_grad():
            for part in self.parts(len(rows)):
                self.keep(rows[part], at[part], self.model.logits(self.filled(at, part)))

    def keep(self, rows: Tensor, at: Tensor, logits: Tensor) -> None:
        """Keep what is worse than the worst; of `logits`, the first are those of `at` (m, ...)."""
        logits = logits[: len(rows)]
        # What is misclassified by no more than rounding may be recognised in a batch of another size.
        slack = ROUNDING * logits.abs().amax(1).clamp_min(1.0)
        reached = (margins(logits, self.targets[rows]) + slack).to(self.margins)
        worse = reached < self.margins[rows]
        self.found[rows[worse]], self.margins[rows[worse]] = at[worse], reached[worse]

    def parts(self, count: int) -> tuple[Tensor, ...]:
        """Return range(count) in batches, the last perhaps smaller."""
        return torch.arange(count, device=self.inputs.device).split(self.size) if count else ()

    def filled(self, values: Tensor, part: Tensor) -> Tensor:
        """Return a copy of these rows of `values`, the last repeated until the batch is full."""
        return values[torch.cat([part, part[-1:].expand(self.size - len(part))])]


def rising(worst: Worst, radii: Sequence[Tensor], search: Callable[[Tensor], None]) -> Iterator[Tensor]:
    """Yield the worst found of each clip per ball in the order of `radii`, each (n,), the smallest searched first.

    Balls lie in one another, so that what was found in a smaller one stands: no clip is recognised again further out.
    """
    found: dict[int, Tensor] = {}
    for index in sorted(range(len(radii)), key=lambda i: float(radii[i].sum())):
        if bool((radii[index] > 0).any()):
            search(radii[index])
        found[index] = worst.found.clone()
    yield from (found[index] for index in range(len(radii)))


def margins(logits: Tensor, targets: Tensor) -> Tensor:
    """Return each row's value at its target less the largest other, (n,), of logits or of probabilities."""
    others = logits.scatter(1, targets[:, None], -math.inf).amax(1)
    return logits.gather(1, targets[:, None]).squeeze(1) - others


def equal(inputs: Tensor, epsilon: Sequence[float]) -> list[Tensor]:
    """Return every epsilon as the radius of each of these clips, (n,)."""
    return [inputs.new_full((len(inputs),), size) for size in epsilon]


def per_clip(values: Tensor, like: Tensor) -> Tensor:
    """Return `values` (n,) so that they spread over inputs (n, ...)."""
    return values.view(-1, *[1] * (like.ndim - 1))
