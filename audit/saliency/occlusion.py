"""Occlusion: how far the prediction falls while a window slides over the input and hides what is under it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from audit.attribution import Attribution
from audit.errors import MethodError
from audit.kinds import saliency
from audit.masking import replace
from audit.model import Model
from audit.randomness import SampleRng

SIDE_BY_SIDE = {1: 64, 2: 8}
"""How many windows lie beside each other along an axis, where nothing is said, by the number of axes."""


@saliency(gradients=False)
def occlusion(
    model: Model,
    inputs: Tensor,
    targets: Tensor,
    rng: SampleRng,
    *,
    window: Sequence[int] | None = None,
    step: Sequence[int] | None = None,
    fill: str = "mean",
    batch: int = 64,
) -> Attribution:
    """Return, for every cell, the mean drop of the target's probability under the windows that cover it, (n, ...).

    `window` and `step` are in cells: [rows, columns], or [columns] of what has one row, such as a waveform. By default
    a window is an eighth of each axis, of one row a 64th, and a step half a window. The last window of an axis ends at
    its edge. All channels are hidden at once, by `fill`. Needs no gradients.
    Zeiler and Fergus (2014), Visualizing and Understanding Convolutional Networks.
    Raises MethodError for a window that does not fit the input, or steps that leave out cells.
    """
    plane = inputs.shape[-2:] if inputs.ndim > 3 and inputs.shape[-2] > 1 else inputs.shape[-1:]
    size = _fitting("window", window, plane) or [-(-side // SIDE_BY_SIDE[len(plane)]) for side in plane]
    stride = _fitting("step", step, size) or [-(-length // 2) for length in size]
    corners = torch.cartesian_prod(*(_starts(*axis) for axis in zip(plane, size, stride, strict=True)))
    corners = corners.view(-1, len(plane)).to(inputs.device)
    filled = replace(inputs, torch.ones_like(inputs, dtype=torch.bool), fill, model.spec, rng)
    maps = []
    for one, other, target in zip(inputs, filled, targets, strict=True):
        whole = _probability(model, one[None], target)
        lost = torch.zeros(plane, dtype=torch.float64, device=inputs.device)
        times = torch.zeros_like(lost)
        for some in corners.split(batch):
            under = _under(some, size, plane)
            over = under.view(len(some), *[1] * (one.ndim - len(plane)), *plane)
            drops = whole - _probability(model, torch.where(over, other, one), target)
            lost += (drops.view(-1, *[1] * len(plane)) * under).sum(0)
            times += under.sum(0)
        maps.append((lost / times).to(one).expand(one.shape))
    return Attribution(torch.stack(maps))


def _fitting(name: str, given: Sequence[int] | None, room: Sequence[int]) -> list[int]:
    if given is None:
        return []
    if len(given) != len(room) or not all(1 <= length <= most for length, most in zip(given, room, strict=True)):
        inside = "the input" if name == "window" else "the window, or cells would be left out"
        raise MethodError(f"occlusion: {name} {list(given)} does not fit {inside}; at most {list(room)}, at least 1")
    return list(given)


def _starts(side: int, length: int, stride: int) -> Tensor:
    starts = list(range(0, side - length, stride))
    return torch.tensor([*starts, side - length])


def _under(corners: Tensor, size: Sequence[int], plane: Sequence[int]) -> Tensor:
    """Return which cells each window covers, (windows, *plane)."""
    inside = []
    for axis, (side, length) in enumerate(zip(plane, size, strict=True)):
        cells = torch.arange(side, device=corners.device)
        first = corners[:, axis, None]
        inside.append((cells >= first) & (cells < first + length))
    return inside[0] if len(inside) == 1 else inside[0][:, :, None] & inside[1][:, None, :]


def _probability(model: Model, inputs: Tensor, target: Tensor) -> Tensor:
    with torch.inference_mode():
        return model.logits(inputs).double().softmax(1)[:, target]
