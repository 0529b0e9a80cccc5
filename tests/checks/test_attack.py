"""A check of several attacks: the strongest per clip, what is kept of each alone, and what is left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from audit.checks import attack, change, clean
from audit.checks.attack import margins, radii
from audit.checks.change import Change
from audit.checks.saliency import SaliencyRun
from audit.checks.session import Session
from audit.errors import MethodError
from audit.estimator import Estimator
from audit.exhibits import show
from audit.input_spec import SpeechInput
from audit.model import BlackBox, Model, TorchModel
from audit.record import ALONE, table
from audit.suite import STRONGEST, Check, Decide, Use

from ..toys import EMOTIONS, SPEC, learned, picture_model, pictures
from ..toys import session as session_of

HERE = Path(__file__).parent


def own(name: str) -> Use:
    """Return the use of an attack in `own_attacks`."""
    return Use("attack", f"own_attacks.py:{name}", {}, HERE)


FGSM, PGD = Use("attack", "fgsm"), Use("attack", "pgd", {"steps": 4})
SQUARE, NOISE = Use("attack", "square", {"queries": 12}), Use("attack", "uniform_noise", {"draws": 3})
LINF = Check("all", "attack", (FGSM, PGD, SQUARE, NOISE), ("epsilon", (0.3, 0.0, 0.1, 0.2)))
L2 = Check("l2", "attack", (Use("attack", "pgd_l2", {"steps": 3}), own("far")), ("epsilon", (1.0, 3.0)))
SNR = Check("snr", "attack", (Use("attack", "pgd_snr", {"steps": 3}), own("loud")), ("snr_db", (6.0, 20.0)))


class Rising(torch.nn.Module):
    """Tells a rising from a falling waveform, and a loud one from both."""

    def forward(self, waveforms: Tensor) -> Tensor:
        slope = (waveforms * torch.linspace(-1, 1, waveforms.shape[1])).sum(1)
        return torch.stack([slope, -slope, 4 * waveforms.abs().mean(1) - 1], 1)


def seen() -> Session:
    return session_of(picture_model(), *pictures(24, seed=9))


def heard() -> Session:
    generator = torch.Generator().manual_seed(3)
    rising = torch.linspace(-1, 1, 400) * 0.03
    truths = torch.arange(12) % 2
    waveforms = torch.stack([rising if truth == 0 else -rising for truth in truths.tolist()])
    waveforms = waveforms + 0.05 * torch.randn(12, 400, generator=generator)
    model = TorchModel(Rising().eval(), SpeechInput(8000, 0.05, "waveform"), ("up", "down", "loud"), name="ear")
    return session_of(model, waveforms, truths)


def changed(check: Check, session: Session) -> list[Change]:
    return list(attack.changes(check, session, range(len(session.samples))))


def right(session: Session, change: Change) -> Tensor:
    assert change.probabilities is not None
    return change.probabilities.argmax(1) == session.truths[change.indices]


@cache
def of_pictures() -> tuple[Session, list[Change]]:
    session = seen()
    return session, changed(LINF, session)


def strongest(changes: list[Change]) -> Iterator[Change]:
    return (each for each in changes if each.method == STRONGEST)


def test_the_strongest_is_at_least_as_strong_as_each_alone_on_every_clip() -> None:
    session, changes = of_pictures()
    beaten = 0
    for worst in strongest(changes):
        assert worst.probabilities is not None
        alone = [
            each
            for each in changes
            if each.measure == ALONE and (each.severity, each.indices) == (worst.severity, worst.indices)
        ]
        assert [each.method for each in alone] == ["fgsm", "pgd", "square", "uniform_noise"]
        truths = session.truths[worst.indices]
        for each in alone:
            assert each.probabilities is not None
            assert not (right(session, worst) & ~right(session, each)).any()
            still = right(session, worst)
            assert (margins(worst.probabilities, truths) <= margins(each.probabilities, truths))[still].all()
            beaten += int((right(session, each) & ~right(session, worst)).sum())
    assert beaten > 0


def test_no_clip_comes_back_in_a_larger_ball() -> None:
    session, changes = of_pictures()
    by_size = {
        size: torch.cat([right(session, each) for each in strongest(changes) if each.severity == size])
        for size in sorted({each.severity for each in changes})
    }
    sizes = list(by_size)
    assert not any((by_size[b] & ~by_size[a]).any() for a, b in pairwise(sizes))
    assert by_size[0.0].sum() > by_size[0.2].sum()


def test_severities_come_in_the_order_they_are_written() -> None:
    _, changes = of_pictures()
    first = [each.severity for each in strongest(changes) if 0 in each.indices]
    assert first == [0.3, 0.0, 0.1, 0.2]


def test_what_the_model_says_of_the_strongest_is_what_it_says_when_asked() -> None:
    session, changes = of_pictures()
    for worst in strongest(changes):
        assert worst.probabilities is not None
        torch.testing.assert_close(worst.probabilities, session.predict(worst.after), rtol=0, atol=1e-6)


@pytest.mark.parametrize(("check", "session"), [(LINF, seen), (L2, seen), (SNR, heard)], ids=["linf", "l2", "snr_db"])
def test_no_clip_leaves_its_ball_or_the_bounds(check: Check, session: Any) -> None:
    judged = session()
    low, high = judged.model.spec.bounds
    norm = {"all": "linf", "l2": "l2", "snr": "snr_db"}[check.id]
    full = 0
    for each in changed(check, judged):
        step = (each.after - each.before).flatten(1)
        length = step.abs().amax(1) if norm == "linf" else step.norm(dim=1)
        room = radii(each.before, each.severity, norm)
        assert (length <= room * (1 + 1e-5) + 1e-6).all()
        assert each.after.min() >= low
        assert each.after.max() <= high
        full += int((length > 0.9 * room).sum())
        if norm == "snr_db":
            assert (change.snr_db(each.before, each.after) >= each.severity - 1e-3).all()
    assert full > 0


@pytest.mark.parametrize(("check", "session"), [(LINF, seen), (L2, seen), (SNR, heard)], ids=["linf", "l2", "snr_db"])
def test_runs_are_the_same_to_the_last_bit_and_batches_change_no_answer(check: Check, session: Any) -> None:
    judged, asked = session(), check
    first, second = changed(asked, judged), changed(asked, judged)
    assert all(torch.equal(a.after, b.after) for a, b in zip(first, second, strict=True))
    assert all(torch.equal(a.probabilities, b.probabilities) for a, b in zip(first, second, strict=True))
    tables = [
        table(change.judged(asked, replace(judged, batch_size=size), attack.changes))
        .set_index(["measure", "method", "severity", "sample"])
        .sort_index()
        for size in (1, 5, 32)
    ]
    for other in tables[1:]:
        assert other["predicted"].tolist() == tables[0]["predicted"].tolist()
    of_one, of_five = (torch.tensor(found.loc[["", ALONE]]["probabilities"].tolist()) for found in tables[:2])
    torch.testing.assert_close(of_one, of_five, rtol=0, atol=1e-4)


def test_of_two_balls_in_decibels_the_louder_keeps_what_the_quieter_found() -> None:
    session = heard()
    changes = changed(SNR, session)
    loud, quiet = (
        torch.cat([right(session, each) for each in strongest(changes) if each.severity == ratio])
        for ratio in (6.0, 20.0)
    )
    assert not (loud & ~quiet).any()
    assert loud.sum() < quiet.sum()


def test_a_clip_that_is_wrong_already_stays_so_whatever_an_attack_makes_of_it() -> None:
    inputs, truths = pictures(12, seed=9)
    session = session_of(picture_model(), inputs, (truths + 1) % 4)
    kind = (own("helpful"), own("as_helpful"))
    changes = changed(replace(LINF, uses=kind, sweep=("epsilon", (1.0,))), session)
    for each in changes:
        assert right(session, each).all() != (each.method == STRONGEST)


def test_where_two_emotions_are_equally_probable_it_counts_which_is_said() -> None:
    even = torch.tensor([[0.5, 0.5], [0.5, 0.5]], dtype=torch.float64)
    truths = torch.tensor([0, 1])
    standing = attack._Worst.of(even, truths, torch.zeros(2, 1)).standing
    assert standing[1] < standing[0]


def test_one_attack_of_a_list_is_as_by_itself() -> None:
    session = seen()
    (single,) = (
        each for each in changed(replace(LINF, uses=(FGSM,)), replace(session, batch_size=24)) if each.severity == 0.2
    )
    alone = [
        each for each in changed(LINF, replace(session, batch_size=24)) if (each.method, each.severity) == ("fgsm", 0.2)
    ]
    assert torch.equal(single.after, alone[0].after)
    assert (single.measure, alone[0].measure) == ("", ALONE)


def blind() -> Model:
    module = learned()

    def answer(inputs: Any) -> Any:
        with torch.no_grad():
            return module(torch.from_numpy(inputs)).numpy()

    return BlackBox(answer, SPEC, EMOTIONS, name="blind")


def test_of_a_model_without_gradients_only_what_needs_them_is_left_out(tmp_path: Path) -> None:
    session = session_of(blind(), *pictures(12, seed=9))
    check = replace(LINF, without_gradients="leave_out", sweep=("epsilon", (0.1, 0.3)))
    changes = changed(check, session)
    assert {each.method for each in changes} == {"square", "uniform_noise", STRONGEST}
    reference = session_of(picture_model(), *pictures(12, seed=9))
    same = changed(replace(check, uses=(SQUARE, NOISE)), reference)
    for one, other in zip(changes, same, strict=True):
        assert one.method == other.method
        torch.testing.assert_close(one.after, other.after)
    records = [*change.judged(check, session, attack.changes), *_clean(session)]
    estimator = Estimator(table(records), session.model.emotions, {}, Decide(bootstrap=10))
    rows = show([check], session, estimator, {}, None, tmp_path / "media")
    assert any(row["perturbation"] for row in rows)


def test_where_every_attack_needs_gradients_that_there_are_none_of_the_reason_is_told() -> None:
    session = session_of(blind(), *pictures(8, seed=9))
    with pytest.raises(MethodError, match=r"fgsm needs gradients, and model 'blind' gives none.*pgd needs gradients"):
        changed(replace(LINF, uses=(FGSM, PGD)), session)


def test_balls_of_several_norms_are_refused() -> None:
    check = replace(LINF, uses=(FGSM, own("far")))
    with pytest.raises(MethodError, match=r"fgsm in linf, far in l2; give each kind a check of its own"):
        changed(check, seen())


def _clean(session: Session) -> Iterator[Any]:
    return clean.run(Check("clean", "clean"), session)


def test_the_report_shows_the_clip_that_the_strongest_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session, changes = of_pictures()
    check = LINF
    records = [*change.judged(check, session, attack.changes), *_clean(session)]
    estimator = Estimator(table(records), session.model.emotions, {}, Decide(bootstrap=10))
    drawn: list[Any] = []
    monkeypatch.setattr("audit.exhibits.gather", lambda cases, *_: drawn.extend(cases) or [])
    explained: dict[str, SaliencyRun] = {}
    show([check], session, estimator, explained, None, tmp_path / "media")
    attacked = [case for case in drawn if case.perturbation is not None]
    assert attacked
    for case in attacked:
        index = session.samples.index(case.sample)
        made = case.perturbation
        assert made.method == STRONGEST
        (expected,) = (
            each.after[each.indices.index(index)]
            for each in strongest(changes)
            if index in each.indices and each.severity == made.severity
        )
        torch.testing.assert_close(torch.from_numpy(made.values), expected)
        assert (
            session.model.emotions[int(torch.tensor(case.probabilities["perturbed"]).argmax())] != case.sample.emotion
        )
