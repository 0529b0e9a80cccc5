"""`models/table.py`: the tables are what the kept audits say, and the audits are of the models as they are."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from types import ModuleType

import pytest

from audit.kinds import import_file
from audit.manifest import load_model

COLUMNS = ("check", "kind", "method", "measure", "metric", "at", "emotion", "group", "value", "interval", "n")


@pytest.fixture(scope="module")
def table(repository: Path) -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(repository / "models")
        return import_file(repository / "models/table.py")


def test_the_tables_are_drawn_from_the_kept_audits(table: ModuleType, repository: Path) -> None:
    systems, audits = table.read_systems(repository / "models/published.yaml"), table.everything()
    readme = (repository / "models/README.md").read_text()
    assert table.redrawn(readme, table.overview(systems, audits)) == readme
    assert table.sections.page(systems, audits) == (repository / "models/published.md").read_text()


def test_every_kept_audit_is_of_the_model_and_the_suite_as_they_are(table: ModuleType, repository: Path) -> None:
    audits = table.everything()
    assert audits
    for (model, suite), audit in audits.items():
        judged = load_model(repository / "models" / f"{model}.model.yaml")
        assert audit.document["model"]["sha256"] == judged.digest(), f"{model} was trained again: audit it by {suite}"
        text = (repository / "suites" / f"{suite}.audit.yaml").read_bytes()
        assert audit.document["suite_sha256"] == hashlib.sha256(text).hexdigest(), (
            f"{suite} changed: audit {model} again"
        )


def test_what_is_kept_of_an_audit_is_what_it_measured(table: ModuleType, tmp_path: Path) -> None:
    rows = [
        ["clean", "clean", "clean", "", "accuracy", None, None, None, 0.91234567, [0.8, 0.95], 40],
        ["clean", "clean", "clean", "", "ece", None, None, None, 0.05, None, 40],
        ["noise", "corruption", "white_noise", "", "accuracy", 10.0, None, None, 0.5, None, 40],
    ]
    document = {
        "schema": 1,
        "suite": {"name": "s", "sha256": "1" * 64},
        "model": {"name": "m", "sha256": "2" * 64, "parameters": 3, "emotions": ["a", "b"]},
        "data": {"layout": "nemo", "split": None, "sha256": "3" * 64, "n": 40, "groups": {}},
        "decide": {"confidence": 0.95, "cluster": None},
        "provenance": {"seed": 7, "command": "audit run s.audit.yaml"},
        "passed": True,
        "verdicts": [{"outcome": "PASS"}, {"outcome": "UNSURE"}],
        "confusions": [{"check": "clean", "counts": [[18, 2], [1, 19]]}],
        "metrics": [dict(zip(COLUMNS, row, strict=True)) for row in rows],
    }
    report = tmp_path / "report"
    report.mkdir()
    (report / "audit.json").write_text(json.dumps(document))
    path = table.keep(report, tmp_path / "kept")
    assert path == tmp_path / "kept" / "s" / "m.json"
    kept = table.everything(tmp_path / "kept")["m", "s"]
    assert kept.figure("accuracy").value == 0.9123
    assert kept.figure("accuracy").interval == (0.8, 0.95)
    assert kept.figure("ece") is None
    assert kept.figure("accuracy", kind="corruption", at=10.0).value == 0.5
    assert kept.document["gates"] == {"PASS": 1, "FAIL": 0, "UNSURE": 1, "ERROR": 0}
    document["provenance"]["command"] += " --limit 5"
    (report / "audit.json").write_text(json.dumps(document))
    with pytest.raises(ValueError, match="an audit of a part"):
        table.keep(report, tmp_path / "kept")
