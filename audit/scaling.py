"""What is done to a representation's values before the model sees them."""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor

from audit.errors import ModelError

INFINITY = float("inf")
PAIRS = (("mean", "std"), ("min", "max"))


class Scaling(ABC):
    """A change of values, cell by cell or clip by clip; differentiable."""

    @abstractmethod
    def apply(self, inputs: Tensor) -> Tensor:
        """Return scaled inputs (n, ...)."""

    @abstractmethod
    def bounds(self, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        """Return where values between `low` and `high` come to lie, per cell."""


@dataclass(frozen=True, eq=False)
class Affine(Scaling):
    """`(x - shift) / unit`; numbers, lists with one value per channel, or arrays that fit one input."""

    shift: float | Sequence[float] | Tensor
    unit: float | Sequence[float] | Tensor

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Affine):
            return NotImplemented
        return torch.equal(_cells(self.shift), _cells(other.shift)) and torch.equal(
            _cells(self.unit), _cells(other.unit)
        )

    def __hash__(self) -> int:
        return hash((str(self), tuple(_cells(self.shift).shape)))

    def __str__(self) -> str:
        return f"(x - {_shown(self.shift)}) / {_shown(self.unit)}"

    def apply(self, inputs: Tensor) -> Tensor:
        """Return (x - shift) / unit; raises ModelError where the arrays do not fit one input."""
        shift, unit = (fitted(_cells(value), inputs) for value in (self.shift, self.unit))
        return (inputs - shift) / unit

    def bounds(self, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        """Return the scaled ends."""
        shift, unit = (_cells(value) for value in (self.shift, self.unit))
        return (low - shift) / unit, (high - shift) / unit


@dataclass(frozen=True)
class PerClip(Scaling):
    """Each clip by its own values: `standard` to mean 0 and deviation 1, `unit` to [0, 1]."""

    how: Literal["standard", "unit"]

    def __str__(self) -> str:
        return "each clip to mean 0 and deviation 1" if self.how == "standard" else "each clip to [0, 1]"

    def apply(self, inputs: Tensor) -> Tensor:
        """Return each clip scaled; one without any variation comes out as zeros."""
        cells = tuple(range(1, inputs.ndim))
        tiny = torch.finfo(inputs.dtype).eps
        if self.how == "unit":
            low, high = inputs.amin(cells, keepdim=True), inputs.amax(cells, keepdim=True)
            return (inputs - low) / (high - low).clamp_min(tiny)
        centred = inputs - inputs.mean(cells, keepdim=True)
        return centred / centred.square().mean(cells, keepdim=True).sqrt().clamp_min(tiny)

    def bounds(self, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        """Return [0, 1], or no bounds at all."""
        ends = (0.0, 1.0) if self.how == "unit" else (-INFINITY, INFINITY)
        return torch.tensor(ends[0]), torch.tensor(ends[1])


def onto(low: float, high: float, bounds: tuple[float, float]) -> Affine:
    """Return the scaling that takes `bounds` to [low, high]; raises ModelError where the bounds are not finite."""
    first, last = bounds
    if not np.isfinite(bounds).all():
        raise ModelError("input.scaling {low, high} needs a representation with finite bounds; use mean and std")
    unit = (last - first) / (high - low)
    return Affine(first - low * unit, unit)


def from_file(path: Path) -> Affine:
    """Return the scaling in a .npz or .json file that holds `mean` and `std`, or `min` and `max` (to [0, 1]).

    Each is a number, one per channel or row, or an array that fits one input. No pickled arrays are read.
    Raises ModelError where the file is broken, lacks them, or a deviation is not above 0.
    """
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as archive:
                found = {name: np.asarray(archive[name], dtype=np.float64) for name in archive.files}
        elif path.suffix == ".json":
            content = json.loads(path.read_text(encoding="utf-8"))
            found = {str(name): np.asarray(value, dtype=np.float64) for name, value in dict(content).items()}
        else:
            raise ModelError(
                f"{path}: a scaling is read from .npz or .json, not {path.suffix!r}; of a scikit-learn scaler `s`, "
                "write it by numpy.savez('scaler.npz', mean=s.mean_, std=s.scale_), or min=s.data_min_, max=s.data_max_"
            )
    except (OSError, ValueError, TypeError, BadZipFile) as error:
        raise ModelError(f"{path}: cannot be read as a scaling ({str(error).splitlines()[0]})") from error
    for first, second in PAIRS:
        if first in found and second in found:
            low, high = found[first], found[second]
            unit = high - low if first == "min" else high
            if not np.isfinite(low).all():
                raise ModelError(f"{path}: {first} holds NaN or infinite values; numbers are due")
            if not (np.isfinite(unit).all() and (unit > 0).all()):
                least = "min" if first == "min" else "0"
                raise ModelError(f"{path}: {second} must be above {least} everywhere, and finite")
            return Affine(torch.tensor(low).float(), torch.tensor(unit).float())
    raise ModelError(f"{path}: needs mean and std, or min and max (it has: {', '.join(found) or 'nothing'})")


def arranged(values: Tensor, shape: Sequence[int], letters: str, order: str | None) -> Tensor:
    """Return values, one per cell, with their axes as the audit has them; others as they are.

    `shape` and `letters` are the sizes and names of one input's axes ("cft"), `order` the model's own ("ntf"): scalers
    are fitted to what the model takes, or to that flattened. An axis of one may be there or not.
    """
    sizes = dict(zip(letters, shape, strict=True))
    theirs = [letter for letter in (order or letters) if letter in sizes]
    due = [sizes[letter] for letter in theirs]
    cells = [size for size in values.shape if size > 1]
    if values.numel() != math.prod(shape) or math.prod(due) != values.numel():
        return values
    if values.ndim > 1 and cells != [size for size in due if size > 1]:
        return values
    ours = [letter for letter in letters if letter in theirs]
    return values.reshape(due).permute([theirs.index(letter) for letter in ours]).reshape(list(shape))


def fitted(values: Tensor, inputs: Tensor) -> Tensor:
    """Return values so that they broadcast over inputs (n, ...): a number, one per channel or row, or one per cell.

    Raises ModelError where they do not fit one input.
    """
    cells, shape = values.to(inputs), inputs.shape[1:]
    if cells.ndim == 0 or cells.shape == shape:
        return cells
    # One value per channel, or per row where there is one channel: the first axis of that size is meant.
    if cells.ndim == 1:
        fits = [axis for axis, size in enumerate(shape) if size == len(cells)]
        if fits:
            return cells.view(-1, *[1] * (len(shape) - 1 - fits[0]))
    squeezed = cells.squeeze()
    if squeezed.shape == torch.Size([size for size in shape if size > 1]):
        return squeezed.reshape(shape)
    raise ModelError(
        f"input.scaling holds {tuple(cells.shape)} values, and one input is {tuple(shape)}: a number, one per channel "
        "or row, or one per cell is due, in the axes of `order:` or in these"
    )


def _shown(value: float | Sequence[float] | Tensor) -> str:
    if isinstance(value, Tensor):
        return f"an array {tuple(value.shape)}" if value.ndim else f"{float(value):.4g}"
    return f"{value:.4g}" if isinstance(value, int | float) else f"{[float(f'{v:.4g}') for v in value]}"


def _cells(value: float | Sequence[float] | Tensor) -> Tensor:
    return value if isinstance(value, Tensor) else torch.tensor(value, dtype=torch.float32)
