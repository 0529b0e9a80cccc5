"""Networks on which attacks fail in ways of their own: each leads one kind of attack astray and no other."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Rippled(nn.Module):
    """A smooth rounding to 8 bits: flat on the values that pictures have, so that one step sees past it, and steep
    between them, where every further step is lost.
    """

    def __init__(self, inner: nn.Module, height: float = 0.01) -> None:
        super().__init__()
        self.inner, self.height = inner, height

    def forward(self, inputs: Tensor) -> Tensor:
        return self.inner(inputs + self.height * (1 - torch.cos(2 * torch.pi * 255 * inputs)))


class Broken(nn.Module):
    """The root of the energy of a part that is silent: its value is 0, and its gradient NaN."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, inputs: Tensor) -> Tensor:
        return self.inner(inputs) + (0 * inputs).square().flatten(1).sum(1, keepdim=True).sqrt()


class Repaired(nn.Module):
    """What is too rough to be a picture is smoothed first: small changes pass unseen, large ones are undone."""

    def __init__(self, inner: nn.Module, roughest: float = 0.135) -> None:
        super().__init__()
        self.inner, self.roughest = inner, roughest

    def forward(self, inputs: Tensor) -> Tensor:
        smooth = nn.functional.avg_pool2d(nn.functional.pad(inputs, (1, 1, 1, 1), mode="replicate"), 3, 1)
        rough = (inputs - smooth).abs().flatten(1).mean(1) > self.roughest
        repaired = 0.15 + 0.6 * (40 * (smooth - 0.45)).sigmoid()
        return torch.where(rough[:, None], self.inner(repaired), self.inner(inputs))
