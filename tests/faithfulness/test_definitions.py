"""Every faithfulness score against its paper's definition, written out cell by cell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from captum.metrics import infidelity as captum_infidelity
from captum.metrics import sensitivity_max as captum_sensitivity
from scipy.optimize import minimize_scalar
from torch import Tensor, nn

from audit import imputation
from audit.explained import Explained
from audit.faithfulness.deletion import deletion
from audit.faithfulness.infidelity import infidelity
from audit.faithfulness.insertion import insertion
from audit.faithfulness.max_sensitivity import max_sensitivity
from audit.faithfulness.probability_drop import probability_drop
from audit.faithfulness.road import road
from audit.input_spec import FaceInput
from audit.masking import FILLS, segments
from audit.model import TorchModel

from ..toys import explained, streams

HEIGHT, WIDTH, COUNT = 6, 7, 3
CELLS = HEIGHT * WIDTH
SPEC = FaceInput(HEIGHT, WIDTH)
EMOTIONS = ("anger", "fear", "joy")
Fill = Callable[[Tensor], Tensor]
FILL: dict[str, Fill] = {
    "mean": lambda x: torch.full_like(x, float(x.mean())),
    "floor": torch.zeros_like,
    "blur": lambda x: FILLS["blur"](x[None], SPEC, streams(1))[0],
}


@pytest.fixture
def model() -> TorchModel:
    with torch.random.fork_rng():
        torch.manual_seed(2)
        module = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1), nn.Tanh(), nn.Flatten(), nn.Linear(4 * CELLS, len(EMOTIONS))
        ).double()
    return TorchModel(module.eval().requires_grad_(False), SPEC, EMOTIONS)


@pytest.fixture
def case(model: TorchModel) -> Explained:
    """Three pictures and maps without ties."""
    generator = torch.Generator().manual_seed(8)
    inputs = torch.rand(COUNT, 1, HEIGHT, WIDTH, generator=generator, dtype=torch.float64)
    return explained(model, inputs, torch.randn(inputs.shape, generator=generator, dtype=torch.float64))


def said(case: Explained, picture: Tensor, row: int) -> float:
    """Return the probability of the emotion that the model took the picture `row` for."""
    logits = case.model.logits(picture[None])[0]
    exponentials = [float(np.exp(logit)) for logit in logits.tolist()]
    return exponentials[int(case.targets[row])] / sum(exponentials)


def ranked(values: Tensor) -> list[tuple[int, int]]:
    """Return the cells, the most relevant first."""
    cells = [(r, c) for r in range(HEIGHT) for c in range(WIDTH)]
    return sorted(cells, key=lambda cell: -float(values[0, cell[0], cell[1]]))


def without(picture: Tensor, cells: Sequence[tuple[int, int]], filled: Tensor) -> Tensor:
    hidden = picture.clone()
    for r, c in cells:
        hidden[0, r, c] = filled[0, r, c]
    return hidden


def trapezoids(curve: Sequence[float]) -> float:
    return sum((left + right) / 2 for left, right in pairwise(curve)) / (len(curve) - 1)


@pytest.mark.parametrize("fill", FILL)
@pytest.mark.parametrize("masked", [0.1, 0.2, 0.5])
def test_the_probability_drop_is_what_hiding_the_top_share_takes(case: Explained, fill: str, masked: float) -> None:
    found = probability_drop(case, streams(COUNT), masked=masked, fill=fill)
    for row in range(COUNT):
        picture = case.inputs[row]
        top = ranked(case.values[row])[: round(masked * CELLS)]
        expected = said(case, picture, row) - said(case, without(picture, top, FILL[fill](picture)), row)
        assert float(found[row]) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("fill", FILL)
@pytest.mark.parametrize("steps", [1, 5, CELLS])
def test_deletion_is_the_area_as_cells_go_the_most_relevant_first(case: Explained, fill: str, steps: int) -> None:
    found = deletion(case, streams(COUNT), steps=steps, fill=fill)
    for row in range(COUNT):
        picture, order = case.inputs[row], ranked(case.values[row])
        curve = [
            said(case, without(picture, order[: round(CELLS * step / steps)], FILL[fill](picture)), row)
            for step in range(steps + 1)
        ]
        assert float(found[row]) == pytest.approx(trapezoids(curve), abs=1e-7)


@pytest.mark.parametrize("fill", FILL)
@pytest.mark.parametrize("steps", [1, 5, CELLS])
def test_insertion_is_the_area_as_cells_come_back_the_most_relevant_first(
    case: Explained, fill: str, steps: int
) -> None:
    found = insertion(case, streams(COUNT), steps=steps, fill=fill)
    for row in range(COUNT):
        picture, order = case.inputs[row], ranked(case.values[row])
        curve = [
            said(case, without(picture, order[round(CELLS * step / steps) :], FILL[fill](picture)), row)
            for step in range(steps + 1)
        ]
        assert float(found[row]) == pytest.approx(trapezoids(curve), abs=1e-7)


def filled_in(picture: Tensor, hidden: Sequence[tuple[int, int]]) -> Tensor:
    """Return a picture whose hidden cells solve ROAD's equations, a dense system written out cell by cell."""
    found = picture.clone()
    if len(hidden) == CELLS:
        return torch.full_like(picture, float(picture.mean()))
    matrix, known = np.zeros((len(hidden), len(hidden))), np.zeros(len(hidden))
    for i, (r, c) in enumerate(hidden):
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                near = (r + down, c + right)
                if (down, right) == (0, 0) or not (0 <= near[0] < HEIGHT and 0 <= near[1] < WIDTH):
                    continue
                weight = 1 / 12 if down and right else 1 / 6
                matrix[i, i] += weight
                if near in hidden:
                    matrix[i, hidden.index(near)] -= weight
                else:
                    known[i] += weight * float(picture[0, near[0], near[1]])
    for (r, c), value in zip(hidden, np.linalg.solve(matrix, known), strict=True):
        found[0, r, c] = value
    return found


