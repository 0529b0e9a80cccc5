"""The released CNN-LSTM of faces on real pictures: its card's figure, and every check on some of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from audit import read_suite, run
from audit.intervals import wilson
from audit.suite import Suite

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def suite(repository: Path, audit_data: Path) -> Suite:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FER2013", str(audit_data / "fer2013"))
        return read_suite(repository / "suites" / "fer-cnn-lstm.audit.yaml")


def test_on_a_part_of_the_test_pictures_it_does_as_its_card_says(suite: Suite, repository: Path) -> None:
    assert suite.data is not None
    audit = run(replace(suite, data=replace(suite.data, split={"random": 0.15}, seed=7)), only="clean")
    known = json.loads((repository / "models" / "fer-cnn-lstm.figures.json").read_text())["held-out"]
    n = audit.data["n"]
    assert 0.14 < n / known["n"] < 0.16
    low, high = wilson(audit.answers.value("accuracy"), n, 0.95)
    assert low < known["accuracy"] < high


def test_every_check_runs_on_real_pictures(suite: Suite, tmp_path: Path) -> None:
    audit = run(suite, limit=14, media=tmp_path)
    assert {verdict.outcome for verdict in audit.verdicts} <= {"PASS", "FAIL", "UNSURE"}
    assert audit.data["problems"] == []
    explained = set(audit.records.loc[audit.records["check"] == "saliency", "method"])
    assert {"lime", "gradcam", "lrp", "smoothgrad"} <= explained
    assert audit.answers.value("accuracy", check="attacks", at=0.02) < audit.answers.value("accuracy")
