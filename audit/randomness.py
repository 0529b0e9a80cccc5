"""Random numbers that belong to a sample, not to a batch: one stream per (seed, purpose, sample)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor


class SampleRng:
    """Random draws for a batch; row i comes from sample i's own stream.

    Order, batch size and worker count therefore change nothing. Draws are made on the CPU and moved,
    so every device sees the same numbers.
    """

    def __init__(self, seeds: Sequence[int]) -> None:
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def __len__(self) -> int:
        return len(self._generators)

    def normal(self, like: Tensor) -> Tensor:
        """Return standard normal draws of the shape, type and device of `like`, (n, ...)."""
        return self._stack(like, lambda g, shape: torch.randn(shape, generator=g))

    def uniform(self, like: Tensor) -> Tensor:
        """Return draws from [0, 1) of the shape, type and device of `like`, (n, ...)."""
        return self._stack(like, lambda g, shape: torch.rand(shape, generator=g))

    def permutations(self, length: int) -> Tensor:
        """Return one random permutation of range(length) per sample, (n, length)."""
        return torch.stack([torch.randperm(length, generator=g) for g in self._generators])

    def numpy(self) -> list[np.random.Generator]:
        """Return one numpy generator per sample, seeded from the sample's stream."""
        return [np.random.default_rng(int(torch.randint(2**62, (1,), generator=g))) for g in self._generators]

    def _stack(self, like: Tensor, draw: Callable[[torch.Generator, torch.Size], Tensor]) -> Tensor:
        if len(like) != len(self._generators):
            raise ValueError(f"{len(like)} rows asked of {len(self._generators)} streams")
        rows = [draw(g, like.shape[1:]) for g in self._generators]
        return torch.stack(rows).to(device=like.device, dtype=like.dtype)
