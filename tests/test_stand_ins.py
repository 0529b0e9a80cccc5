"""Models that know nothing, and the gates that they pass."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from audit.data import Sample
from audit.gate_id import due
from audit.stand_ins import ANSWERS, StandIn, judged
from audit.suite import read_suite

EMOTIONS = ("anger", "fear", "joy")
TODAY = date(2026, 11, 21)
MAPS = "{check: saliency, method: [lrp, lime], samples: 20, gates: [GATE]}"
NOISE = "{check: corruption, method: gaussian_noise, sweep: {sigma: [0.1, 0.2]}, gates: [GATE]}"
FGSM = "{check: attack, method: fgsm, sweep: {epsilon: [0.01, 0.02]}, gates: [GATE]}"
SEVERAL = "{check: attack, id: several, method: [fgsm, pgd], sweep: {epsilon: [0.01]}, gates: [GATE]}"
CLEAN = "{check: clean, gates: [GATE]}"


def found(folder: Path, check: str, gate: str, *, decide: str = "{bootstrap: 300}", clips: int = 60) -> list[StandIn]:
    file = folder / "x.audit.yaml"
    file.write_text(f"version: 1\nsuite: s\ndecide: {decide}\nchecks: [{check.replace('GATE', gate)}]\n")
    suite = read_suite(file)
    # One emotion is more frequent than the others.
    samples = [
        Sample(f"{emotion}{n}", None, emotion, {"speaker": f"s{n % 10}"})
        for emotion, more in zip(EMOTIONS, (1, 2, 1), strict=True)
        for n in range(more * clips)
    ]
    return list(judged(suite, due(suite, EMOTIONS), samples, EMOTIONS, TODAY))


def passing(*args: str, folder: Path, decide: str = "{bootstrap: 300}") -> set[str]:
    return {each.name for each in found(folder, *args, decide=decide) if each.passed}


@pytest.mark.parametrize(
    ("check", "gate", "passed"),
    [
        (CLEAN, "{metric: accuracy, min: 0.7}", set()),
        (CLEAN, "{metric: accuracy, min: 0.4}", {"majority"}),
        (CLEAN, "{metric: accuracy, min: 0.1}", {"random", "constant", "majority", "shuffled"}),
        (CLEAN, "{metric: recall, per: emotion, min: 0.5}", set()),
        (CLEAN, "{metric: recall, per: emotion, min: 0.0}", set(ANSWERS)),
        (CLEAN, "{metric: ece, max: 0.1}", set()),
        (CLEAN, "{metric: ece, max: 0.15, floor: none}", {"random", "majority"}),
        (NOISE, "{metric: drop, at: 0.2, max: 0.2}", set()),
        (NOISE, "{metric: drop, at: 0.2, max: 0.2, floor: none}", set(ANSWERS)),
        (NOISE, "{metric: drop, at: 0.2, max: 0.2, floor: 0.7}", set()),
        (NOISE, "{metric: curve_area, min: 0.6}", set()),
        (FGSM, "{metric: critical_epsilon, min: 0.005}", set()),
        (MAPS, "{metric: faithfulness_over_random, of: lrp, min: -0.5}", set()),
        (MAPS, "{metric: faithfulness, of: lime, min: -1}", set()),
        (MAPS, "{metric: localisation, of: lime, min: 0.1}", set()),
        (MAPS, "{metric: localisation, of: lime, min: 0.0}", set(ANSWERS)),
        (MAPS, "{metric: localisation, of: lime, max: 1.0}", set(ANSWERS)),
        (MAPS, "{metric: conservation, of: lrp, max: 0.001}", set()),
        (MAPS, "{metric: faithfulness_over_energy, of: lrp, min: -0.1}", set()),
        (MAPS, "{metric: overlap, of: lrp, after: input_shift, max: 0.9}", set()),
        (SEVERAL, "{metric: accuracy, of: fgsm, at: 0.01, min: 0.1}", set(ANSWERS)),
        (SEVERAL, "{metric: accuracy, of: fgsm, at: 0.01, min: 0.7}", set()),
        (SEVERAL, "{metric: drop, of: pgd, at: 0.01, max: 0.1}", set()),
    ],
)
def test_a_gate_is_passed_by_those_who_know_nothing_and_meet_it(
    tmp_path: Path, check: str, gate: str, passed: set[str]
) -> None:
    assert passing(check, gate, folder=tmp_path) == passed


def test_a_gate_per_emotion_is_passed_where_every_emotion_passes(tmp_path: Path) -> None:
    """A model that says anger of everything has every angry clip right, and no other."""
    stand_ins = {each.name: each for each in found(tmp_path, CLEAN, "{metric: recall, per: emotion, min: 0.5}")}
    assert stand_ins["constant"].passed == ()
    assert stand_ins["constant"].gates == 1


def test_unsure_passes_where_the_suite_lets_it(tmp_path: Path) -> None:
    gate = "{metric: accuracy, min: 0.5}"
    assert passing(CLEAN, gate, folder=tmp_path) == set()
    assert "majority" in passing(CLEAN, gate, folder=tmp_path, decide="{bootstrap: 300, when_unsure: pass}")


def test_they_answer_the_same_for_the_same_seed(tmp_path: Path) -> None:
    gate = "{metric: drop, at: 0.1, max: 0.02, floor: none}"
    first, again = (found(tmp_path, NOISE, gate) for _ in range(2))
    assert first == again


@pytest.mark.parametrize("name", list(ANSWERS))
def test_their_probabilities_sum_to_one_and_know_nothing_of_a_clip(name: str) -> None:
    truths = np.repeat([0, 1, 1, 2], 2000)
    rows = ANSWERS[name](truths, 3, np.random.default_rng(0))
    assert rows.shape == (8000, 3)
    assert rows.sum(axis=1) == pytest.approx(1.0, abs=1e-5)
    said = rows.argmax(axis=1)
    recall = [(said[truths == k] == k).mean() for k in range(3)]
    # As often right about an emotion as it is said: nothing links the two.
    assert recall == pytest.approx([(said == k).mean() for k in range(3)], abs=0.04)
