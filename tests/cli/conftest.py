"""A suite whose verdicts are known, and an audit that is finished."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def write_suite(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Write `tones.audit.yaml` with some checks into an empty current directory."""
    monkeypatch.chdir(tmp_path)
    tones = repository / "tests" / "tones"

    def write(checks: str) -> Path:
        path = tmp_path / "tones.audit.yaml"
        path.write_text(
            f"version: 1\nsuite: tones\nmodel: {tones / 'tones.model.yaml'}\n"
            f'data: {{layout: "{tones / "clips.py"}:tone_clips"}}\n'
            f"decide: {{seed: 1, bootstrap: 200}}\nchecks:\n{checks}",
            encoding="utf-8",
        )
        return path

    return write


@pytest.fixture
def finished(tmp_path: Path, repository: Path) -> Path:
    """A folder with a finished audit that failed."""
    folder = tmp_path / "finished"
    folder.mkdir()
    shutil.copy(repository / "tests/report/failed.audit.json", folder / "audit.json")
    return folder
