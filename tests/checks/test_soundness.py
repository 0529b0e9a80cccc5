"""The tests that every attack check runs on itself, on models planted for them and on sound ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from audit import Audit, read_suite, run
from audit.checks import soundness
from audit.checks.soundness import DRAWS, QUERIES, SHARES_OF_RANGE, STEPS
from audit.model import BlackBox, TorchModel
from audit.outward import telling
from audit.soundness import CLAIMS
from audit.suite import Check, Gate, Use

from ..masked_models import Randomised, Rounded, Saturated, Shattered, Softmaxed, quantised
from ..toys import EMOTIONS, SPEC, learned, picture_model, pictures
from ..toys import session as session_of
from .misled import Broken, Repaired, Rippled

BLOBS = Path(__file__).resolve().parents[1] / "blobs.py"
LAZY = '''
from audit.kinds import attack

@attack(norm="linf")
def lazy(model, inputs, targets, rng, *, epsilon):
    """Returns every clip as it is."""
    for _ in epsilon:
        yield inputs
'''
PGD = "method: pgd, steps: 10, sweep: {epsilon: [0.1, 0.2]}"
GATES = "{metric: accuracy, at: 0.2, min: 0.3}, {metric: accuracy, at: 0.2, max: 0.2}"


@pytest.fixture
def judge(tmp_path: Path) -> Callable[..., Audit]:
    """Audit a network on 40 pictures by a check with these keys."""
    (tmp_path / "own.py").write_text(LAZY)

    def judge(module: nn.Module, keys: str = PGD, gates: str = GATES) -> Audit:
        path = tmp_path / "own.audit.yaml"
        path.write_text(
            f'version: 1\nsuite: own\ndata: {{layout: "{BLOBS}:blobs"}}\ndecide: {{seed: 1, bootstrap: 200}}\n'
            f"checks: [{{check: attack, id: a, {keys}, gates: [{gates}]}}]\n"
        )
        model = TorchModel(module.eval().requires_grad_(False), SPEC, EMOTIONS, name="planted")
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return run(read_suite(path), model=model)

    return judge


def failed(audit: Audit) -> set[str]:
    (row,) = audit.soundness
    return {trial["name"] for trial in row["trials"] if trial["outcome"] != "PASS"}


def test_a_sound_network_fails_none_of_them(judge: Callable[..., Audit]) -> None:
    audit = judge(learned())
    assert failed(audit) == set()
    assert {trial["name"] for trial in audit.soundness[0]["trials"]} == set(CLAIMS)
    assert [verdict.outcome for verdict in audit.verdicts] == ["FAIL", "PASS"]


PLANTED: dict[str, tuple[str, Callable[[nn.Module], nn.Module], str]] = {
    "rounded inputs": ("vanishing", Rounded, PGD),
    "quantised layers": ("vanishing", quantised, PGD),
    "a root of nothing": ("broken", Broken, PGD),
    "a softmax too many": ("softmaxed", Softmaxed, PGD),
    "logits far too large": ("saturated", Saturated, PGD),
    "a ripple between pixel values": ("iterative", Rippled, PGD),
    "a fine ripple": ("black_box", Shattered, PGD),
    "rounded inputs, whatever is changed": ("unbounded", Rounded, PGD),
    "noise in every answer": ("randomised", Randomised, PGD),
    "an attack that does nothing": ("outdone", lambda inner: inner, 'method: "own.py:lazy", sweep: {epsilon: [0.2]}'),
    "what is rough is repaired": ("monotone", Repaired, "method: fgsm, sweep: {epsilon: [0.05, 0.2, 0.25]}"),
}


@pytest.mark.parametrize(("name", "planted", "keys"), PLANTED.values(), ids=PLANTED.keys())
def test_each_fires_on_what_is_planted_for_it_and_no_gate_passes(
    judge: Callable[..., Audit], name: str, planted: Callable[[nn.Module], nn.Module], keys: str
) -> None:
    at = 0.25 if name == "monotone" else 0.2
    gates = f"{{metric: accuracy, at: {at}, min: 0.05}}, {{metric: accuracy, at: {at}, max: 0.01}}"
    audit = judge(planted(learned()), keys, gates)
    assert name in failed(audit)
    least, most = audit.verdicts
    # The first would pass by its value where clips are left, the second fails by it, and no attack makes that better.
    assert (least.outcome, most.outcome) in (("UNSURE", "FAIL"), ("FAIL", "UNSURE"), ("UNSURE", "UNSURE"))
    (row,) = audit.soundness
    for verdict in audit.verdicts:
        if verdict.outcome == "UNSURE":
            assert verdict.blocks
            assert verdict.reason == f"robustness is not shown: {row['reason']}"
            assert CLAIMS[name].told in verdict.reason
            assert verdict.next_step in [CLAIMS[each].remedy for each in failed(audit)]


@pytest.mark.parametrize(
    "name", ["rounded inputs", "a fine ripple", "an attack that does nothing", "a root of nothing"]
)
def test_what_would_have_passed_is_unsure_and_what_fails_still_fails(judge: Callable[..., Audit], name: str) -> None:
    _, planted, keys = PLANTED[name]
    audit = judge(planted(learned()), keys)
    assert audit.verdicts[0].value > 0.9
    assert [verdict.outcome for verdict in audit.verdicts] == ["UNSURE", "FAIL"]
    assert not audit.passed


@pytest.mark.parametrize(
    ("planted", "only"), [(Softmaxed, "softmaxed"), (Saturated, "saturated"), (Rippled, "iterative")]
)
def test_what_is_planted_for_one_fires_no_other(
    judge: Callable[..., Audit], planted: Callable[[nn.Module], nn.Module], only: str
) -> None:
    keys = "method: [fgsm, {pgd: {steps: 10}}], sweep: {epsilon: [0.1, 0.2]}"
    assert failed(judge(planted(learned()), keys)) == {only}


def test_a_model_whose_answers_change_from_call_to_call_gets_no_verdict_at_all(judge: Callable[..., Audit]) -> None:
    audit = judge(Randomised(learned(), 0.6))
    assert "randomised" in failed(audit)
    assert {verdict.outcome for verdict in audit.verdicts} == {"ERROR"}
    assert all(verdict.reason.startswith("answers change from call to call") for verdict in audit.verdicts)


def test_a_network_that_keeps_gradients_from_its_input_gets_no_verdict(judge: Callable[..., Audit]) -> None:
    class Cut(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = learned()

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return self.inner(inputs.detach())

    audit = judge(Cut())
    assert {verdict.outcome for verdict in audit.verdicts} == {"ERROR"}
    assert all("no gradient reaches the input" in verdict.reason for verdict in audit.verdicts)


@pytest.mark.parametrize("weak", ["uniform_noise", "{square: {queries: 1}}"])
def test_an_attack_that_one_step_outdoes_shows_no_robustness(judge: Callable[..., Audit], weak: str) -> None:
    audit = judge(
        learned(), f"method: [{weak}], sweep: {{epsilon: [0.1, 0.2]}}", "{metric: accuracy, at: 0.2, min: 0.3}"
    )
    assert audit.verdicts[0].value > 0.9
    assert audit.verdicts[0].outcome == "UNSURE"
    assert "outdone" in failed(audit)


def test_where_no_clip_is_recognised_nothing_is_tested_and_no_gate_passes(judge: Callable[..., Audit]) -> None:
    class Shifted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = learned()

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return self.inner(inputs).roll(1, 1)

    audit = judge(Shifted(), gates="{metric: drop, at: 0.2, max: 0.5, floor: none}")
    assert audit.verdicts[0].value == 0.0
    assert audit.verdicts[0].outcome == "UNSURE"
    assert "no input is recognised" in audit.verdicts[0].reason
    assert audit.verdicts[0].next_step


@pytest.mark.parametrize(
    ("method", "parameter", "sizes"), [("pgd_l2", "epsilon", (1.0, 3.0)), ("pgd", "epsilon", (0.2,))]
)
def test_in_every_norm_answers_alone_are_tried_too(method: str, parameter: str, sizes: tuple[float, ...]) -> None:
    check = Check("a", "attack", (Use("attack", method, {"steps": 3}),), (parameter, sizes), soundness_samples=8)
    session = session_of(picture_model(Shattered(learned())), *pictures(16, seed=9))
    found = {(record.score, record.predicted) for record in soundness.probed(check, session)}
    names = {record.measure for record in soundness.probed(check, session) if record.severity == sizes[-1]}
    assert names == {"iterative", "black_box", "simple"}
    assert found == {(0.0, ""), (1.0, "")}


def test_of_a_model_without_gradients_what_needs_none_is_tested() -> None:
    module = learned()

    def answer(inputs: Any) -> Any:
        with torch.no_grad():
            return module(torch.from_numpy(inputs)).numpy()

    model = BlackBox(answer, SPEC, EMOTIONS)
    check = Check("a", "attack", (Use("attack", "square", {"queries": 20}),), ("epsilon", (0.2,)))
    records = list(soundness.probed(check, session_of(model, *pictures(12, seed=9))))
    assert {record.measure for record in records} == {"randomised", "softmaxed", "saturated", "unbounded", "simple"}
    assert not any(record.score for record in records if record.measure != "simple")


def test_what_is_measured_depends_on_no_other_clip_of_the_batch() -> None:
    check = Check("a", "attack", (Use("attack", "fgsm"),), ("epsilon", (0.1, 0.2)), gates=GATE_AT)
    session = session_of(picture_model(Shattered(learned())), *pictures(16, seed=9))
    first, second = (
        sorted((r.sample.id, r.measure, str(r.severity), r.score) for r in soundness.probed(check, each))
        for each in (replace(session, batch_size=16), replace(session, batch_size=3))
    )
    assert first == second
    assert any(score for *_, score in first)


def test_a_model_is_left_as_it_came() -> None:
    model = picture_model()
    before = {name: value.clone() for name, value in model.module.state_dict().items()}
    state = torch.get_rng_state()
    list(
        soundness.probed(
            Check("a", "attack", (Use("attack", "fgsm"),), ("epsilon", (0.2,))), session_of(model, *pictures(8))
        )
    )
    assert all(torch.equal(value, before[name]) for name, value in model.module.state_dict().items())
    assert all(parameter.grad is None for parameter in model.module.parameters())
    assert torch.equal(state, torch.get_rng_state())


GATE_AT = (Gate("accuracy", 0.5, None, at=0.1),)


@pytest.mark.parametrize(
    ("planted", "gates"), [(learned(), ()), (Shattered(learned()), GATE_AT), (Rounded(learned()), GATE_AT)]
)
def test_it_takes_no_more_passes_than_are_stated(planted: nn.Module, gates: tuple[Gate, ...]) -> None:
    check = Check(
        "a", "attack", (Use("attack", "fgsm"),), ("epsilon", (0.0, 0.1, 0.2)), gates=gates, soundness_samples=16
    )
    model = picture_model(planted)
    session = session_of(model, *pictures(16, seed=9))
    before = (model.ledger.total.forward_samples, model.ledger.total.backward_samples)
    list(soundness.probed(check, session))
    taken = (model.ledger.total.forward_samples - before[0], model.ledger.total.backward_samples - before[1])
    times, ranges = len(telling(check)), len(SHARES_OF_RANGE)
    forward = 3 + ranges * (STEPS + 2) + 1 + times * (1 + (STEPS + 3) + DRAWS + (QUERIES + 2))
    backward = 1 + ranges * STEPS + times * STEPS
    assert 0 < taken[0] <= 16 * forward
    assert 0 < taken[1] <= 16 * backward
