"""A network of faces trained by others, on the real test pictures; skips where its weights were not fetched."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit import read_suite, run
from audit.report.html import write

pytestmark = pytest.mark.data
WEIGHTS = "models/weights/downloaded/fer/data/emotion_model.hdf5"


def test_mini_xception_is_right_as_often_as_published_and_audited_to_a_report(
    repository: Path, audit_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not (repository / WEIGHTS).is_file():
        pytest.skip(f"no {WEIGHTS}; models/fer-mini-xception.model.yaml says how to fetch it")
    monkeypatch.setenv("FER2013", str(audit_data / "fer2013"))
    suite = read_suite(repository / "suites" / "fer2013-faces.audit.yaml")
    whole = run(suite, only="clean")
    assert whole.data["n"] == 7177
    assert whole.answers.value("accuracy") == pytest.approx(0.65, abs=0.01)
    (blank,) = whole.data["problems"]
    assert "blank" in blank["reason"]
    audit = run(suite, limit=14, media=tmp_path / "media")
    assert {verdict.outcome for verdict in audit.verdicts} <= {"PASS", "FAIL", "UNSURE"}
    methods = set(audit.records.loc[audit.records["check"] == "saliency", "method"])
    assert {"lime", "gradcam", "lrp", "smoothgrad"} <= methods
    audit.save(tmp_path)
    assert "pictures" in write(tmp_path).read_text()
