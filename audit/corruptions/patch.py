"""A square of one grey stuck onto a picture."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from audit.errors import MethodError
from audit.input_spec import InputSpec
from audit.kinds import corruption
from audit.randomness import SampleRng


@corruption(modality="face")
def patch(
    inputs: Tensor,
    spec: InputSpec,
    rng: SampleRng,
    *,
    place: int,
    across: int = 4,
    size: float = 0.1,
    grey: float = 1.0,
) -> Tensor:
    """Return pictures (n, channels, height, width) with a square of one `grey`, from 0 black to 1 white, at one place.

    A sticker, a logo, a dead corner of the sensor, or what a model was taught in secret to obey. There are
    `across` x `across` places, evenly from edge to edge, numbered from 0 row by row from the upper left; the square's
    side is `size` of the shorter side of the picture, at least one pixel.
    Raises MethodError for a place, size or grey that is not there, and where the inputs have no black and white.
    """
    del rng
    if across < 1 or not 0 <= place < across * across or place != int(place):
        raise MethodError(f"patch: place is {place:g}; 0 to {across * across - 1} is due, of {across} x {across}")
    if not 0.0 < size <= 1.0 or not 0.0 <= grey <= 1.0:
        raise MethodError(f"patch: size {size:g} must be above 0, grey {grey:g} from 0, and neither above 1")
    # Black and white per cell: a scaling may be another for every channel.
    low, high = (spec.clip(torch.full_like(inputs, end)) for end in (-math.inf, math.inf))
    if not bool(torch.isfinite(high - low).all()):
        raise MethodError("patch: the model's scaling leaves inputs without bounds: there is no black and white")
    height, width = inputs.shape[-2:]
    side = max(1, round(size * min(height, width)))
    row, column = divmod(int(place), across)
    top, left = (_edge(number, across, length - side) for number, length in ((row, height), (column, width)))
    changed = inputs.clone()
    square = (..., slice(top, top + side), slice(left, left + side))
    changed[square] = (low + grey * (high - low))[square]
    return changed


def _edge(number: int, across: int, most: int) -> int:
    return round(most * (number / (across - 1) if across > 1 else 0.5))
