"""What changed from one audit to another: counted by hand, paired, clustered, and held over all that was looked at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from audit.comparison.compare import Comparison, Difference, compare
from audit.comparison.figures import figures
from audit.kinds import import_file
from audit.multiplicity import holm

MADE = import_file(Path(__file__).with_name("answered.py"))
answered, row, CLIPS = MADE.answered, MADE.row, MADE.CLIPS


def of(found: Comparison, check: str, metric: str, at: float | None = None, emotion: str | None = None) -> Difference:
    (same,) = [each for each in found.differences if each.of == (check, at, metric, emotion)]
    return same


def test_what_was_lost_and_gained_is_counted_clip_by_clip() -> None:
    """A is wrong on 20 clips, B on 10 of them and 30 others."""
    found = compare(answered("a", clean=range(20)), answered(clean=range(10, 50)))
    accuracy = of(found, "clean", "accuracy")
    assert accuracy.gain == pytest.approx(-20 / CLIPS)
    assert (accuracy.a.value, accuracy.b.value, accuracy.found.n) == (1 - 20 / CLIPS, 1 - 40 / CLIPS, CLIPS)
    assert accuracy.excludes_none
    anger = of(found, "clean", "recall", emotion="anger")
    assert anger.gain == pytest.approx(-10 / 100)
    assert (anger.a.value, anger.b.value, anger.found.n) == (0.9, 0.8, 100)
    assert of(found, "clean", "uar").gain == pytest.approx(-20 / CLIPS)


def test_of_as_many_clips_of_every_emotion_uar_is_accuracy_with_its_interval() -> None:
    even = compare(answered("a"), answered(clean=range(20)))
    assert of(even, "clean", "uar").found == of(even, "clean", "accuracy").found
    odd = compare(answered("a", clips=range(151)), answered(clean=range(0, 40, 2), clips=range(151)))
    assert of(odd, "clean", "uar").gain == pytest.approx(-20 / 76 / 2)
    assert of(odd, "clean", "uar").found != of(odd, "clean", "accuracy").found


def test_every_severity_of_every_sweep_is_compared() -> None:
    found = compare(answered("a", noise=range(40), attack=range(90)), answered(noise=range(20), attack=range(100)))
    assert found.checks == ("clean", "noise", "fgsm")
    gains = [of(found, "noise", "accuracy", at).gain for at in (0.1, 0.2)]
    assert gains == pytest.approx([10 / CLIPS, 20 / CLIPS])
    assert of(found, "fgsm", "accuracy", 0.1).gain == pytest.approx(-10 / CLIPS)
    assert len(found.differences) == 4 * 4


def test_only_clips_that_both_judged_count_on_either_side() -> None:
    """A is wrong on clips that B never saw: what B's clips tell of A does not suffer from them."""
    before = answered("a", clean=range(150, 200))
    found = compare(before, answered(clean=[0], clips=range(100)))
    accuracy = of(found, "clean", "accuracy")
    assert (accuracy.a.value, accuracy.b.value, accuracy.found.n) == (1.0, 0.99, 100)


def test_differences_are_held_against_each_other_as_verdicts_are() -> None:
    found = compare(answered("a"), answered(clean=range(8), noise=range(60)))
    assert [each.held for each in found.differences] == holm([each.error for each in found.differences])
    weak, strong = of(found, "clean", "accuracy"), of(found, "noise", "accuracy", 0.2)
    assert weak.excludes_none
    assert not found.holds(weak)
    assert found.holds(strong)
    assert set(found.holding) <= set(found.apart)
    assert found.holding[0].gain == min(each.gain for each in found.differences)


def test_two_models_that_err_alike_often_differ_by_luck_and_seldom_for_sure() -> None:
    """Of equally good models one pair in twenty may show a difference that holds; more have an interval without 0."""
    rng = np.random.default_rng(3)
    apart = held = 0
    for _ in range(24):
        a, b = (
            answered(
                name,
                clean=np.flatnonzero(rng.random(100) < 0.2),
                noise=np.flatnonzero(rng.random(100) < 0.4),
                checks=[MADE.NOISE],
                clips=range(100),
            )
            for name in "ab"
        )
        found = compare(a, b)
        apart += bool(found.apart)
        held += bool(found.holding)
    assert held <= 1 < 3 <= apart


def test_an_interval_excludes_0_where_its_error_is_small_enough() -> None:
    found = compare(answered("a", clean=range(20)), answered(clean=range(10, 50), noise=range(5)))
    for each in found.differences:
        assert each.excludes_none == (each.error < 0.05), each.of


def test_the_same_model_gives_the_same_answers_and_no_difference() -> None:
    found = compare(answered("b", clean=range(9)), answered(clean=range(9)))
    assert {each.found.interval for each in found.differences} == {(0.0, 0.0)}
    assert (found.apart, found.holding) == ((), ())


