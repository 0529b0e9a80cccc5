"""Removing cells step by step, and the area under what the model then says."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from audit.errors import MethodError


def counts(inputs: Tensor, steps: int) -> list[int]:
    """Return how many cells are gone after each of `steps` equal steps, the last being all; raises MethodError."""
    cells = inputs[0].numel()
    if not 1 <= steps <= cells:
        raise MethodError(f"{steps} steps through {cells} cells; from 1 to {cells} are due")
    return [round(cells * step / steps) for step in range(1, steps + 1)]


def area(curve: Sequence[Tensor]) -> Tensor:
    """Return the area under curves given as points (n,) at equal distances from 0 to 1, by the trapezoidal rule."""
    points = torch.stack(list(curve))
    return torch.trapezoid(points, dx=1.0 / (len(points) - 1), dim=0)
