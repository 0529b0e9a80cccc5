"""A project with one suite, whose verdicts are known, for pytest to run in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from audit import landing
from audit.runner import run
from audit.suite import read_suite

CHECKS = """\
  - check: clean
    gates:
      - {metric: accuracy, min: 0.3}
      - {metric: recall, per: emotion, min: 0.6}
  - check: corruption
    method: gaussian_noise
    sweep: {sigma: [0.001, 0.5]}
    gates:
      - {metric: recall, per: emotion, at: 0.5, min: 0.6}
"""


@pytest.fixture
def tones(repository: Path) -> Path:
    return repository / "tests" / "tones"


@pytest.fixture(scope="session", autouse=True)
def everything_imported(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> None:
    """Run one audit first: pytester forgets what was imported inside it, and numpy cannot be imported twice."""
    folder = tmp_path_factory.mktemp("first")
    path = folder / "first.audit.yaml"
    path.write_text(_text("first", repository / "tests" / "tones", CHECKS), encoding="utf-8")
    with landing.staged(folder) as staging:
        landing.land(run(read_suite(path), media=staging / "media"), staging, folder / "report")


@pytest.fixture
def write_suite(pytester: pytest.Pytester, tones: Path) -> Callable[..., Path]:
    """Write `NAME.audit.yaml` into the project under test; low tones pass clean, "sad" ones always fail."""

    def write(name: str = "tones", *, checks: str = CHECKS, model: bool = True, decide: str = "") -> Path:
        path = pytester.path / f"{name}.audit.yaml"
        path.write_text(_text(name, tones, checks, model=model, decide=decide), encoding="utf-8")
        return path

    return write


def _text(name: str, tones: Path, checks: str, *, model: bool = True, decide: str = "") -> str:
    return "".join(
        [
            f"version: 1\nsuite: {name}\n",
            f"model: {tones / 'tones.model.yaml'}\n" if model else "",
            f'data: {{layout: "{tones / "clips.py"}:tone_clips"}}\n',
            f"decide: {{seed: 1, bootstrap: 200{decide}}}\nchecks:\n{checks}",
        ]
    )