@pytest.mark.parametrize(("in_a", "in_b"), [(None, "speaker"), ("speaker", None), ("speaker", "speaker")])
def test_intervals_stay_clustered_where_either_suite_clusters(in_a: str | None, in_b: str | None) -> None:
    a = answered("a", clean=range(0, 60, 3), speakers=10, cluster=in_a)
    b = answered(clean=range(0, 200, 5), speakers=10, cluster=in_b)
    found = compare(a, b)
    assert found.decide.cluster == "speaker"
    assert of(found, "clean", "accuracy").found.clusters == 10
    alone = compare(answered("a", clean=range(0, 60, 3)), answered(clean=range(0, 200, 5)))
    assert of(alone, "clean", "accuracy").found.clusters is None


def test_a_cluster_that_b_does_not_know_is_not_asked_for() -> None:
    found = compare(answered("a", speakers=10, cluster="speaker"), answered(clean=[1]))
    assert found.decide.cluster is None


def test_a_check_with_other_settings_is_refused_and_the_others_compared() -> None:
    other = {**MADE.NOISE, "sweep": {"sigma": [0.1, 0.3]}}
    found = compare(answered("a", checks=[other, MADE.ATTACK]), answered(clean=range(9)))
    assert found.checks == ("clean", "fgsm")
    (refused,) = found.refused
    assert (refused.check, refused.what) == ("noise", "settings")
    assert refused.a != refused.b
    assert {len(refused.a), len(refused.b)} == {12}


def test_another_seed_is_another_sweep_but_clean_answers_have_none() -> None:
    found = compare(answered("a", seed=1), answered())
    assert [each.check for each in found.refused] == ["noise", "fgsm"]
    assert found.checks == ("clean",)


def test_other_recordings_or_other_emotions_leave_nothing_to_compare() -> None:
    data = compare(answered("a", recording="q"), answered())
    assert {(each.what, each.a[:10], each.b[:10]) for each in data.refused} == {("data", "sha256 qqq", "sha256 rrr")}
    joy = compare(answered("a", emotions=("anger", "joy")), answered())
    assert {(each.what, each.a, each.b) for each in joy.refused} == {("emotions", "anger, joy", "anger, fear")}
    assert data.differences == joy.differences == ()


@pytest.mark.parametrize("side", ["A", "B"])
def test_what_either_audit_could_not_judge_is_refused_with_the_reason(side: str) -> None:
    unjudged = [{"check": "noise", "method": None, "reason": "it returned NaN"}]
    audits = [answered(name, unjudged=unjudged if side == name.upper() else []) for name in "ab"]
    found = compare(*audits)
    assert [(each.check, each.reason) for each in found.refused] == [
        ("noise", f"{side} could not be judged: it returned NaN")
    ]
    assert found.checks == ("clean", "fgsm")


def test_checks_that_only_one_audit_has_are_told_apart() -> None:
    found = compare(answered("a", checks=[MADE.NOISE]), answered(checks=[MADE.ATTACK]))
    assert (found.only_a, found.only_b, found.refused) == (("noise",), ("fgsm",), ())


def test_figures_of_the_same_name_stand_side_by_side() -> None:
    cost = {"check": "cost", "id": "speed", "timed": 50, "gates": []}
    checks = [MADE.NOISE, cost]
    rows = [
        [row("speed", "cost", "latency", value), row("speed", "cost", "size", None), row("clean", "clean", "ece", 0.1)]
        for value in (8.0, 2.0)
    ]
    found = compare(answered("a", checks=checks, metrics=rows[0]), answered(checks=checks, metrics=rows[1]))
    both = figures(found)
    assert [(each.a["value"], each.b["value"], each.ratio) for each in both["speed"]] == [(8.0, 2.0, 0.25)]
    assert [each.b["metric"] for each in both["clean"]] == ["ece"]
    slower = [MADE.NOISE, {**cost, "timed": 9}]
    refused = compare(answered("a", checks=slower, metrics=rows[0]), answered(checks=checks, metrics=rows[1]))
    assert [each.check for each in refused.refused] == ["speed"]
    assert "speed" not in figures(refused)


def test_few_speakers_who_gain_alike_do_not_make_the_uar_certain() -> None:
    """One clip gained by each of five speakers: of 101 and 100 clips UAR is nearly accuracy, and as unsure."""
    a, b = (
        answered(name, clean=wrong, speakers=5, cluster="speaker", clips=range(201))
        for name, wrong in (("a", list(range(5))), ("b", []))
    )
    found = compare(a, b)
    widths = {}
    for each in found.all("clean"):
        if each.emotion is None:
            assert each.found.interval is not None
            widths[each.metric] = each.found.interval[1] - each.found.interval[0]
            assert not found.holds(each)
    assert 0.5 < widths["uar"] / widths["accuracy"] < 2.0
