"""Cells filled in from what surrounds them, so that a gap looks like nothing in particular."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch
from scipy import sparse
from scipy.sparse.linalg import splu
from torch import Tensor

from audit.randomness import SampleRng

NOISE = 0.01


def imputed(inputs: Tensor, mask: Tensor, rng: SampleRng) -> Tensor:
    """Return inputs (n, ...) in which each cell of `mask` is the weighted mean of its neighbours, plus a little noise.

    The noisy linear imputation of Rong et al. (2022), A consistent and efficient evaluation strategy for attribution
    methods: neighbours at the side weigh 1/6, at a corner 1/12, and those that are hidden too are solved for together;
    in one dimension that is a straight line between the ends of the gap. The noise's standard deviation is a hundredth
    of each input's range. A channel that is hidden whole becomes its mean.
    """
    flat = inputs.flatten(1)
    span = (flat.amax(1) - flat.amin(1)).view(-1, *[1] * (inputs.ndim - 1))
    planes, gaps = _planes(inputs), _planes(mask.expand_as(inputs))
    solved = _lines(planes, gaps) if planes.shape[2] == 1 else _solved(planes, gaps)
    noise = NOISE * span * rng.normal(inputs)
    return torch.where(mask, solved.view_as(inputs) + noise, inputs)


def _planes(values: Tensor) -> Tensor:
    """Return values (n, ...) as planes (m, 1, rows, columns), one for each recording and channel."""
    rows = values.shape[-2] if values.ndim > 2 else 1
    return values.reshape(-1, 1, rows, values.shape[-1])


def _lines(planes: Tensor, gaps: Tensor) -> Tensor:
    found = planes.clone()
    columns = np.arange(planes.shape[-1])
    for row, gap in zip(found[:, 0, 0], gaps[:, 0, 0], strict=True):
        hidden, values = gap.cpu().numpy(), row.cpu().numpy()
        known = columns[~hidden]
        filled = np.interp(columns[hidden], known, values[known]) if len(known) else values.mean(keepdims=True)
        row[gap] = torch.from_numpy(filled).to(row)
    return found


def _solved(planes: Tensor, gaps: Tensor) -> Tensor:
    """Solve for the hidden cells of every plane: each is the weighted mean of its neighbours within the plane."""
    weights = _neighbours(planes.shape[-2], planes.shape[-1])
    found = planes.detach().cpu().numpy().astype(np.float64).reshape(len(planes), -1)
    for values, hidden in zip(found, gaps.cpu().numpy().reshape(len(planes), -1), strict=True):
        if hidden.all():
            values[:] = values.mean()
        elif hidden.any():
            rows = weights[hidden]
            degree = sparse.diags_array(rows.sum(axis=1))
            system = (degree - rows[:, hidden]).tocsc()
            # Symmetric and diagonally dominant: no pivoting is needed, and without it the factors stay sparse.
            factors = splu(system, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
            values[hidden] = factors.solve(rows[:, ~hidden] @ values[~hidden])
    return torch.from_numpy(found).view(planes.shape).to(planes)


@cache
def _neighbours(rows: int, columns: int) -> Any:
    """Return the neighbours' weights as a sparse matrix (cells, cells)."""
    index = np.arange(rows * columns).reshape(rows, columns)
    pairs: list[tuple[Any, Any, float]] = []
    for down, right, weight in ((0, 1, 1 / 6), (1, 0, 1 / 6), (1, 1, 1 / 12), (1, -1, 1 / 12)):
        left, ahead = max(0, -right), max(0, right)
        one = index[: rows - down, left : columns - ahead].ravel()
        other = index[down:, ahead : columns - left].ravel()
        pairs += [(one, other, weight), (other, one, weight)]
    values = np.concatenate([np.full(len(one), weight) for one, _, weight in pairs])
    places = tuple(np.concatenate([pair[side] for pair in pairs]) for side in (0, 1))
    return sparse.csr_array((values, places), shape=(index.size, index.size))
