"""Recordings with one method's maps of them, as scores and sanity tests are given them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from audit.model import Model

Explain = Callable[[Model, Tensor, int], Tensor]
"""A model, inputs (n, ...) and a turn (0 for the method's own random draws, others for others) to maps (n, ...)."""


@dataclass(frozen=True)
class Explained:
    """`inputs` (n, ...), the predicted emotions `targets` (n,), and a method's maps `values`, shaped as the inputs.

    `probability` maps inputs to the probability of the targets (n,), in double precision, `before` is that of the
    inputs as they are; `explain` asks the same method again for maps of the same recordings. `seed` belongs to the
    check: it is the same in every batch.
    """

    model: Model
    inputs: Tensor
    targets: Tensor
    values: Tensor
    before: Tensor
    probability: Callable[[Tensor], Tensor]
    explain: Explain
    seed: int
