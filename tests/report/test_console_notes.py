"""What a terminal shows beside the blocks of failures: reasons that many share, and pages that are out of date."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from audit.console import show

FAIL = 1


@pytest.fixture
def document(repository: Path) -> dict[str, Any]:
    """An audit that failed."""
    found: dict[str, Any] = json.loads((repository / "tests/report/failed.audit.json").read_text(encoding="utf-8"))
    return found


def shown(document: dict[str, Any]) -> str:
    stream = io.StringIO()
    show(document, Path("reports/s/m"), stream)
    return stream.getvalue()


def test_one_reason_of_many_errors_is_told_once(document: dict[str, Any]) -> None:
    row = {**document["verdicts"][FAIL], "outcome": "ERROR", "reason": "no such column"}
    document["verdicts"] = [{**row, "id": f"clean::recall::{n}"} for n in range(20)]
    lines = shown(document).splitlines()
    assert sum(line.startswith("ERROR ") for line in lines) == 1
    assert sum("no such column" in line for line in lines) == 1
    assert any(line.startswith("  the same of ") and line.endswith(" and 16 more") for line in lines)


def test_a_report_that_shows_verdicts_of_another_day_is_said_to(document: dict[str, Any]) -> None:
    assert "2026-11-01" not in shown(document)
    (line,) = (line for line in shown({**document, "outdated": "2026-11-01"}).splitlines() if line.startswith("report"))
    assert "2026-11-01" in line
