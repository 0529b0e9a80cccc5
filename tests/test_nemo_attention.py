"""The released attention model of speech on real recordings: its figure, and every check on some of its clips."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from audit import read_suite, run
from audit.intervals import wilson
from audit.suite import Suite

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def suite(repository: Path, audit_data: Path) -> Suite:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEMO", str(audit_data / "nemo"))
        return read_suite(repository / "suites" / "nemo-attention.audit.yaml")


def test_it_is_as_accurate_on_clips_it_never_heard_as_its_card_says(suite: Suite, repository: Path) -> None:
    audit = run(suite, only="clean")
    known = json.loads((repository / "models" / "nemo-attention.figures.json").read_text())["held-out"]
    assert audit.data["n"] == known["n"] == 501
    assert audit.answers.value("accuracy") == pytest.approx(known["accuracy"], abs=0.003)
    low, _ = wilson(audit.answers.value("accuracy"), audit.data["n"], 0.95)
    assert low > 0.70


def test_every_check_runs_on_real_recordings(suite: Suite, tmp_path: Path) -> None:
    audit = run(suite, limit=12, media=tmp_path)
    assert {verdict.outcome for verdict in audit.verdicts} <= {"PASS", "FAIL", "UNSURE"}
    assert audit.data["problems"] == []
    explained = set(audit.records.loc[audit.records["check"] == "saliency", "method"])
    assert {"lime", "gradcam", "lrp", "smoothgrad"} <= explained
    assert audit.answers.value("accuracy", check="attacks", at=0.02) < audit.answers.value("accuracy")
