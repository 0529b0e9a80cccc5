"""How the `audit` command ends when something breaks, interrupts it, or stops listening."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from audit.cli import main

COMMAND = [sys.executable, "-c", "from audit.cli import main; raise SystemExit(main())"]
GATED = "  - check: clean\n    gates:\n      - {metric: accuracy, min: 0.3}\n"


def test_a_defect_exits_3_with_one_line_and_a_traceback_in_a_file(
    write_suite: Callable[[str], Path],
    finished: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    document = json.loads((finished / "audit.json").read_text())
    del document["verdicts"][0]["limit"]
    (finished / "audit.json").write_text(json.dumps({**document, "verdicts": 7}))
    assert main(["gate", str(finished)]) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: this is a defect of the audit itself (TypeError")
    assert "no verdict was given" in line
    trace = Path(line.rpartition(" ")[2])
    assert "Traceback (most recent call last)" in trace.read_text()
    trace.unlink()
    monkeypatch.setenv("AUDIT_DEBUG", "1")
    assert main(["gate", str(finished)]) == 3
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_a_defect_in_ones_own_method_names_its_file(
    write_suite: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.py").write_text(
        "from audit.kinds import corruption\n\n\n@corruption()\ndef broken(inputs, spec, rng, *, sigma: float):\n"
        "    return {}['nothing']\n"
    )
    write_suite("  - check: corruption\n    method: mine.py:broken\n    sweep: {sigma: [1]}\n    gates: []\n" + GATED)
    assert main(["run", "tones.audit.yaml"]) == 3
    line = capsys.readouterr().err.splitlines()[-1]
    assert f"{tmp_path / 'mine.py'}:6 broke; that is code the suite or manifest names (KeyError" in line
    Path(line.rpartition(" ")[2]).unlink()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_an_interrupted_audit_exits_130_and_leaves_nothing(
    write_suite: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    (tmp_path / "mine.py").write_text(
        "import time\nfrom pathlib import Path\n\nfrom audit.kinds import corruption\n\n\n@corruption()\n"
        "def endless(inputs, spec, rng, *, sigma: float):\n    Path('begun').touch()\n    time.sleep(60)\n"
    )
    write_suite("  - check: corruption\n    method: mine.py:endless\n    sweep: {sigma: [1]}\n    gates: []\n" + GATED)
    running = subprocess.Popen(
        [*COMMAND, "run", "tones.audit.yaml"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell that starts this in the background has SIGINT ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    deadline = time.monotonic() + 60
    while not Path("begun").exists() and time.monotonic() < deadline and running.poll() is None:
        time.sleep(0.05)
    running.send_signal(getattr(signal, name))
    out, err = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "interrupted: nothing was decided, no report was written" in err
    assert "Traceback" not in err
    assert "GATE" not in out
    assert not Path("reports").exists()


def test_a_closed_pipe_is_quiet_and_no_verdict(finished: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*COMMAND, "gate", str(finished)], stdout=writing, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_terminal_without_unicode_still_gets_the_decision(finished: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [*COMMAND, "gate", str(finished)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("GATE FAILED")
