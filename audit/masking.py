"""Which cells a map calls most relevant, what replaces them, and random masks to compare with."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional

from audit.errors import MethodError, did_you_mean
from audit.imputation import imputed
from audit.input_spec import InputSpec
from audit.randomness import SampleRng
from audit.scaling import fitted


def order_of_relevance(attribution: Tensor, rng: SampleRng) -> Tensor:
    """Return every cell's place, shaped as `attribution` (n, ...): 0 for the most relevant of its map.

    Ties are broken at random, from each sample's own stream: a map that is mostly zero must not be credited with
    whatever order its cells are stored in.
    """
    return order_after(attribution, rng.permutations(attribution[0].numel()))


def order_after(attribution: Tensor, shuffle: Tensor) -> Tensor:
    """Return every cell's place as `order_of_relevance`, ties in the order of the permutations `shuffle`."""
    flat = attribution.flatten(1)
    shuffle = shuffle.to(flat.device)
    order = flat.gather(1, shuffle).argsort(dim=1, descending=True, stable=True)
    places = torch.empty_like(order)
    places.scatter_(1, shuffle.gather(1, order), torch.arange(flat.shape[1], device=flat.device).expand_as(order))
    return places.view_as(attribution)


def top_cells(attribution: Tensor, share: float, rng: SampleRng) -> Tensor:
    """Return a boolean mask, shaped as `attribution` (n, ...), of the `share` of cells with the largest values.

    Every mask holds exactly round(share x cells) cells.
    """
    return order_of_relevance(attribution, rng) < round(share * attribution[0].numel())


def segments(shape: torch.Size, *, rows: int = 8, columns: int = 8) -> Tensor:
    """Return the segment index of every cell, shaped as one input: a grid over the last two axes.

    An input of one axis (a waveform) is cut into rows x columns spans of it.
    """
    last = shape[-1]
    if len([size for size in shape if size > 1]) <= 1:
        cells = shape.numel()
        return (torch.arange(cells) * min(rows * columns, cells) // cells).view(shape)
    height = shape[-2]
    row = torch.arange(height) * min(rows, height) // height
    column = torch.arange(last) * min(columns, last) // last
    return (row[:, None] * min(columns, last) + column[None, :]).expand(shape)


def random_ranking(inputs: Tensor, rng: SampleRng) -> Tensor:
    """Return a map, shaped as `inputs`, that ranks whole segments at random: the baseline a method must beat."""
    grid = segments(inputs.shape[1:]).to(inputs.device)
    count = int(grid.max()) + 1
    ranks = rng.permutations(count).to(inputs.device, inputs.dtype)
    return ranks[:, grid.reshape(-1)].view_as(inputs)


def elsewhere(attribution: Tensor, rng: SampleRng) -> Tensor:
    """Return each map (n, ...) moved by a random step along time and frequency, around the edges.

    A mask of it has the same area and the same texture in another place: what that takes from the prediction is
    chance. Texture matters: a fifth of the cells scattered one by one can cost a network more than a fifth in blocks.
    """
    moved = attribution.clone()
    axes = [axis for axis in range(max(1, attribution.ndim - 2), attribution.ndim) if attribution.shape[axis] > 1]
    for axis in axes:
        steps = rng.permutations(attribution.shape[axis])[:, 0].tolist()
        moved = torch.stack([row.roll(step, axis - 1) for row, step in zip(moved, steps, strict=True)])
    return moved


def replace(inputs: Tensor, mask: Tensor, fill: str, spec: InputSpec, rng: SampleRng) -> Tensor:
    """Return `inputs` with the cells of `mask` replaced by `fill`: mean, floor, noise, blur or imputed."""
    if fill == IMPUTED:
        return spec.clip(imputed(inputs, mask, rng))
    if fill not in FILLS:
        known = (*FILLS, IMPUTED)
        raise MethodError(f"unknown fill {fill!r}{did_you_mean(fill, known)} (known: {', '.join(known)})")
    return torch.where(mask, FILLS[fill](inputs, spec, rng), inputs)


def _over_cells(inputs: Tensor) -> tuple[int, ...]:
    return tuple(range(1, inputs.ndim))


def _mean(inputs: Tensor, spec: InputSpec, rng: SampleRng) -> Tensor:
    return inputs.mean(dim=_over_cells(inputs), keepdim=True).expand_as(inputs)


def _floor(inputs: Tensor, spec: InputSpec, rng: SampleRng) -> Tensor:
    # Black, and silence: the lowest level of a spectrogram, but the middle of a waveform.
    floor = spec.floor
    lowest = spec.clip(torch.full_like(inputs, -torch.inf)) if floor is None else fitted(floor, inputs)
    least = inputs.amin(dim=_over_cells(inputs), keepdim=True)
    return torch.where(torch.isfinite(lowest), lowest, least).expand_as(inputs)


def _noise(inputs: Tensor, spec: InputSpec, rng: SampleRng) -> Tensor:
    cells = _over_cells(inputs)
    noise = inputs.mean(dim=cells, keepdim=True) + inputs.std(dim=cells, keepdim=True) * rng.normal(inputs)
    return spec.clip(noise)


def _blur(inputs: Tensor, spec: InputSpec, rng: SampleRng) -> Tensor:
    flat = inputs.reshape(len(inputs), -1, inputs.shape[-1]).unsqueeze(1)
    width = 9
    positions = torch.arange(width, dtype=inputs.dtype, device=inputs.device) - width // 2
    kernel = torch.exp(-0.5 * (positions / (width / 4)) ** 2)
    kernel = kernel / kernel.sum()
    blurred = functional.conv2d(_padded(flat, (width // 2, 0)), kernel.view(1, 1, 1, -1))
    if flat.shape[2] > 1:
        blurred = functional.conv2d(_padded(blurred, (0, width // 2)), kernel.view(1, 1, -1, 1))
    return blurred.view_as(inputs)


def _padded(images: Tensor, sides: tuple[int, int]) -> Tensor:
    across, down = sides
    return functional.pad(images, (across, across, down, down), mode="replicate")


IMPUTED = "imputed"
FILLS: Mapping[str, Callable[[Tensor, InputSpec, SampleRng], Tensor]] = {
    "mean": _mean,
    "floor": _floor,
    "noise": _noise,
    "blur": _blur,
}
