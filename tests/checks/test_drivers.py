"""The drivers: what they keep honest, what they record, and that order and batches change nothing."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from audit.checks import attack, change, clean, corruption
from audit.checks.session import Session
from audit.errors import MethodError
from audit.kinds import saliency
from audit.record import Record, table
from audit.suite import Check, Use

COUNT = 24


NOISE = Check("gaussian_noise", "corruption", (Use("corruption", "gaussian_noise"),), ("sigma", (0.01, 0.1)))
HISS = Check("white_noise", "corruption", (Use("corruption", "white_noise"),), ("snr_db", (10.0, 30.0)))
FGSM = Check("fgsm", "attack", (Use("attack", "fgsm"),), ("epsilon", (0.0, 0.01)))
FGSM_WAVE = replace(FGSM, id="fgsm-waveform", space="waveform", sweep=("epsilon", (0.001,)))
SQUARE = replace(FGSM, id="square", uses=(Use("attack", "square", {"queries": 12}),), samples=8)
SQUARE_WAVE = replace(SQUARE, id="square-waveform", space="waveform", sweep=("epsilon", (0.01,)))
SWEPT = [NOISE, HISS, FGSM, FGSM_WAVE, SQUARE, SQUARE_WAVE]


def perturbed(check: Check, session: Session) -> list[Record]:
    changes = corruption.changes if check.kind == "corruption" else attack.changes
    return list(change.judged(check, session, changes))


@pytest.mark.parametrize("check", SWEPT, ids=lambda check: check.id)
def test_two_runs_give_the_same_records_to_the_last_bit(check: Check, session: Session) -> None:
    first, second = table(perturbed(check, session)), table(perturbed(check, session))
    assert first.to_json() == second.to_json()
    assert first["probabilities"].tolist() == second["probabilities"].tolist()


@pytest.mark.parametrize("check", SWEPT, ids=lambda check: check.id)
def test_batches_of_one_and_of_thirty_two_agree(check: Check, session: Session) -> None:
    alone, together = (
        table(perturbed(check, replace(session, batch_size=size)))
        .set_index(["measure", "severity", "sample"])
        .sort_index()
        for size in (1, 32)
    )
    of_alone = torch.tensor(alone.loc[""]["probabilities"].tolist())
    of_together = torch.tensor(together.loc[""]["probabilities"].tolist())
    torch.testing.assert_close(of_alone, of_together, rtol=0, atol=1e-5)
    top = of_alone.sort(1, descending=True).values
    clear = (top[:, 0] - top[:, 1]) > 1e-4
    assert clear.any()
    assert torch.equal(of_alone.argmax(1)[clear], of_together.argmax(1)[clear])


def test_epsilon_zero_is_the_clean_prediction(session: Session) -> None:
    records = [r for r in perturbed(FGSM, session) if r.severity == 0.0]
    found = torch.tensor([r.probabilities for r in records], dtype=torch.float64)
    torch.testing.assert_close(found, session.clean, rtol=0, atol=1e-6)


def test_an_attack_raises_the_loss(session: Session) -> None:
    attacked = torch.tensor([r.probabilities for r in perturbed(FGSM, session) if r.severity == 0.01])

    def truth(p: Tensor) -> Tensor:
        return p.gather(1, session.truths[:, None]).mean()

    assert truth(attacked) < truth(session.clean)


def test_the_reached_ratio_of_a_waveform_attack_is_recorded(session: Session) -> None:
    reached = [r.score for r in perturbed(FGSM_WAVE, session) if r.measure == "snr_db"]
    expected = 10 * math.log10(0.2**2 / 0.001**2)
    assert len(reached) == COUNT
    assert all(abs(value - expected) < 1.0 for value in reached)


def test_an_attack_by_queries_reaches_the_waveform_through_the_front_end(session: Session) -> None:
    records = table(perturbed(SQUARE_WAVE, session))
    predictions = records[records["measure"] == ""].set_index("sample")
    clean = {s.id: p for s, p in zip(session.samples, session.clean, strict=True)}
    truths = {s.id: int(t) for s, t in zip(session.samples, session.truths, strict=True)}
    lost = [float(clean[i][truths[i]]) - row[truths[i]] for i, row in predictions["probabilities"].items()]
    right = [float(clean[i].argmax()) == truths[i] for i in predictions.index]
    assert any(right)
    assert all(loss > 0 for loss, was_right in zip(lost, right, strict=True) if was_right)
    assert session.model.ledger.total.backward_samples == 0
    reached = records[records["measure"] == "snr_db"]["score"]
    assert (reached[reached < math.inf] > 10 * math.log10(0.19**2 / 0.01**2)).all()


CHEAT = '''
from audit.kinds import attack

@attack(norm="linf")
def far(model, inputs, targets, rng, *, epsilon):
    """Steps out of its ball."""
    for size in epsilon:
        yield inputs + 10 * size + 0.5

@attack(norm="linf")
def broken(model, inputs, targets, rng, *, epsilon):
    """Returns NaN."""
    for size in epsilon:
        yield inputs * float("nan")
'''


def test_an_attack_that_oversteps_is_brought_back_into_its_ball(session: Session, tmp_path: Path) -> None:
    (tmp_path / "cheat.py").write_text(CHEAT)
    check = replace(FGSM, uses=(Use("attack", "cheat.py:far", {}, tmp_path),))
    for made in attack.changes(check, session, range(COUNT)):
        assert (made.after - made.before).abs().max() <= made.severity + 1e-6
        assert made.after.min() >= 0
        assert made.after.max() <= 1


def test_an_attack_that_returns_nan_is_an_error_and_no_success(session: Session, tmp_path: Path) -> None:
    (tmp_path / "cheat.py").write_text(CHEAT)
    check = replace(FGSM, uses=(Use("attack", "cheat.py:broken", {}, tmp_path),))
    with pytest.raises(MethodError, match=r"NaN or infinity at epsilon 0"):
        list(attack.changes(check, session, range(COUNT)))


def test_a_limited_check_takes_the_same_share_of_every_emotion(session: Session) -> None:
    chosen = session.chosen(replace(NOISE, samples=12))
    emotions = [session.samples[i].emotion for i in chosen]
    assert {emotions.count(emotion) for emotion in session.model.emotions} == {2}
    assert chosen == session.chosen(replace(NOISE, samples=12))


def test_the_clean_check_reports_the_predictions_that_were_made_once(session: Session) -> None:
    before = session.model.ledger.total.forward_samples
    records = list(clean.run(Check("clean", "clean"), session))
    assert [r.probabilities for r in records] == session.clean.tolist()
    assert session.model.ledger.total.forward_samples == before


def test_marks_are_nothing_but_marks() -> None:
    def plain() -> None: ...

    assert saliency()(plain) is plain
