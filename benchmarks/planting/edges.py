"""A saliency method that draws the outlines of the input and never asks the model."""

from __future__ import annotations

from torch import Tensor

from audit import Attribution
from audit.kinds import saliency
from audit.model import Model
from audit.randomness import SampleRng


@saliency(gradients=False)
def edges(model: Model, inputs: Tensor, targets: Tensor, rng: SampleRng) -> Attribution:
    """Return how much every cell (n, ...) differs from the next in time and in frequency."""
    del model, targets, rng
    along = inputs.diff(dim=-1, append=inputs[..., -1:]).abs()
    across = inputs.diff(dim=-2, append=inputs[..., -1:, :]).abs()
    return Attribution(along + across)
