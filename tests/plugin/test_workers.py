"""The audit of a suite runs once, however many processes and tests ask for it."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

Write = Callable[..., Path]


@pytest.fixture
def counted(pytester: pytest.Pytester, write_suite: Write, tones: Path) -> Path:
    """A suite whose data set writes down every time it is listed; the file that counts them."""
    heard = pytester.path / "heard.txt"
    (pytester.path / "mine.py").write_text(
        "from pathlib import Path\n\nfrom audit.kinds import import_file, layout\n\n"
        f'TONES = import_file(Path("{tones / "clips.py"}"))\n\n\n'
        "@layout(read=TONES.play)\ndef counting(root: Path | None = None):\n"
        f'    with Path("{heard}").open("a") as file:\n        file.write("run\\n")\n'
        "    yield from TONES.tone_clips()\n"
    )
    path = write_suite()
    path.write_text(re.sub(r'layout: ".*:tone_clips"', "layout: mine.py:counting", path.read_text()))
    return heard


@pytest.mark.parametrize("dist", ["load", "loadscope"])
def test_workers_share_one_run(pytester: pytest.Pytester, counted: Path, dist: str) -> None:
    result = pytester.runpytest_subprocess("-n", "2", "--dist", dist)
    result.assert_outcomes(passed=4, failed=3)
    assert counted.read_text() == "run\n"
    result.stdout.fnmatch_lines(["report  reports/tones/tones/index.html"])


def test_workers_share_the_error_too_and_leave_nothing_behind(pytester: pytest.Pytester, counted: Path) -> None:
    (pytester.path / "mine.py").write_text((pytester.path / "mine.py").read_text() + "    raise OSError('disk')\n")
    pytester.makeini(f"[pytest]\naddopts = --basetemp={pytester.path / 'tmp'}")
    before = set(Path(tempfile.gettempdir()).glob("audit-shared-*"))
    result = pytester.runpytest_subprocess("-n", "2")
    result.assert_outcomes(errors=7)
    assert counted.read_text() == "run\n"
    assert set(Path(tempfile.gettempdir()).glob("audit-shared-*")) <= before
    assert not list((pytester.path).rglob(".unfinished-*"))


def test_items_and_tests_of_one_session_share_one_run(pytester: pytest.Pytester, counted: Path) -> None:
    pytester.makepyfile("def test_a(audit):\n    assert audit('tones.audit.yaml').accuracy() > 0.6\n")
    pytester.runpytest().assert_outcomes(passed=5, failed=3)
    assert counted.read_text() == "run\n"
