"""What every faithfulness score promises, of every kind of input: one finite number per map, and nothing changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from audit.explained import Explained
from audit.input_spec import FaceInput, SpeechInput
from audit.kinds import find, known_methods
from audit.model import Model, TorchModel

from ..saliency.architectures import ARCHITECTURES
from ..toys import explained, same, state, streams

SCORES = sorted(known_methods("faithfulness"))
FEW: Mapping[str, Mapping[str, Any]] = {
    "deletion": {"steps": 4},
    "insertion": {"steps": 4},
    "infidelity": {"samples": 4},
    "max_sensitivity": {"samples": 2},
    "road": {"masked": [0.2, 0.6]},
}
"""Keys that spare time; what they change is none of the promises."""
SEEDS = (5, 6, 7)
MFCC = SpeechInput(8000, 0.5, "mfcc", {"n_fft": 256, "hop_length": 128, "n_mels": 16, "n_mfcc": 8, "mean": True})
KINDS = ("plain-cnn", "conv1d", "inception", "bidirectional-lstm", "black-box", "mfcc-means")


def model_of(kind: str, folder: Path) -> tuple[Model, Tensor]:
    if kind != "mfcc-means":
        return ARCHITECTURES[kind].model(folder), ARCHITECTURES[kind].inputs(len(SEEDS))
    with torch.random.fork_rng():
        torch.manual_seed(1)
        module = nn.Sequential(nn.Flatten(), nn.Linear(8, 3)).eval()
    inputs = 20 * torch.randn(len(SEEDS), 1, 8, 1, generator=torch.Generator().manual_seed(3))
    return TorchModel(module, MFCC, ("anger", "fear", "joy")), inputs


@pytest.fixture(params=KINDS)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Explained:
    model, inputs = model_of(request.param, tmp_path)
    inputs[2] = inputs[2, ..., :1]
    values = torch.randn(inputs.shape, generator=torch.Generator().manual_seed(9))
    # As Grad-CAM's may be: nothing is relevant.
    values[1] = 0.0
    return explained(model, inputs, values, lambda _, given, turn: given * values[: len(given)])


def scored(name: str, case: Explained, rows: slice = slice(None), **keys: Any) -> Tensor:
    found: Callable[..., Tensor] = find("faithfulness", name).load()
    part = case
    if rows != slice(None):
        part = explained(
            case.model,
            case.inputs[rows],
            case.values[rows],
            lambda _, given, turn: given * case.values[rows],
            case.targets[rows],
        )
    return found(part, streams(SEEDS[rows]), **{**FEW.get(name, {}), **keys})


@pytest.mark.parametrize("name", SCORES)
def test_every_score_is_one_finite_number_per_map_and_changes_nothing(name: str, case: Explained) -> None:
    fills = (
        ("mean", "floor", "noise", "blur", "imputed") if "fill" in find("faithfulness", name).parameters else (None,)
    )
    for fill in fills:
        keys = {} if fill is None else {"fill": fill}
        inputs, values, before = case.inputs.clone(), case.values.clone(), state(case.model)
        found = scored(name, case, **keys)
        assert found.shape == (len(SEEDS),)
        assert bool(torch.isfinite(found).all())
        assert not found.requires_grad
        assert torch.equal(case.inputs, inputs)
        assert torch.equal(case.values, values)
        assert same(before, state(case.model))
        assert torch.equal(found, scored(name, case, **keys)), "the same seed gives the same bits"
        alone = torch.cat([scored(name, case, slice(row, row + 1), **keys) for row in range(len(SEEDS))])
        torch.testing.assert_close(alone, found, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", [n for n in SCORES if n != "max_sensitivity"])
def test_no_score_shows_the_model_an_input_out_of_its_bounds(name: str, case: Explained) -> None:
    low, high = case.model.spec.bounds
    seen: list[Tensor] = []

    def watched(given: Tensor) -> Tensor:
        seen.append(given)
        return case.probability(given)

    function = find("faithfulness", name)
    for fill in ("noise", "imputed") if "fill" in function.parameters else (None,):
        keys = {} if fill is None else {"fill": fill}
        function.load()(replace(case, probability=watched), streams(SEEDS), **{**FEW.get(name, {}), **keys})
    assert seen
    assert all(float(given.min()) >= low and float(given.max()) <= high for given in seen)


def test_no_neighbour_of_max_sensitivity_is_out_of_bounds(case: Explained) -> None:
    low, high = case.model.spec.bounds
    seen: list[Tensor] = []

    def watched(_: Model, given: Tensor, __: int) -> Tensor:
        seen.append(given)
        return given

    find("faithfulness", "max_sensitivity").load()(replace(case, explain=watched), streams(SEEDS), radius=0.5)
    assert len(seen) == 5
    assert all(float(given.min()) >= low and float(given.max()) <= high for given in seen)


@pytest.mark.parametrize("name", SCORES)
def test_a_score_for_which_more_is_better_prefers_the_map_of_what_the_model_looks_at(name: str) -> None:
    """Of a linear model, the weights times the input against the same in disorder; for none is the order turned."""
    generator = torch.Generator().manual_seed(4)
    module = nn.Sequential(nn.Flatten(), nn.Linear(256, 3))
    with torch.no_grad():
        module[1].weight.zero_()[0] = torch.rand(256, generator=generator) ** 4 * 0.2
        module[1].bias.copy_(torch.tensor([-2.0, 0.0, 0.0]))
    model = TorchModel(module.eval().requires_grad_(False), FaceInput(16, 16), ("anger", "fear", "joy"))
    inputs = torch.rand(8, 1, 16, 16, generator=generator)
    perfect = module[1].weight[0].view(1, 1, 16, 16) * inputs
    disorder = perfect.flatten(1)[:, torch.randperm(256, generator=generator)].view_as(perfect)
    targets = torch.zeros(8, dtype=torch.long)

    def score(values: Tensor, *, steady: bool) -> float:
        noise = torch.randn(values.shape, generator=torch.Generator().manual_seed(1))
        told = explained(model, inputs, values, lambda *_: values if steady else values + noise, targets)
        keys = {"fill": "floor"} if "fill" in find("faithfulness", name).parameters else {}
        return float(find("faithfulness", name).load()(told, streams(8), **keys).mean())

    better, worse = score(perfect, steady=True), score(disorder, steady=False)
    assert (better > worse) is find("faithfulness", name).facts["higher"]
    assert better != worse
