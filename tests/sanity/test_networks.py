"""The networks that sanity tests ask a method about: in another order, trained on other labels, shifted."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from audit.errors import MethodError
from audit.model import Model, TorchModel
from audit.sanity.input_shift import input_shift
from audit.sanity.label_shuffle import label_shuffle
from audit.sanity.parameter_randomisation import parameter_randomisation
from audit.suite import Use

from ..toys import EMOTIONS, SPEC, explained, learned, network, picture_model, pictures, same, state, streams


def test_randomisation_goes_from_the_last_layer_down_to_all(use: Callable[[str], Use]) -> None:
    model = picture_model()
    inputs, _ = pictures(4)
    kept = {name: value.clone() for name, value in model.module.named_parameters()}
    changed: list[set[str]] = []

    def note(other: Model, given: Tensor, turn: int) -> Tensor:
        assert other is model
        now = dict(model.module.named_parameters())
        changed.append({name.partition(".")[0] for name in kept if not torch.equal(now[name], kept[name])})
        for name, value in kept.items():
            torch.testing.assert_close(now[name].flatten().sort().values, value.flatten().sort().values)
        return given

    case = explained(model, inputs, inputs, note)
    severities = [severity for severity, _ in parameter_randomisation(case, streams(4), stages=4)]
    assert severities == [0.25, 0.5, 0.75, 1.0]
    assert changed == [{"8"}, {"8", "4"}, {"8", "4", "1"}, {"8", "4", "1", "0"}]


@pytest.mark.parametrize(("stages", "due"), [(1, [1.0]), (3, [0.5, 1.0]), (9, [0.5, 1.0])])
def test_no_stage_is_shown_twice_where_there_are_fewer_layers_than_stages(stages: int, due: list[float]) -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(256, 8), nn.ReLU(), nn.Linear(8, 4)).eval()
    case = explained(picture_model(module), *(2 * [pictures(4)[0]]))
    assert [severity for severity, _ in parameter_randomisation(case, streams(4), stages=stages)] == due


@pytest.mark.parametrize("stages", [0, -1])
def test_no_stages_are_refused(stages: int) -> None:
    case = explained(picture_model(network()), *(2 * [pictures(4)[0]]))
    with pytest.raises(MethodError, match=re.escape(f"stages is {stages}")):
        list(parameter_randomisation(case, streams(4), stages=stages))


def test_a_network_whose_answer_is_a_script_is_put_in_another_order_too() -> None:
    """Its layers cannot be watched, and stand in the order in which they were defined."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        script = torch.jit.trace(learned(), pictures(2)[0])
    model = TorchModel(script, SPEC, EMOTIONS)
    seen: list[Tensor] = []

    def asked(other: Model, given: Tensor, turn: int) -> Tensor:
        with torch.no_grad():
            seen.append(other.logits(given))
        return given

    inputs, _ = pictures(4)
    with torch.no_grad():
        before = model.logits(inputs)
    found = list(parameter_randomisation(explained(model, inputs, inputs, asked), streams(4), stages=2))
    assert [severity for severity, _ in found] == [0.5, 1.0]
    assert not torch.allclose(seen[0], before)
    with torch.no_grad():
        torch.testing.assert_close(model.logits(inputs), before)


def test_label_shuffle_learns_the_shuffled_labels_by_heart_and_by_nothing_else() -> None:
    model = picture_model()
    inputs, _ = pictures(16, seed=3)
    answers: list[Tensor] = []

    def asked(other: Model, given: Tensor, turn: int) -> Tensor:
        assert not any(part.training for part in other.module.modules())
        with torch.no_grad():
            answers.append(other.logits(given).argmax(1))
        return given

    before = state(model)
    case = explained(model, inputs, inputs, asked)
    severities = [severity for severity, _ in label_shuffle(case, streams(16))]
    assert same(before, state(model))
    generator = torch.Generator().manual_seed(case.seed)
    shuffled = case.targets[torch.randperm(16, generator=generator)]
    assert severities == [1.0]
    assert float((answers[0] == shuffled).double().mean()) >= 0.9
    assert float((answers[0] == case.targets).double().mean()) < 0.8


def test_label_shuffle_says_so_where_it_cannot_learn() -> None:
    model = picture_model()
    before = state(model)
    with pytest.raises(MethodError, match=r"has \d+% of the shuffled labels by heart, and 90% are due; give it more"):
        list(label_shuffle(explained(model, *(2 * [pictures(16)[0]])), streams(16), epochs=1, learning_rate=1e-9))
    assert same(before, state(model))


def test_the_shifted_network_answers_the_shifted_input_as_before() -> None:
    model = picture_model()
    inputs, _ = pictures(8)
    seen: list[tuple[Model, Tensor]] = []

    def keep(other: Model, given: Tensor, turn: int) -> Tensor:
        assert turn == 0
        seen.append((other, given))
        return given

    list(input_shift(explained(model, inputs, inputs, keep), streams(8), shift=0.5))
    ((shifted, given),) = seen
    torch.testing.assert_close(given, inputs + 0.5)
    torch.testing.assert_close(shifted.logits(given), model.logits(inputs), rtol=0, atol=1e-5)
    assert shifted.module is not None
    torch.testing.assert_close(shifted.module(given), model.logits(inputs), rtol=0, atol=1e-5)
    assert shifted.spec.bounds == (0.5, 1.5)
    torch.testing.assert_close(shifted.spec.clip(given + 9), torch.full_like(given, 1.5))
    assert (shifted.emotions, shifted.differentiable) == (model.emotions, True)
