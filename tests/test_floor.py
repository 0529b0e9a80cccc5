"""The floor of clean answers: what a guesser keeps too counts for nothing below it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest

from audit.data import Sample
from audit.estimator import Estimator
from audit.floor import floor_of, under_floor
from audit.gate_id import Due
from audit.judging import judge
from audit.record import Record, table
from audit.suite import Check, Decide, Gate, Use, Waiver

EMOTIONS = ("anger", "fear", "joy", "calm")
NOISE = Check("noise", "corruption", sweep=("sigma", (0.1,)))
DROP = Gate("drop", None, 0.1, at=0.1, floor="above_chance")


def estimator(right: Sequence[float], *, clips: int = 60) -> Estimator:
    """Return estimates over a model that is right about that share of each emotion's clips, clean and under noise."""
    records = []
    for e, (emotion, share) in enumerate(zip(EMOTIONS, right, strict=True)):
        for n in range(clips):
            said = emotion if n < share * clips else EMOTIONS[(e + 1) % len(EMOTIONS)]
            row = [float(name == said) for name in EMOTIONS]
            for check, at in (("clean", math.nan), ("noise", 0.1)):
                records.append(
                    Record(check, check, "", at, Sample(f"{emotion}{n}", None, emotion), said, row, math.nan)
                )
    return Estimator(table(records), EMOTIONS, {}, Decide(bootstrap=300))


def due(gate: Gate, emotion: str | None = None) -> Due:
    return Due(("noise", "drop"), NOISE, gate, emotion)


def test_above_chance_is_a_quarter_of_the_way_from_a_guess_to_perfection() -> None:
    assert floor_of(DROP, 4) == pytest.approx(0.25 + 0.75 / 4)
    assert floor_of(DROP, 2) == pytest.approx(0.625)
    assert floor_of(replace(DROP, floor=0.6), 4) == 0.6
    assert floor_of(replace(DROP, floor=None), 4) is None


def test_a_drop_of_answers_that_are_no_better_than_a_guess_fails() -> None:
    (found,) = judge([due(DROP)], estimator([0.25] * 4), Decide(), today=date(2026, 1, 1))
    assert (found.outcome, found.value) == ("FAIL", 0.0)
    assert found.reason.startswith(
        "drop counts for nothing below the floor, where a guesser keeps it too: clean UAR 0.25"
    )
    assert found.reason.endswith("floor 0.44")
    (waived,) = judge([due(replace(DROP, floor=None))], estimator([0.25] * 4), Decide(), today=date(2026, 1, 1))
    assert waived.outcome == "PASS"


def test_a_drop_of_answers_that_are_good_is_decided_by_its_limit() -> None:
    assert under_floor(due(DROP), estimator([0.8] * 4)) is None
    (found,) = judge([due(DROP)], estimator([0.8] * 4), Decide(), today=date(2026, 1, 1))
    assert found.outcome == "PASS"


def test_answers_at_the_floor_leave_a_gate_unsure() -> None:
    cap = under_floor(due(DROP), estimator([0.45] * 4))
    assert cap is not None
    assert cap.outcome == "UNSURE"


def test_an_emotion_that_is_never_recognised_has_no_robustness() -> None:
    """The other emotions do not lift it above the floor."""
    good = estimator([0.9, 0.9, 0.9, 0.0])
    assert under_floor(due(DROP), good) is None
    cap = under_floor(due(DROP, "calm"), good)
    assert cap is not None
    assert cap.outcome == "FAIL"
    assert "clean F1 of calm 0.00" in cap.reason


def test_an_emotion_that_is_said_of_everything_has_none_either() -> None:
    """Its recall is 1, and its F1 is not."""
    records = []
    for emotion in EMOTIONS:
        for n in range(40):
            sample = Sample(f"{emotion}{n}", None, emotion)
            records.append(Record("clean", "clean", "", math.nan, sample, "fear", [0, 1, 0, 0], math.nan))
    found = Estimator(table(records), EMOTIONS, {}, Decide(bootstrap=300))
    cap = under_floor(due(replace(DROP, floor=0.45), "fear"), found)
    assert found.predicted("clean", "recall", emotion="fear").value == 1.0
    assert cap is not None
    assert cap.outcome == "FAIL"


def test_chance_is_that_of_the_emotions_judged_and_not_of_all_that_the_model_knows() -> None:
    """Of two emotions, whoever says one of them of everything has half the average recall."""
    found = estimator([1.0, 0.0, 0.0, 0.0])
    judged = found.tables.excluding({f"{emotion}{n}" for emotion in EMOTIONS[2:] for n in range(60)})
    two = estimator([1.0, 0.0, 0.0, 0.0])
    two.tables = judged
    assert two.predicted("clean", "uar").value == pytest.approx(0.5)
    cap = under_floor(due(DROP), two)
    assert cap is not None
    assert "floor 0.62" in cap.reason


@pytest.mark.parametrize("decides_nothing", [{"informational": True}, {"waive": Waiver(date(2026, 6, 1), "known")}])
def test_gates_that_decide_nothing_do_not_save_one_that_fails(decides_nothing: dict[str, object]) -> None:
    # Of two gates this one still fails, as one of many it may by chance.
    failing = Gate("accuracy", 0.67, None, at=0.1)
    others = [replace(failing, minimum=0.3 + 0.001 * n) for n in range(40)]
    found, how, day = estimator([0.6] * 4), Decide(), date(2026, 1, 1)
    noise = replace(NOISE, uses=(Use("corruption", "gaussian_noise"),))
    asked = [Due(("noise", f"accuracy-{n}"), noise, gate, None) for n, gate in enumerate([failing, *others])]
    idle = [replace(each, gate=replace(each.gate, **decides_nothing)) for each in asked[1:]]
    assert judge(asked[:1], found, how, today=day)[0].outcome == "FAIL"
    assert judge(asked, found, how, today=day)[0].outcome == "UNSURE"
    assert judge([asked[0], *idle], found, how, today=day)[0].outcome == "FAIL"
