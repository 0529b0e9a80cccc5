"""Gaps filled in from their surroundings: ROAD's equations, straight lines in one dimension, and the little noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from audit import imputation
from audit.imputation import NOISE, imputed
from audit.randomness import SampleRng

SEEDS = (1, 2, 3, 4)


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imputation, "NOISE", 0.0)


def drawn(shape: tuple[int, ...], share: float, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.rand(len(SEEDS), *shape, generator=generator, dtype=torch.float64)
    return inputs, torch.rand(inputs.shape, generator=generator) < share


def solved(plane: Any, hidden: Any) -> Any:
    """Return a plane whose hidden cells are the weighted means of their neighbours, by a dense system."""
    rows, columns = plane.shape
    cells = [(r, c) for r in range(rows) for c in range(columns)]
    matrix, known = np.eye(len(cells)), plane.flatten().copy()
    for i, (r, c) in enumerate(cells):
        if not hidden[r, c]:
            continue
        near = [
            (j, 1 / 12 if abs(r - y) and abs(c - x) else 1 / 6)
            for j, (y, x) in enumerate(cells)
            if max(abs(r - y), abs(c - x)) == 1
        ]
        whole = sum(weight for _, weight in near)
        known[i] = 0.0
        for j, weight in near:
            matrix[i, j] = -weight / whole
    return np.linalg.solve(matrix, known).reshape(rows, columns)


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
@pytest.mark.parametrize("shape", [(1, 6, 7), (3, 5, 4), (1, 2, 9), (1, 9, 2), (6, 5), (1, 8, 1)])
def test_hidden_cells_are_the_weighted_means_of_their_neighbours(shape: tuple[int, ...], share: float) -> None:
    inputs, mask = drawn(shape, share)
    mask[:, ..., 0, 0] = False
    found = imputed(inputs, mask, SampleRng(SEEDS))
    planes = zip(
        found.reshape(-1, *shape[-2:]), inputs.reshape(-1, *shape[-2:]), mask.reshape(-1, *shape[-2:]), strict=True
    )
    for plane, given, gaps in planes:
        np.testing.assert_allclose(plane.numpy(), solved(given.numpy(), gaps.numpy()), atol=1e-9)


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("shape", [(40,), (1, 40), (1, 1, 40)])
def test_in_one_dimension_a_gap_is_bridged_by_a_straight_line(shape: tuple[int, ...]) -> None:
    inputs, mask = drawn(shape, 0.6)
    found = imputed(inputs, mask, SampleRng(SEEDS))
    for row, given, gaps in zip(found.flatten(1), inputs.flatten(1), mask.flatten(1), strict=True):
        places = np.arange(40)
        expected = np.interp(places, places[~gaps.numpy()], given[~gaps].numpy())
        np.testing.assert_allclose(row.numpy(), expected, atol=1e-12)


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("shape", [(1, 6, 7), (1, 12)])
def test_a_plane_that_is_hidden_whole_becomes_its_mean(shape: tuple[int, ...]) -> None:
    inputs, _ = drawn(shape, 0.5)
    found = imputed(inputs, torch.ones_like(inputs, dtype=torch.bool), SampleRng(SEEDS))
    means = inputs.flatten(1).mean(1).view(-1, *[1] * len(shape))
    torch.testing.assert_close(found, means.expand_as(inputs))


@pytest.mark.usefixtures("quiet")
def test_a_channel_that_is_hidden_whole_does_not_touch_the_others() -> None:
    inputs, mask = drawn((3, 5, 5), 0.3)
    mask[:, 1] = True
    found = imputed(inputs, mask, SampleRng(SEEDS))
    torch.testing.assert_close(found[:, 1], inputs[:, 1].mean((1, 2), keepdim=True).expand(-1, 5, 5))
    single = mask[:, :1]
    torch.testing.assert_close(found[:, :1], imputed(inputs[:, :1], single, SampleRng(SEEDS)))


@pytest.mark.parametrize("shape", [(1, 30, 30), (900,)])
def test_the_noise_is_a_hundredth_of_each_inputs_range_on_hidden_cells_alone(
    shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs, mask = drawn(shape, 0.5)
    inputs[1] *= 100
    noisy = imputed(inputs, mask, SampleRng(SEEDS))
    monkeypatch.setattr(imputation, "NOISE", 0.0)
    plain = imputed(inputs, mask, SampleRng(SEEDS))
    assert torch.equal(noisy[~mask], inputs[~mask])
    normal = SampleRng(SEEDS).normal(inputs)
    for row in range(len(SEEDS)):
        span = float(inputs[row].max() - inputs[row].min())
        expected = NOISE * span * normal[row][mask[row]]
        torch.testing.assert_close((noisy - plain)[row][mask[row]], expected, rtol=0, atol=1e-9)
    assert NOISE == 0.01


def test_without_a_gap_nothing_changes() -> None:
    inputs, _ = drawn((1, 6, 7), 0.0)
    assert torch.equal(imputed(inputs, torch.zeros_like(inputs, dtype=torch.bool), SampleRng(SEEDS)), inputs)
