"""The numbers of an audit by name, and what is said where there is none."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path

import pytest

from audit.answers import Answers
from audit.errors import AuditError, UsageError


@pytest.fixture
def answers(repository: Path) -> Answers:
    """An audit with clean, noise, attack and saliency metrics; "neutral" had no clips."""
    path = repository / "tests/report/failed.audit.json"
    return Answers(json.loads(path.read_text(encoding="utf-8")), path.parent)


def test_metrics_are_methods(answers: Answers) -> None:
    assert answers.accuracy() == 0.9
    assert answers.recall("sadness") == 0.91
    assert answers.recall("sadness", check="fgsm", at=0.01) == 0.2
    assert answers.recall("sadness", check="gaussian_noise") == 0.56
    assert not answers.passed


def test_without_a_clean_one_the_only_check_is_meant(answers: Answers) -> None:
    assert answers.critical_epsilon("sadness") == 0.004
    assert answers.faithfulness(of="lime") == 0.05
    assert answers.faithfulness(of="lime", fill="floor") == 0.07
    assert answers.faithfulness(of="random", check="saliency", at=0.2) == 0.01


def test_what_lies_beyond_the_tested_is_infinite(answers: Answers) -> None:
    assert answers.critical_epsilon(check="fgsm") == math.inf


def test_what_could_not_be_computed_is_an_error_and_no_number(answers: Answers) -> None:
    with pytest.raises(AuditError, match="recall of clean could not be computed on the 0 clips"):
        answers.recall("neutral")


def test_an_unknown_metric_names_the_nearest(answers: Answers) -> None:
    with pytest.raises(AttributeError, match=r"no 'acuracy'; did you mean 'accuracy'\?"):
        answers.acuracy()


def test_unknown_names_say_what_there_is(answers: Answers) -> None:
    with pytest.raises(
        UsageError, match=r"emotion='sadnes'; did you mean 'sadness'\? \(there are: sadness, fear, neutral"
    ):
        answers.recall("sadnes")
    with pytest.raises(UsageError, match=r"check='fsgm'; did you mean 'fgsm'\?"):
        answers.recall("sadness", check="fsgm")
    with pytest.raises(UsageError, match=r"at=0.5 \(there are: 0.01\)"):
        answers.recall("sadness", check="fgsm", at=0.5)
    with pytest.raises(UsageError, match=r"faithfulness needs of= \(there are: lime, random\)"):
        answers.faithfulness()


def test_answers_can_be_copied(answers: Answers) -> None:
    assert copy.deepcopy(answers).accuracy() == 0.9