def test_road_is_what_the_least_relevant_leave_less_what_the_most_relevant_leave(
    case: Explained, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imputation, "NOISE", 0.0)
    shares = (0.1, 0.4, 0.8)
    found = road(case, streams(COUNT), masked=shares)
    for row in range(COUNT):
        picture, order = case.inputs[row], ranked(case.values[row])
        gaps = []
        for share in shares:
            count = round(share * CELLS)
            most, least = filled_in(picture, order[:count]), filled_in(picture, order[CELLS - count :])
            gaps.append(said(case, least, row) - said(case, most, row))
        assert float(found[row]) == pytest.approx(sum(gaps) / len(gaps), abs=1e-7)


def test_the_noise_of_road_is_a_hundredth_of_the_inputs_range(case: Explained, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawn from each sample's stream, after the draw that breaks ties: first for the most relevant, then the least."""
    shares = (0.3, 0.6)
    found = road(case, streams(COUNT), masked=shares)
    for row in range(COUNT):
        rng, picture, order = streams([row]), case.inputs[row], ranked(case.values[row])
        rng.permutations(CELLS)
        gaps = []
        for share in shares:
            count = round(share * CELLS)
            answers = []
            for gone in (order[:count], order[CELLS - count :]):
                noise = 0.01 * float(picture.max() - picture.min()) * rng.normal(picture[None])[0]
                noisy = (filled_in(picture, gone) + noise).clamp(0, 1)
                answers.append(said(case, without(picture, gone, noisy), row))
            gaps.append(answers[1] - answers[0])
        assert float(found[row]) == pytest.approx(sum(gaps) / len(gaps), abs=1e-7)


def test_infidelity_is_the_mean_squared_gap_at_the_best_scale(case: Explained) -> None:
    samples = 12
    found = infidelity(case, streams(COUNT), samples=samples, fill="floor")
    grid = segments(torch.Size((1, HEIGHT, WIDTH)))[0]
    for row in range(COUNT):
        rng, picture = streams([row]), case.inputs[row]
        told, seen = [], []
        for _ in range(samples):
            drawn = rng.uniform(torch.empty(1, int(grid.max()) + 1, dtype=torch.float64))[0]
            gone = [(r, c) for r in range(HEIGHT) for c in range(WIDTH) if drawn[grid[r, c]] < 0.5]
            told.append(sum(float(case.values[row, 0, r, c]) for r, c in gone))
            seen.append(said(case, picture, row) - said(case, without(picture, gone, torch.zeros_like(picture)), row))

        def gap(scale: float, told: list[float] = told, seen: list[float] = seen) -> float:
            return sum((scale * one - other) ** 2 for one, other in zip(told, seen, strict=True)) / samples

        assert float(found[row]) == pytest.approx(minimize_scalar(gap).fun, rel=1e-6)


def test_infidelity_is_captums_normalised_infidelity(case: Explained) -> None:
    samples = 16
    found = infidelity(case, streams(COUNT), samples=samples, fill="floor")
    grid = segments(torch.Size((1, HEIGHT, WIDTH))).flatten()
    for row in range(COUNT):
        rng = streams([row])
        like = torch.empty(1, int(grid.max()) + 1, dtype=torch.float64)
        drawn = torch.cat([rng.uniform(like) for _ in range(samples)])
        hidden = (drawn[:, grid] < 0.5).view(samples, 1, HEIGHT, WIDTH)

        def probability(inputs: Tensor, row: int = row) -> Tensor:
            return case.model.logits(inputs).softmax(1)[:, int(case.targets[row])]

        def hide(inputs: Tensor, hidden: Tensor = hidden) -> tuple[Tensor, Tensor]:
            return hidden.double(), torch.where(hidden, 0.0, inputs)

        one = slice(row, row + 1)
        expected = captum_infidelity(
            probability, hide, case.inputs[one], case.values[one], n_perturb_samples=samples, normalize=True
        )
        assert float(found[row]) == pytest.approx(float(expected), rel=1e-6)


def gradients(model: Any, inputs: Tensor, turn: int = 0) -> Tensor:
    leaf = inputs.detach().clone().requires_grad_(True)
    # captum asks for maps where none needs gradients.
    with torch.enable_grad():
        return torch.autograd.grad(model.logits(leaf)[:, 0].sum(), leaf)[0]


@pytest.fixture
def by_gradient(model: TorchModel, case: Explained) -> Explained:
    return explained(model, case.inputs, gradients(model, case.inputs), gradients)


def test_max_sensitivity_is_the_largest_relative_change_of_the_map(by_gradient: Explained) -> None:
    case, samples, radius = by_gradient, 7, 0.1
    found = max_sensitivity(case, streams(COUNT), samples=samples, radius=radius)
    for row in range(COUNT):
        rng, picture = streams([row]), case.inputs[row : row + 1]
        reach = radius * float(picture.max() - picture.min())
        largest = 0.0
        for _ in range(samples):
            near = (picture + reach * (2 * rng.uniform(picture) - 1)).clamp(0, 1)
            change = gradients(case.model, near) - case.values[row : row + 1]
            length = float(np.sqrt(sum(v * v for v in case.values[row].flatten().tolist())))
            largest = max(largest, float(np.sqrt(sum(v * v for v in change.flatten().tolist()))) / length)
        assert float(found[row]) == pytest.approx(largest, rel=1e-6)
    assert float(found.min()) > 0


def test_max_sensitivity_is_captums_where_both_look_at_the_same_neighbours(by_gradient: Explained) -> None:
    case, samples, radius = by_gradient, 5, 0.05
    found = max_sensitivity(case, streams(COUNT), samples=samples, radius=radius)
    for row in range(COUNT):
        rng, picture = streams([row]), case.inputs[row : row + 1]
        reach = radius * float(picture.max() - picture.min())
        near = torch.cat([(picture + reach * (2 * rng.uniform(picture) - 1)).clamp(0, 1) for _ in range(samples)])

        def neighbours(inputs: Tensor, _: float, near: Tensor = near) -> Tensor:
            assert len(inputs) == samples
            return near

        def maps(inputs: Any) -> Any:
            # captum takes a map that comes back bare from a tuple apart along the batch.
            if isinstance(inputs, tuple):
                return (gradients(case.model, *inputs),)
            return gradients(case.model, inputs)

        expected = captum_sensitivity(
            maps,
            picture,
            perturb_func=neighbours,
            perturb_radius=radius,
            n_perturb_samples=samples,
        )
        assert float(found[row]) == pytest.approx(float(expected), rel=1e-6)
