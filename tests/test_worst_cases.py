"""Which clips are shown: the mildest flips first, those with maps before others, and why in plain words."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd
import pytest

from audit.data import Sample
from audit.record import Record, table
from audit.suite import Check, Use
from audit.worst_cases import Choice, choose

EMOTIONS = ("anger", "sadness")
FGSM = Check("fgsm", "attack", (Use("attack", "fgsm"),), ("epsilon", (0.01, 0.02)))
HISS = Check("hiss", "corruption", (Use("corruption", "white_noise"),), ("snr_db", (20.0, 40.0)))


def said(check: str, severity: float, sample: str, true: float, emotion: str = "anger") -> Record:
    """One prediction that gives the true emotion the probability `true`."""
    row = [true, 1 - true] if emotion == "anger" else [1 - true, true]
    predicted = EMOTIONS[row.index(max(row))]
    return Record(check, check, "", severity, Sample(sample, None, emotion), predicted, row, math.nan)


def of(sample: str, clean: float, swept: Sequence[float], check: Check = FGSM, emotion: str = "anger") -> list[Record]:
    assert check.sweep is not None
    seen = [
        said(check.id, severity, sample, true, emotion) for severity, true in zip(check.sweep[1], swept, strict=True)
    ]
    return [said("clean", math.nan, sample, clean, emotion), *seen]


def chosen(records: Sequence[Record], *checks: Check, explained: Sequence[str] = (), count: int = 6) -> list[Choice]:
    return choose(table(records), checks, EMOTIONS, explained=explained, per_emotion=count)


def test_the_smallest_epsilon_that_flips_comes_first_then_the_largest_swing() -> None:
    records = [
        *of("late", 0.9, [0.8, 0.1]),
        *of("soon-far", 0.9, [0.05, 0.01]),
        *of("soon-near", 0.9, [0.4, 0.01]),
        *of("never", 0.9, [0.8, 0.6]),
    ]
    found = chosen(records, FGSM)
    assert [(c.sample, c.severity) for c in found] == [
        ("soon-far", 0.01),
        ("soon-near", 0.01),
        ("late", 0.02),
        ("never", 0.02),
    ]


def test_the_reason_counts_the_clips_it_was_compared_with() -> None:
    records = [*of("late", 0.9, [0.8, 0.1]), *of("soon", 0.95, [0.05, 0.0]), *of("never", 0.9, [0.8, 0.6])]
    why = {choice.sample: choice.why for choice in chosen(records, FGSM)}
    assert why == {
        "soon": "flips to sadness under fgsm at epsilon 0.01, the smallest that flips any of 3 clips; "
        "anger falls from 0.95 to 0.05",
        "late": "flips to sadness under fgsm at epsilon 0.02, 1 of 3 clips flipped sooner; "
        "anger falls from 0.90 to 0.10",
        "never": "never flips; under fgsm at epsilon 0.02, anger falls from 0.90 to 0.60",
    }


@pytest.mark.parametrize("checks", [(), (FGSM,)])
def test_the_reason_calls_the_recordings_what_they_are(checks: tuple[Check, ...]) -> None:
    records = table([*of("one", 0.9, [0.8, 0.1]), *of("two", 0.8, [0.7, 0.2])])
    reasons = " ".join(choice.why for choice in choose(records, checks, EMOTIONS, noun="picture"))
    assert "2 pictures" in reasons
    assert "clip" not in reasons


def test_a_clip_that_was_wrong_when_clean_comes_last_and_says_so() -> None:
    records = [*of("wrong", 0.2, [0.1, 0.0]), *of("never", 0.9, [0.8, 0.6])]
    found = chosen(records, FGSM)
    assert [choice.sample for choice in found] == ["never", "wrong"]
    assert found[1].why.startswith("taken for sadness already when clean; under fgsm at epsilon 0.02")


def test_flipped_clips_with_a_map_come_before_flipped_clips_without() -> None:
    records = [*of("plain", 0.9, [0.0, 0.0]), *of("mapped", 0.9, [0.7, 0.3]), *of("mapped-firm", 0.9, [0.8, 0.7])]
    found = chosen(records, FGSM, explained=["mapped", "mapped-firm"])
    assert [choice.sample for choice in found] == ["mapped", "plain", "mapped-firm"]


def test_of_decibels_the_largest_is_the_mildest() -> None:
    records = [*of("soon", 0.9, [0.0, 0.3], HISS), *of("late", 0.9, [0.1, 0.8], HISS)]
    found = chosen(records, HISS)
    assert [(choice.sample, choice.severity) for choice in found] == [("soon", 40.0), ("late", 20.0)]
    assert "snr_db 40, the largest that flips any of 2 clips" in found[0].why


def test_attacks_and_corruptions_take_turns_and_show_no_clip_twice() -> None:
    records = [record for i in range(4) for record in of(f"c{i}", 0.9, [0.1 + i / 100, 0.0])]
    records += [r for i in range(4) for r in of(f"c{i}", 0.9, [0.0, 0.2 - i / 100], HISS)[1:]]
    found = chosen(records, HISS, FGSM, count=4)
    assert [(choice.check, choice.sample) for choice in found] == [
        ("fgsm", "c0"),
        ("hiss", "c3"),
        ("fgsm", "c1"),
        ("hiss", "c2"),
    ]


def test_no_emotion_gets_more_cases_than_asked_for_and_each_gets_its_own() -> None:
    records = [r for e in EMOTIONS for i in range(5) for r in of(f"{e}-{i}", 0.9, [0.1, 0.0], emotion=e)]
    found = chosen(records, FGSM, count=3)
    assert [choice.emotion for choice in found] == ["anger"] * 3 + ["sadness"] * 3
    assert all(choice.sample.startswith(choice.emotion) for choice in found)


def test_the_order_of_the_records_changes_nothing() -> None:
    records = table([r for i in range(9) for r in of(f"c{i}", 0.9, [0.4, 0.1 * (i % 3)])])
    shuffled = records.sample(frac=1.0, random_state=3)
    assert choose(records, [FGSM], EMOTIONS) == choose(shuffled, [FGSM], EMOTIONS)


def test_without_perturbations_the_least_recognised_clips_are_shown() -> None:
    records = [said("clean", math.nan, "sure", 0.9), said("clean", math.nan, "torn", 0.6)]
    records += [said("clean", math.nan, "wrong", 0.2)]
    found = chosen(records)
    assert [(c.sample, c.check, c.severity) for c in found] == [
        ("wrong", None, None),
        ("torn", None, None),
        ("sure", None, None),
    ]
    assert found[0].why == "taken for sadness, with 0.20 for anger, the least of 3 clips"
    assert found[2].why == "recognised, with 0.90 for anger, 2 of 3 clips got less"


@pytest.mark.parametrize("checks", [(), (FGSM,)])
def test_an_emotion_without_clips_has_no_cases(checks: tuple[Check, ...]) -> None:
    assert {choice.emotion for choice in chosen(of("a", 0.9, [0.1, 0.0]), *checks)} == {"anger"}


def test_scores_are_not_taken_for_predictions() -> None:
    score = Record("fgsm", "fgsm", "snr_db", 0.01, Sample("a", None, "anger"), "", [], 30.0)
    frame = pd.concat([table(of("a", 0.9, [0.8, 0.3])), table([score])])
    assert [choice.severity for choice in choose(frame, [FGSM], EMOTIONS)] == [0.02]
