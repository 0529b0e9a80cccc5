"""Which axes of a layer's output are channels, and which lie along the input's rows and columns: found by trying."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

BANDS = 8
"""Into how many bands an input's axis is cut, each of which is changed by itself."""
BACKGROUNDS = 2
CLEAR, LEAST = 0.9, 0.02
"""How orderly and how far the answer must wander along an axis with the band that was changed."""


@dataclass(frozen=True)
class Places:
    """How to read an output as feature maps: `axes` are those of batch, channels and then of places, in order.

    `along` says for each axis of places which of the input's it follows: rows, columns, or "" for neither. Of one axis
    of tokens, `before` and `after` stand for no place (a CLS token), and the rest may be a `grid`, row by row.
    """

    axes: tuple[int, ...]
    along: tuple[str, ...]
    before: int = 0
    after: int = 0
    grid: tuple[int, int] | None = None

    def view(self, output: Tensor) -> Tensor:
        """Return the output as (n, channels, rows, columns), with one row or column where it has none."""
        seen = output.permute(self.axes)
        if len(self.along) == 1 or self.grid:
            seen = seen[:, :, self.before : seen.shape[2] - self.after]
        if self.grid:
            return seen.unflatten(2, self.grid)
        if len(self.along) == 1:
            return seen.unsqueeze(3 if self.along == ("rows",) else 2)
        return seen.transpose(2, 3) if self.along in (("columns", "rows"), ("columns", "")) else seen


@dataclass(frozen=True)
class Bands:
    """Inputs that differ from a first one in one band each, `rows` bands of rows and then `columns` of columns.

    `inputs` is (backgrounds x (1 + rows + columns), ...).
    """

    inputs: Tensor
    rows: int
    columns: int

    def answers(self, output: Tensor) -> dict[str, Tensor]:
        """Return how far each place of an output (n, ...), batch first, moves with each band, (bands, ...)."""
        each = output.detach().double().unflatten(0, (BACKGROUNDS, -1))
        moved = (each[:, 1:] - each[:, :1]).abs().sum(0)
        return {"rows": moved[: self.rows], "columns": moved[self.rows :]}


def bands(shape: torch.Size, bounds: tuple[float, float], device: torch.device) -> Bands:
    """Return noise in one input's `shape`, within `bounds` where they are finite, and its changes band by band."""
    generator = torch.Generator().manual_seed(0)
    low, high = bounds
    finite = math.isfinite(low) and math.isfinite(high)
    sizes = {"rows": shape[-2] if len(shape) > 2 else 1, "columns": shape[-1]}
    counts = {name: min(BANDS, size) if size > 1 else 0 for name, size in sizes.items()}
    found = []
    for _ in range(BACKGROUNDS):
        one, other = (torch.rand(shape, generator=generator) for _ in range(2))
        found.append(one)
        for axis, name in ((-2, "rows"), (-1, "columns")):
            band = torch.arange(sizes[name]) * counts[name] // sizes[name]
            band = band[:, None] if axis == -2 else band
            found += [torch.where(band == number, other, one) for number in range(counts[name])]
    noise = torch.stack(found)
    noise = low + (high - low) * noise if finite else (noise - 0.5) * math.sqrt(12)
    return Bands(noise.to(device), counts["rows"], counts["columns"])


def wanders(profiles: Tensor) -> float:
    """Return how far the middle of `profiles` (bands, places) moves with the band, as a share; 0 where in no order."""
    count, size = profiles.shape
    mass = profiles.sum(1)
    if count < 2 or size < 2 or not bool((mass > 0).all()):
        return 0.0
    middles = (profiles * torch.linspace(0, 1, size, dtype=profiles.dtype, device=profiles.device)).sum(1) / mass
    steps = torch.linspace(0, 1, count, dtype=profiles.dtype, device=profiles.device)
    ranks = middles.argsort().argsort().to(profiles) / (count - 1)
    centred = steps - 0.5
    orderly = float((ranks * centred).sum() / centred.square().sum())
    slope = float((middles * centred).sum() / centred.square().sum())
    return slope if orderly >= CLEAR and slope >= LEAST else 0.0


def locate(
    output: Tensor,
    tried: Bands,
    *,
    channels: int | None,
    batch: int = 0,
    grids: Iterable[tuple[int, int]] = (),
    tokens: Sequence[tuple[int, int]] = ((0, 0),),
) -> Places | None:
    """Return the places of an output that answered to `tried`, None where they cannot be told.

    `channels` is the axis of channels where the layer's kind says so; `grids` are the (rows, columns) that an axis of
    tokens may hold, `tokens` how many (before, after) may stand for no place.
    """
    moved = tried.answers(output.movedim(batch, 0))
    rest = [axis for axis in range(output.ndim) if axis != batch]
    found: list[tuple[float, Places]] = []
    for channel in rest if channels is None else [channels]:
        places = [axis for axis in rest if axis != channel]
        if output.shape[channel] < 2 or (channels is None and channel not in (rest[0], rest[-1])):
            continue
        if len(places) == 2:
            found += _planes(moved, rest, (batch, channel, *places), certain=channels is not None)
        else:
            found += _lines(moved, rest, (batch, channel, *places), grids, tokens)
    found = [(score, places) for score, places in found if score > 0]
    return max(found, key=lambda pair: pair[0], default=(0.0, None))[1]


def _along(moved: Tensor, rest: Sequence[int], axes: Sequence[int]) -> Tensor:
    """Return how far the places along some axes move with each band, (bands, *axes)."""
    kept = [rest.index(axis) + 1 for axis in axes]
    others = [axis for axis in range(1, moved.ndim) if axis not in kept]
    return moved.sum(others) if others else moved


def _planes(
    moved: dict[str, Tensor], rest: Sequence[int], axes: tuple[int, ...], *, certain: bool
) -> list[tuple[float, Places]]:
    first, second = axes[2:]
    wander = {(name, axis): wanders(_along(moved[name], rest, [axis])) for name in moved for axis in (first, second)}
    found = []
    for along in (("rows", "columns"), ("columns", "rows")):
        asked = {name: axis for name, axis in zip(along, (first, second), strict=True) if len(moved[name])}
        named = tuple(name if name in asked else "" for name in along)
        scores = []
        for name, axis in asked.items():
            size = moved[name].shape[rest.index(axis) + 1]
            # One row says nothing of which rows it is, and needs not.
            scores.append(wander[name, axis] if size > 1 else LEAST)
        # A convolution's channels are known: what is not clear of its places then follows the usual order.
        usual = LEAST / 2 if certain and along == ("rows", "columns") else 0.0
        found.append((sum(scores) if all(scores) else usual, Places(axes, named)))
    return found


def _lines(
    moved: dict[str, Tensor],
    rest: Sequence[int],
    axes: tuple[int, ...],
    grids: Iterable[tuple[int, int]],
    tokens: Sequence[tuple[int, int]],
) -> list[tuple[float, Places]]:
    profiles = {name: _along(moved[name], rest, axes[2:]) for name in moved}
    found = []
    for before, after in tokens:
        cut = {name: profile[:, before : profile.shape[1] - after] for name, profile in profiles.items()}
        found += [(wanders(cut[name]), Places(axes, (name,), before, after)) for name in cut]
        for grid in grids:
            if math.prod(grid) == cut["columns"].shape[1]:
                down = wanders(cut["rows"].unflatten(1, grid).sum(2))
                across = wanders(cut["columns"].unflatten(1, grid).sum(1))
                both = down + across if down and across else 0.0
                found.append((both, Places(axes, ("rows", "columns"), before, after, grid)))
    return found
