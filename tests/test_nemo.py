"""The released speech model on real recordings: its card's figure, and every check on some of its clips."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from audit import read_suite, run
from audit.suite import Suite

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def suite(repository: Path, audit_data: Path) -> Suite:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEMO", str(audit_data / "nemo"))
        return read_suite(repository / "suites" / "nemo-release-gate.audit.yaml")


def test_it_is_as_accurate_on_clips_it_never_heard_as_its_card_says(suite: Suite, repository: Path) -> None:
    audit = run(suite, only="clean")
    known = json.loads((repository / "models" / "nemo-resnet18.figures.json").read_text())["held-out"]
    assert audit.data["n"] == known["n"] == 501
    assert audit.answers.value("accuracy") == pytest.approx(known["accuracy"], abs=0.003)
    assert audit.answers.value("accuracy") >= 0.86


def test_every_check_runs_on_real_recordings(suite: Suite, tmp_path: Path) -> None:
    audit = run(suite, limit=12, media=tmp_path)
    assert {verdict.outcome for verdict in audit.verdicts} <= {"PASS", "FAIL", "UNSURE"}
    assert audit.data["problems"] == []
    assert audit.answers.value("accuracy", check="attacks", at=0.02) < 0.5 < audit.answers.value("accuracy")
    (conservation,) = [v for v in audit.verdicts if v.gate.metric == "conservation"]
    assert conservation.value < 1e-3
    for method in ("lime", "lrp"):
        assert audit.answers.value("faithfulness_over_random", check="saliency", of=method, at=0.2) > 0.1
    assert len(list(tmp_path.glob("*.flac"))) >= 12


def test_on_another_corpus_it_falls_as_far_as_its_card_says(
    repository: Path, audit_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAVDESS", str(audit_data / "ravdess"))
    audit = run(read_suite(repository / "suites" / "nemo-on-ravdess.audit.yaml"), only="clean")
    known = json.loads((repository / "models" / "nemo-resnet18.figures.json").read_text())["ravdess"]
    assert audit.data["n"] == known["n"] == 528
    assert audit.answers.value("accuracy") == pytest.approx(known["accuracy"], abs=0.005)
    assert audit.data["left_out"] == {"calm": 96, "disgust": 96}
    assert audit.data["problems"] == []
