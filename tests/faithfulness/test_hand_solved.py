"""Models whose answer is known cell by cell: the perfect map, the worst, and what each must score."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from audit import imputation
from audit.errors import MethodError
from audit.explained import Explained
from audit.faithfulness.deletion import deletion
from audit.faithfulness.infidelity import infidelity
from audit.faithfulness.insertion import insertion
from audit.faithfulness.max_sensitivity import max_sensitivity
from audit.faithfulness.probability_drop import probability_drop
from audit.faithfulness.road import road
from audit.input_spec import FaceInput
from audit.model import TorchModel

from ..toys import explained, streams

SPEC = FaceInput(2, 5)
WEIGHTS = torch.tensor([0.4, 0.0, 0.1, 0.0, 0.0, 0.0, 0.3, 0.0, 0.0, 0.2]).view(1, 1, 2, 5)
PERFECT, WORST = WEIGHTS, -WEIGHTS


class Shares(nn.Module):
    """Says anger with a probability that is the weighted sum of the cells."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.Parameter(WEIGHTS.double(), requires_grad=False)

    def forward(self, inputs: Tensor) -> Tensor:
        share = (inputs.double() * self.weights).flatten(1).sum(1).clamp(1e-12, 1 - 1e-12)
        return torch.stack([share.log(), (1 - share).log()], 1)


def case(values: Tensor, inputs: Tensor | None = None, explain: Any = None) -> Explained:
    given = torch.ones(1, 1, 2, 5) if inputs is None else inputs
    return explained(TorchModel(Shares(), SPEC, ("anger", "fear")), given, values, explain, torch.tensor([0]))


def test_hiding_a_fifth_by_the_perfect_map_takes_the_two_heaviest_cells() -> None:
    assert float(probability_drop(case(PERFECT), streams(1), fill="floor")) == pytest.approx(0.7)
    assert float(probability_drop(case(WORST), streams(1), fill="floor")) == pytest.approx(0.0, abs=1e-9)


def test_the_areas_of_deletion_and_insertion_are_those_worked_out_by_hand() -> None:
    # 1, .6, .3, .1, 0, 0, ... by the perfect map; 1 seven times, then .9, .7, .4, 0 by the worst.
    assert float(deletion(case(PERFECT), streams(1), fill="floor")) == pytest.approx(0.15)
    assert float(deletion(case(WORST), streams(1), fill="floor")) == pytest.approx(0.85)
    assert float(insertion(case(PERFECT), streams(1), fill="floor")) == pytest.approx(0.85)
    assert float(insertion(case(WORST), streams(1), fill="floor")) == pytest.approx(0.15)


def test_road_of_the_one_cell_that_differs_is_all_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its neighbours are dark: removed first, it becomes as dark as they are; removed last, it stays."""
    monkeypatch.setattr(imputation, "NOISE", 0.0)
    spot = torch.zeros(1, 1, 2, 5)
    spot[0, 0, 0, 0] = 1.0
    rank = torch.arange(10.0).flip(0).view(1, 1, 2, 5)
    assert float(road(case(rank, spot), streams(1), masked=[0.1])) == pytest.approx(0.4)
    assert float(road(case(-rank, spot), streams(1), masked=[0.1])) == pytest.approx(-0.4)


def test_infidelity_of_shares_that_add_up_is_none_in_any_unit() -> None:
    assert float(infidelity(case(PERFECT), streams(1), fill="floor")) == pytest.approx(0.0, abs=1e-12)
    assert float(infidelity(case(1000 * PERFECT), streams(1), fill="floor")) == pytest.approx(0.0, abs=1e-12)
    other = torch.rand(1, 1, 2, 5, generator=torch.Generator().manual_seed(1))
    assert float(infidelity(case(other), streams(1), fill="floor")) > 1e-3


def test_infidelity_of_a_map_that_says_nothing_is_the_mean_squared_drop() -> None:
    found = float(infidelity(case(torch.zeros(1, 1, 2, 5)), streams(1), samples=20, fill="floor"))
    rng, drops = streams(1), []
    for _ in range(20):
        hidden = rng.uniform(torch.empty(1, 10)).view(2, 5) < 0.5
        drops.append(float(WEIGHTS[0, 0][hidden].double().sum()) ** 2)
    assert found == pytest.approx(sum(drops) / 20)


def test_a_map_that_never_changes_has_no_sensitivity() -> None:
    assert float(max_sensitivity(case(PERFECT), streams(1))) == 0.0


def test_the_sensitivity_of_the_input_as_its_own_map_is_the_relative_length_of_the_step() -> None:
    inputs = torch.linspace(0.3, 0.7, 10).view(1, 1, 2, 5)
    whole = case(inputs, inputs, lambda model, moved, turn: moved)
    rng = streams(1)
    steps = [0.05 * 0.4 * (2 * rng.uniform(inputs) - 1) for _ in range(4)]
    expected = max(float(step.norm() / inputs.norm()) for step in steps)
    assert float(max_sensitivity(whole, streams(1), samples=4, radius=0.05)) == pytest.approx(expected, rel=1e-4)


def test_a_map_that_is_nought_until_the_input_moves_has_a_sensitivity_that_is_a_number() -> None:
    """Grad-CAM's are, where all of its weights are negative: the change then counts as whole."""
    inputs = torch.linspace(0.3, 0.7, 10).view(1, 1, 2, 5)
    whole = case(torch.zeros_like(inputs), inputs, lambda model, moved, turn: 1e3 * moved)
    assert float(max_sensitivity(whole, streams(1))) == 1.0


@pytest.mark.parametrize(
    ("score", "keys", "words"),
    [
        (probability_drop, {"masked": 0.0}, "masked is 0.0"),
        (probability_drop, {"masked": 20.0}, "0.2 is 20 %"),
        (deletion, {"steps": 0}, "0 steps through 10 cells"),
        (insertion, {"steps": 11}, "11 steps through 10 cells"),
        (road, {"masked": (0.5, 1.0)}, "shares between 0 and 1"),
        (road, {"masked": ()}, "shares between 0 and 1"),
        (infidelity, {"samples": 1}, "samples is 1"),
        (max_sensitivity, {"samples": 0}, "at least 1"),
        (max_sensitivity, {"radius": 0.0}, "above 0"),
        (max_sensitivity, {"radius": float("nan")}, "above 0"),
    ],
)
def test_a_key_out_of_range_is_refused_with_what_is_due(score: Any, keys: dict[str, Any], words: str) -> None:
    with pytest.raises(MethodError, match=re.escape(words)):
        score(case(PERFECT), streams(1), **keys)
