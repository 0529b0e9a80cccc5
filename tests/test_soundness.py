"""What the tests of an attack check come to, from records made by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest

from audit.data import Sample
from audit.estimator import Estimator
from audit.gate_id import Due
from audit.judging import judge
from audit.outcome import Cap
from audit.outward import outward, telling
from audit.record import SOUNDNESS, Record, table
from audit.soundness import CLAIMS, Soundness, caps_of, soundness_of
from audit.suite import Check, Decide, Gate, Use
from audit.verdict import Verdict

EMOTIONS = ("anger", "fear", "joy", "neutral")
CHECK = Check("a", "attack", (Use("attack", "fgsm"),), ("epsilon", (0.1, 0.2)))
CLIPS = 40


def sample(index: int) -> Sample:
    return Sample(f"c{index}", None, EMOTIONS[index % 4], {"speaker": f"s{index % 8}"})


def scored(name: str, counted: int, at: float = math.nan, clips: int = CLIPS) -> list[Record]:
    return [Record("a", SOUNDNESS, name, at, sample(i), "", [], float(i < counted)) for i in range(clips)]


def answers(at: float, right: int, clips: int = CLIPS) -> list[Record]:
    """Return predictions of which the first `right` are."""
    found = []
    for index in range(clips):
        clip = sample(index)
        said = clip.emotion if index < right else EMOTIONS[(index + 1) % 4]
        found.append(Record("a", "fgsm", "", at, clip, said, [], math.nan))
    return found


def estimator(records: Sequence[Record], cluster: str | None = None) -> Estimator:
    return Estimator(table(records), EMOTIONS, {}, Decide(cluster=cluster, bootstrap=200))


def found(*records: Record, check: Check = CHECK, cluster: str | None = None) -> Soundness:
    swept = [] if any(r.measure == "" for r in records) else [*answers(0.1, 30), *answers(0.2, 20)]
    return soundness_of(check, estimator([*swept, *records], cluster))


@pytest.mark.parametrize("name", ["randomised", "broken", "vanishing", "softmaxed", "saturated"])
def test_a_few_clips_may_be_off_and_more_may_not(name: str) -> None:
    # Wilson's interval of 5 of 40 begins at .0546, that of 4 at .0396.
    assert found(*scored(name, 4)).outcome == "PASS"
    failed = found(*scored(name, 5))
    assert failed.outcome == "UNSURE"
    assert failed.reason == f"{CLAIMS[name].told} (0.12 (0.05 to 0.26) of 40 inputs, at most 0.05)"
    assert failed.remedy == CLAIMS[name].remedy


def test_what_too_few_clips_leave_open_does_not_pass() -> None:
    assert found(*scored("vanishing", 0, clips=10)).outcome == "PASS"
    open_still = found(*scored("vanishing", 1, clips=10))
    assert [trial.outcome for trial in open_still.trials if trial.name == "vanishing"] == ["UNSURE"]
    assert open_still.reason.startswith(f"perhaps {CLAIMS['vanishing'].told} (0.10 (0.02 to 0.40) of 10 inputs")
    assert found(*scored("vanishing", 2, clips=20)).outcome == "PASS"


def test_the_interval_of_a_share_is_inside_0_and_1_and_knows_speakers() -> None:
    trial = found(*scored("vanishing", 0)).trials[0]
    assert trial.interval == pytest.approx((0.0, 0.0876), abs=1e-4)
    clustered = found(*scored("vanishing", 0), cluster="speaker").trials[0]
    assert clustered.interval is not None
    assert clustered.interval[0] == 0.0
    assert clustered.interval[1] > 0.0876


def test_clips_that_nothing_makes_wrong_may_be_as_many_as_a_guesser_gets_right() -> None:
    # Of four emotions one in four: Wilson's interval of 16 of 40 begins at .264, that of 15 at .242.
    assert found(*scored("unbounded", 15)).outcome == "PASS"
    failed = found(*scored("unbounded", 16))
    assert failed.outcome == "UNSURE"
    assert "at most 0.25" in failed.reason


@pytest.mark.parametrize("name", ["iterative", "black_box"])
def test_the_severity_where_it_is_worst_counts_and_is_named(name: str) -> None:
    failed = found(*scored(name, 0, at=0.1), *scored(name, 12, at=0.2))
    assert f"{CLAIMS[name].told}, at epsilon 0.2 (0.30" in failed.reason


def test_the_checks_own_attack_is_held_against_noise_and_one_step() -> None:
    # 20 clips are right after the attack, and of these 20 none, or 12, after noise.
    records = [*answers(0.1, 30), *answers(0.2, 20)]
    assert found(*records, *scored("simple", 20, at=0.2)).outcome == "PASS"
    assert "(0.30" in found(*records, *scored("simple", 8, at=0.2)).reason
    # Clips that the attack has made wrong are no argument against it.
    assert found(*records, *scored("simple", 20, at=0.2)).outcome == "PASS"


def curve(*right: int, clips: int = 200) -> Soundness:
    severities = tuple(0.1 * (i + 1) for i in range(len(right)))
    records = [record for at, count in zip(severities, right, strict=True) for record in answers(at, count, clips)]
    return found(*records, check=replace(CHECK, sweep=("epsilon", severities)))


def test_clips_that_come_back_in_a_larger_ball_are_named_with_the_step() -> None:
    assert curve(150, 100, 60).outcome == "PASS"
    failed = curve(150, 70, 100)
    assert failed.outcome == "UNSURE"
    assert (
        "more inputs are right in a larger ball than in a smaller one, from epsilon 0.2 to 0.3 (0.15" in failed.reason
    )
    assert "list several attacks" in failed.remedy


def test_a_rise_to_what_a_guesser_reaches_is_none() -> None:
    assert curve(150, 10, 50).outcome == "PASS"
    assert curve(150, 10, 80).outcome == "UNSURE"


def test_a_rise_that_may_be_chance_is_none() -> None:
    assert curve(150, 100, 103).outcome == "PASS"


def test_of_many_steps_each_is_held_to_more() -> None:
    assert curve(100, 106).outcome == "UNSURE"
    assert curve(100, 106, *[80] * 8).outcome == "PASS"


def test_a_ratio_in_decibels_is_the_larger_ball_the_smaller_it_is() -> None:
    assert outward("snr_db", (10.0, 30.0, 20.0)) == [30.0, 20.0, 10.0]
    records = [*answers(30.0, 30), *answers(10.0, 12)]
    assert found(*records, check=replace(CHECK, sweep=("snr_db", (10.0, 30.0)))).outcome == "PASS"
    records = [*answers(30.0, 12), *answers(10.0, 30)]
    assert found(*records, check=replace(CHECK, sweep=("snr_db", (10.0, 30.0)))).outcome == "UNSURE"


SWEPT = replace(CHECK, sweep=("epsilon", (0.0, 0.4, 0.1, 0.2)))


@pytest.mark.parametrize(
    ("gates", "expected"),
    [
        ((), (0.4,)),
        ((Gate("accuracy", 0.5, None, at=0.1), Gate("accuracy", 0.5, None, at=0.2)), (0.2, 0.4)),
        ((Gate("accuracy", 0.5, None, at=0.0),), (0.4,)),
        ((Gate("accuracy", 0.5, None, at=0.4),), (0.4,)),
        ((Gate("critical_epsilon", 0.15, None),), (0.2, 0.4)),
        ((Gate("critical_epsilon", 0.9, None),), (0.4,)),
        ((Gate("curve_area", 0.5, None),), (0.4,)),
    ],
)
def test_the_largest_ball_and_the_largest_a_gate_looks_at_tell_most(
    gates: tuple[Gate, ...], expected: tuple[float, ...]
) -> None:
    assert telling(replace(SWEPT, gates=gates)) == expected


def test_in_decibels_the_loudest_tells_most_and_none_of_size_nothing() -> None:
    gates = (Gate("accuracy", 0.5, None, at=20.0),)
    assert telling(replace(CHECK, sweep=("snr_db", (0.0, 30.0, 20.0)), gates=gates)) == (20.0, 0.0)
    assert telling(replace(CHECK, sweep=("epsilon", (0.0,)))) == ()


GATES = (Gate("accuracy", 0.2, None, at=0.2), Gate("accuracy", 0.9, None, at=0.2), Gate("accuracy", 0.5, None, at=0.2))


def verdicts(capped: Soundness) -> list[Verdict]:
    asked = [Due((f"g{i}",), replace(CHECK, gates=GATES), gate) for i, gate in enumerate(GATES)]
    clean = [replace(record, check="clean", method="clean", severity=math.nan) for record in answers(0.2, CLIPS)]
    known = estimator([*clean, *answers(0.2, 20)])
    return list(judge(asked, known, known.decide, today=date(2027, 1, 1), caps_of=caps_of([capped])))


def test_no_gate_of_the_check_is_better_than_unsure_and_a_failure_stays_one() -> None:
    assert [each.outcome for each in verdicts(Soundness("a", ()))] == ["PASS", "FAIL", "UNSURE"]
    capped = verdicts(found(*scored("vanishing", 40)))
    assert [each.outcome for each in capped] == ["UNSURE", "FAIL", "UNSURE"]
    assert all("gradients are zero" in each.reason for each in capped if each.outcome == "UNSURE")
    assert all(each.next_step == CLAIMS["vanishing"].remedy for each in capped if each.outcome == "UNSURE")
    assert "gradients" not in capped[1].reason
    assert all(each.blocks for each in capped)


def test_gates_of_another_check_are_not_touched() -> None:
    caps = caps_of([found(*scored("vanishing", 40))])
    other = replace(CHECK, id="b")
    assert caps(Due(("g",), other, GATES[0])) == ()


def test_what_could_not_be_tested_says_why_and_what_to_do() -> None:
    untested = soundness_of(CHECK, estimator(answers(0.2, 20)), "no input is recognised")
    assert (untested.outcome, untested.trials) == ("UNSURE", ())
    (cap,) = caps_of([untested])(Due(("g",), CHECK, GATES[0]))
    assert isinstance(cap, Cap)
    assert "no input is recognised" in cap.reason
    assert cap.next_step


def test_all_that_failed_is_told_and_the_first_is_to_be_mended_first() -> None:
    failed = found(*scored("vanishing", 40), *scored("black_box", 30, at=0.2))
    assert CLAIMS["vanishing"].told in failed.reason
    assert CLAIMS["black_box"].told in failed.reason
    assert failed.remedy == CLAIMS["vanishing"].remedy
