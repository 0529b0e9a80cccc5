"""Seed stability: a map drawn anew with other random numbers ought to be the same map."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from audit.explained import Explained
from audit.kinds import sanity
from audit.randomness import SampleRng


@sanity(alike=True)
def seed_stability(explained: Explained, rng: SampleRng, *, least: float = 0.5) -> Iterator[tuple[float, Tensor]]:
    """Yield 1 and the method's maps from other random draws.

    `least` is the share of the mask that both draws must have in common, on average; a method that draws nothing has 1.
    """
    del rng
    yield 1.0, explained.explain(explained.model, explained.inputs, 1)
