"""What is caught is caught by what is declared for it, and a sound model passes."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from audit import read_suite
from audit.teeth import teeth_of

from .grounds import prepared


@pytest.fixture(scope="module")
def audited(planting: Any, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """More speakers, and the shipped suite with fewer clips attacked and explained."""
    folder = tmp_path_factory.mktemp("audited")
    size = planting.recordings.Size(train_speakers=8, train_clips=1, test_speakers=16, test_clips=3, known=2)
    suite = folder / "small.audit.yaml"
    fewer = [
        {"id": "tone", "samples": 96, "sweep": {"hertz": [120, 2600]}},
        {"id": "attack", "samples": 24, "soundness_samples": 24, "sweep": {"epsilon": [0.001]}},
        {"id": "saliency", "samples": 24, "sanity_samples": 24},
    ]
    shipped = repository / "suites/deployment-gate.audit.yaml"
    suite.write_text(json.dumps({"version": 1, "suite": "small", "extends": [str(shipped)], "checks": fewer}))
    return SimpleNamespace(ground=prepared(planting, repository, folder, size), suite=suite)


def test_a_sound_model_passes_and_the_audit_is_not_made_twice(
    planting: Any, audited: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = planting.command.sound(audited.ground, 0, audited.suite)
    assert found.exit_code == 0, planting.command.told(found)
    assert found.blocking == ()
    monkeypatch.setattr(planting.judging, "run", None)
    assert planting.command.sound(audited.ground, 0, audited.suite) == found


def test_no_stand_in_passes_a_gate_of_the_suite(planting: Any, audited: Any, repository: Path) -> None:
    ground = audited.ground
    planted = planting.case.Planted(ground.manifest(ground.weights()), ground.listed)
    suite = planting.judging.written(planted, ground.folder / "teeth", repository / "suites/deployment-gate.audit.yaml")
    found = teeth_of(read_suite(suite))
    assert len(found.gates) > 15
    assert [bite.gate for bite in found.toothless] == []


@pytest.mark.parametrize(
    ("name", "by"),
    [
        ("labels-swapped", {"clean::recall::anger", "clean::recall::fear"}),
        ("not-a-number", {"refused"}),
        ("undeclared-softmax", {"refused"}),
    ],
)
def test_a_defect_is_caught_by_what_is_declared_for_it(planting: Any, audited: Any, name: str, by: set[str]) -> None:
    row = planting.command.judged(planting.cases[name], audited.ground, audited.suite)
    assert row.outcome.exit_code != 0
    assert set(row.by) == by
    assert " yes " in planting.command.line(row)


def test_stumbling_over_something_else_is_not_catching(planting: Any) -> None:
    sign = planting.case.Sign("tone::*", "recall")
    blocked = planting.judging.Outcome(1, (("clean::uar", "FAIL", "recall"),), (), "", 0.0)
    assert blocked.shown_by([sign]) == []
    row = planting.command.Row("a-defect", "", blocked, ())
    assert not row.caught
    assert "blocked by other gates: clean::uar FAIL" in planting.command.line(row)
    other_reason = planting.judging.Outcome(1, (("tone::drop", "FAIL", "calibration"),), (), "", 0.0)
    assert other_reason.shown_by([sign]) == []
    not_judged = planting.judging.Outcome(3, (("tone::drop", "ERROR", "no recall"),), (), "", 0.0)
    assert not_judged.shown_by([sign]) == []
    found = planting.judging.Outcome(1, (("tone::drop", "FAIL", "recall fell"),), (), "", 0.0)
    assert found.shown_by([sign]) == ["tone::drop"]


def test_what_is_found_without_keeping_the_model_back_is_not_caught(planting: Any) -> None:
    passed = planting.judging.Outcome(0, (), ("a shortcut: seen",), "", 0.0)
    assert passed.shown_by([planting.case.Sign("finding", "shortcut")]) == []


def test_the_package_knows_nothing_of_what_is_planted(repository: Path) -> None:
    for path in (repository / "audit").rglob("*.py"):
        assert "planting" not in path.read_text(encoding="utf-8"), path
