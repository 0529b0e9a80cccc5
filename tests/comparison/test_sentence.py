"""The first sentence of a comparison: plain, with its interval, and never more than was shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from audit.comparison.cautions import cautions
from audit.comparison.compare import compare
from audit.comparison.sentence import amount, family, points, refused, sentence, shared
from audit.kinds import import_file

MADE = import_file(Path(__file__).with_name("answered.py"))
answered = MADE.answered
FAILED = [{"check": "fgsm", "outcome": "UNSURE", "reason": "its gradients vanish"}]


def said(a: dict[str, Any], b: dict[str, Any]) -> str:
    return sentence(compare(answered("a", **a), answered(**b)))


def test_it_says_on_how_many_more_and_where_most() -> None:
    told = said({"clean": range(40), "noise": range(80)}, {"noise": range(8)})
    assert told.startswith("B is right on 20 points more of 200 shared clips (95% CI 1")
    assert told.endswith("); under noise at sigma 0.2 on 36 points more")


def test_it_says_what_was_gained_and_what_was_lost() -> None:
    told = said({"noise": range(60)}, {"clean": range(40), "attack": range(90)})
    assert told.startswith("B is right on 20 points fewer of 200 shared clips (95% CI −2")
    assert told.endswith("under fgsm at epsilon 0.1 on 45 points fewer, under noise at sigma 0.2 on 30 points more")


def test_it_does_not_call_a_difference_what_may_be_none() -> None:
    told = said({"clean": range(0, 20)}, {"clean": range(2, 24)})
    assert told == (
        "B is not shown to be right more often than A, or less: on 1 point fewer of 200 shared clips "
        "(95% CI −4.1 to 1.8); at no severity of a sweep is a difference of accuracy shown"
    )


def test_it_says_that_the_interval_of_one_of_many_may_be_luck() -> None:
    assert "; as one of 16 differences it may be chance)" in said({}, {"clean": range(8)})


def test_it_names_the_emotion_that_lost_where_accuracy_does_not_show_it() -> None:
    even = {"noise": range(0, 40, 2)}
    odd = {"noise": range(1, 40, 2)}
    told = said(even, odd)
    assert "no severity of a sweep is a difference of accuracy shown, but of recall at sigma 0.2, " in told
    assert told.endswith(("anger: 20 points more", "fear: 20 points fewer"))


def test_one_model_is_told_as_one_and_nothing_comparable_as_nothing() -> None:
    same = sentence(compare(answered("b"), answered()))
    assert same == "A and B are one model, and give the same answers to 200 shared clips"
    assert family(compare(answered("b"), answered())) == ""
    assert said({"recording": "q"}, {}).startswith("Nothing is comparable")


def test_clusters_are_counted() -> None:
    told = said({"clean": range(40), "speakers": 10}, {"speakers": 10, "cluster": "speaker"})
    assert "of 200 shared clips of 10 speakers (95% CI" in told


@pytest.mark.parametrize("side", "ab")
def test_a_gain_under_an_attack_that_failed_is_not_in_the_sentence(side: str) -> None:
    """Gradients that vanish look like robustness."""
    sound = {name: {"soundness": FAILED if name == side else []} for name in "ab"}
    a, b = answered("a", attack=range(150), **sound["a"]), answered(**sound["b"])
    found = compare(a, b)
    assert "fgsm" not in sentence(found)
    assert "fgsm" in sentence(compare(answered("a", attack=range(150)), answered()))
    (caution,) = cautions(found)
    assert caution.check == "fgsm"
    assert caution.told.startswith(f"in {side.upper()} the attack did not stand its own tests")


def test_sweeps_in_units_of_other_inputs_are_told_and_not_in_the_sentence() -> None:
    a, b = answered("a", noise=range(90)), answered()
    a.document["model"]["input"] = {**MADE.INPUT, "representation": "mfcc", "shape": [1, 40, 94]}
    found = compare(a, b)
    assert [each.check for each in cautions(found)] == ["noise", "fgsm"]
    assert "mfcc 1 × 40 × 94" in cautions(found)[0].told
    assert "noise" not in sentence(found)
    waveform = {**MADE.ATTACK, "space": "waveform"}
    both = [answered(name, checks=[waveform]) for name in "ab"]
    both[0].document["model"]["input"] = a.document["model"]["input"]
    assert cautions(compare(*both)) == []


def test_the_family_is_counted() -> None:
    """At sigma 0.1 the wrong clips are all angry: of seven differences there is something to see."""
    told = family(compare(answered("a"), answered(noise=range(60))))
    assert told.startswith("16 differences of accuracy, UAR and recall: the 95% interval of 7 excludes 0")
    assert told.endswith("7 hold over all of them together (Holm, error at most 5%)")


def test_what_is_refused_is_told_with_both_digests() -> None:
    (data, *_) = compare(answered("a", recording="q"), answered()).refused
    told = refused(data)
    assert told == (
        f"clean: the 200 clips of the same name are other recordings, sha256 {'q' * 12} in A and sha256 {'r' * 12} in B"
    )


def test_other_data_of_which_some_are_shared_are_told() -> None:
    found = compare(
        answered("a", clips=range(150)), answered(clips=range(100, 200), data={"sha256": "z" * 64, "n": 100})
    )
    assert shared(found).endswith("50 shared clips of 150 in A and 100 in B")
    assert shared(compare(answered("a"), answered())) == ""


@pytest.mark.parametrize(
    ("share", "text"), [(0.031, "3.1"), (-0.12, "−12"), (0.0, "0"), (-0.0003, "−0.03"), (0.0004, "0.04")]
)
def test_points_are_never_rounded_onto_none(share: float, text: str) -> None:
    assert points(share) == text


def test_amounts_read_as_words() -> None:
    assert [amount(each) for each in (0.01, -0.035)] == ["1 point more", "3.5 points fewer"]
