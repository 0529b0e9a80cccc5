"""Attacks held to the salient cells, and to the least salient: nothing else moves, and the ball and bounds are kept."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from audit.checks import attack
from audit.checks.confined import confined
from audit.checks.explainer import Explainer
from audit.checks.saliency import SaliencyRun
from audit.checks.session import Session
from audit.errors import MethodError
from audit.model import BlackBox, TorchModel, gradient
from audit.record import Record
from audit.suite import Check, Use

from ..toys import EMOTIONS, SPEC, learned, picture_model, pictures, same, session, state

EPSILON = 0.15
LRP = Use("saliency", "lrp")
FGSM = Use("attack", "fgsm", {"epsilon": [EPSILON]})
CHECK = Check(
    "maps", "saliency", (LRP,), faithfulness=(Use("faithfulness", "probability_drop"),), random_masks=1, confined=FGSM
)
PGD = '''
from audit.kinds import attack
from audit.model import gradient


@attack(norm="linf")
def steps(model, inputs, targets, rng, *, epsilon, count: int = 3):
    """Takes steps, and leaves its ball."""
    for size in epsilon:
        moved = inputs + 0.01 * rng.normal(inputs)
        for _ in range(count):
            moved = moved + size * gradient(model, moved, targets).sign()
        yield moved


@attack(norm="l2")
def far(model, inputs, targets, rng, *, epsilon):
    """Leaves ball, bounds and cells."""
    for size in epsilon:
        yield inputs + 5 * gradient(model, inputs, targets).sign() + rng.normal(inputs)


@attack(norm="linf")
def halves(model, inputs, targets, rng, *, epsilon):
    """Asks about parts of a batch."""
    for size in epsilon:
        yield inputs + size * gradient(model, inputs[:1], targets[:1]).sign()
'''


@pytest.fixture
def toys() -> Session:
    return session(picture_model(), *pictures(12, seed=11), batch_size=12)


@pytest.fixture
def own(tmp_path: Path) -> Any:
    (tmp_path / "own.py").write_text(PGD)
    return lambda name: Use("attack", f"own.py:{name}", {"epsilon": [EPSILON]}, tmp_path)


def attacked(session: Session, use: Use, share: float = 0.2) -> tuple[list[Record], list[Tensor], Tensor]:
    """Return the records, the inputs that the model was asked about at their end, and the maps."""
    drops = (Use("faithfulness", "probability_drop", {"masked": share}),)
    check = replace(CHECK, confined=use, faithfulness=drops)
    explainer = Explainer(check, session, LRP)
    indices = list(range(len(session.samples)))
    values = torch.rand(session.inputs.shape, generator=torch.Generator().manual_seed(0))
    seen: list[Tensor] = []
    predict = Session.predict

    def watched(self: Session, inputs: Tensor, model: Any = None) -> Tensor:
        seen.append(inputs)
        return predict(self, inputs, model)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Session, "predict", watched)
        records = list(confined(explainer, indices, values))
    return records, seen, values


def top(values: Tensor, share: float) -> Tensor:
    flat = values.flatten(1)
    edge = flat.sort(1, descending=True).values[:, round(share * flat.shape[1]) - 1]
    return values >= edge.view(-1, 1, 1, 1)


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
def test_a_confined_gradient_sign_step_is_the_plain_one_in_the_cells_alone(toys: Session, share: float) -> None:
    _, seen, values = attacked(toys, FGSM, share)
    step = EPSILON * gradient(toys.model, toys.inputs, toys.truths).sign()
    for inputs, cells in zip(seen, (top(values, share), top(-values, share)), strict=True):
        expected = torch.where(cells, toys.inputs + step, toys.inputs).clamp(0, 1)
        torch.testing.assert_close(inputs, expected)
        assert cells.flatten(1).sum(1).tolist() == [round(share * 256)] * 12


@pytest.mark.parametrize("name", ["fgsm", "steps", "far"])
def test_nothing_outside_the_cells_moves_and_ball_and_bounds_are_kept(name: str, own: Any, toys: Session) -> None:
    records, seen, values = attacked(toys, FGSM if name == "fgsm" else own(name))
    for inputs, cells in zip(seen, (top(values, 0.2), top(-values, 0.2)), strict=True):
        assert torch.equal(inputs[~cells], toys.inputs[~cells])
        assert not torch.equal(inputs[cells], toys.inputs[cells])
        assert inputs.min() >= 0
        assert inputs.max() <= 1
        moved = (inputs - toys.inputs).flatten(1)
        size = moved.norm(dim=1).max() if name == "far" else moved.abs().max()
        assert size <= EPSILON + 1e-6
    assert len(records) == 24


def test_cells_that_lie_out_of_bounds_already_stay_where_they_are(toys: Session) -> None:
    odd = replace(toys, inputs=toys.inputs + 0.4)
    _, seen, values = attacked(odd, FGSM)
    outside = ~top(values, 0.2)
    assert float(odd.inputs.max()) > 1
    assert torch.equal(seen[0][outside], odd.inputs[outside])


def test_with_the_whole_input_salient_it_is_the_plain_attack(toys: Session) -> None:
    # A thousandth of 256 cells is none.
    records, seen, _ = attacked(toys, FGSM, 0.999)
    check = Check("plain", "attack", (Use("attack", "fgsm"),), ("epsilon", (EPSILON,)))
    (change,) = attack.changes(check, toys, range(12))
    for inputs in seen:
        torch.testing.assert_close(inputs, change.after)
    assert {record.severity for record in records} == {EPSILON}


def test_the_score_is_what_it_took_from_the_true_emotion(toys: Session) -> None:
    records, seen, _ = attacked(toys, FGSM)
    assert [r.measure for r in records] == ["confined/salient"] * 12 + ["confined/least"] * 12
    for turn, inputs in enumerate(seen):
        after = toys.predict(inputs)
        for row, record in enumerate(records[12 * turn : 12 * turn + 12]):
            truth = int(toys.truths[row])
            assert record.sample is toys.samples[row]
            assert record.method == "lrp"
            assert list(record.probabilities) == pytest.approx(after[row].tolist())
            assert record.predicted == EMOTIONS[int(after[row].argmax())]
            assert record.score == pytest.approx(float(toys.clean[row, truth] - after[row, truth]))


def test_what_a_map_calls_salient_is_where_an_attack_reaches_further() -> None:
    toys = session(picture_model(), *pictures(24, seed=11))
    smoothgrad = Use("saliency", "smoothgrad", {"samples": 4})
    check = replace(CHECK, uses=(smoothgrad,), confined=Use("attack", "fgsm", {"epsilon": [0.3]}))
    before = state(toys.model)
    run = SaliencyRun(check, toys, None)
    records = [r for r in run.records() if r.measure.startswith("confined/")]
    assert same(before, state(toys.model))
    assert run.refused == {}
    taken = {
        part: sum(r.score for r in records if r.measure == f"confined/{part}") / 24 for part in ("salient", "least")
    }
    assert taken["salient"] > taken["least"] + 0.05
    assert {r.method for r in records} == {"smoothgrad"}


@pytest.mark.parametrize("batch_size", [1, 5])
def test_batches_change_nothing(batch_size: int, toys: Session) -> None:
    def records(size: int) -> dict[tuple[str, str], float]:
        run = SaliencyRun(CHECK, replace(toys, batch_size=size), None)
        return {(r.measure, r.sample.id): r.score for r in run.records() if "confined" in r.measure}

    one, other = records(batch_size), records(12)
    assert one.keys() == other.keys()
    assert all(one[key] == pytest.approx(other[key], abs=1e-5) for key in one)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("square", "confined: square takes no gradients, and cannot be held to a part of the input"),
        ("halves", "confined: this attack asks about parts of a batch, and cannot be held to cells"),
    ],
)
def test_an_attack_that_cannot_be_held_to_cells_is_refused_by_name(
    name: str, words: str, own: Any, toys: Session
) -> None:
    use = Use("attack", "square", {"epsilon": [EPSILON]}) if name == "square" else own(name)
    with pytest.raises(MethodError, match=re.escape(words)):
        attacked(toys, use)


def test_a_model_without_gradients_is_refused(toys: Session) -> None:
    module = learned()
    box = BlackBox(lambda given: module(torch.from_numpy(given)).numpy(), SPEC, EMOTIONS, name="box")
    with pytest.raises(MethodError, match="'box' gives no gradients"):
        attacked(replace(toys, model=box), FGSM)


def test_an_attack_that_returns_no_number_is_refused(toys: Session, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "from audit.kinds import attack\n\n\n@attack(norm='linf')\n"
        "def broken(model, inputs, targets, rng, *, epsilon):\n    '''Is not a number.'''\n"
        "    yield inputs * float('nan')\n"
    )
    with pytest.raises(MethodError, match="broken returned a wrong shape, NaN or infinity"):
        attacked(toys, Use("attack", "own.py:broken", {"epsilon": [EPSILON]}, tmp_path))


def test_the_model_is_the_same_to_everyone_else(toys: Session) -> None:
    before = state(toys.model)
    attacked(toys, FGSM)
    assert same(before, state(toys.model))
    assert isinstance(toys.model, TorchModel)
