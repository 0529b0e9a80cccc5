"""What pytest finds in a suite, before anything is run."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Write = Callable[..., Path]
IDS = [
    "tones.audit.yaml::clean::accuracy",
    "tones.audit.yaml::clean::recall::calm",
    "tones.audit.yaml::clean::recall::angry",
    "tones.audit.yaml::clean::recall::sad",
    "tones.audit.yaml::gaussian-noise::recall-at-0.5::calm",
    "tones.audit.yaml::gaussian-noise::recall-at-0.5::angry",
    "tones.audit.yaml::gaussian-noise::recall-at-0.5::sad",
]


def test_a_suite_is_one_item_per_gate_and_emotion(pytester: pytest.Pytester, write_suite: Write) -> None:
    write_suite()
    result = pytester.runpytest("--collect-only", "-q")
    assert [line for line in result.outlines if "::" in line] == IDS


def test_collecting_loads_neither_torch_nor_pandas(pytester: pytest.Pytester, write_suite: Write) -> None:
    write_suite()
    pytester.makeconftest(
        """
        import sys

        def pytest_collection_finish(session):
            heavy = [name for name in ("torch", "pandas", "librosa", "plotly") if name in sys.modules]
            print("heavy:", heavy, len(session.items))
        """
    )
    result = pytester.runpytest_subprocess("--collect-only", "-q", "-s", "-p", "no:hypothesispytest")
    result.stdout.fnmatch_lines([f"heavy: [[][]] {len(IDS)}"])


def test_starting_pytest_with_the_plugin_loads_nothing_heavy() -> None:
    heavy = ("torch", "numpy", "pandas", "rich", "ruamel.yaml", "audit.suite")
    probe = f"import audit.pytest_plugin, sys; print([n for n in {heavy} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_other_yaml_files_are_left_alone(pytester: pytest.Pytester) -> None:
    for name in ("docker-compose.yaml", "audit.yaml", "tones.audit.yml", "tones.model.yaml"):
        (pytester.path / name).write_text("{ not yaml: [", encoding="utf-8")
    assert pytester.runpytest().ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_a_mistake_in_a_suite_is_a_collection_error_at_its_place(pytester: pytest.Pytester, write_suite: Write) -> None:
    path = write_suite(checks="  - check: clean\n    gates:\n      - {metric: accuracy, mim: 0.3}\n")
    result = pytester.runpytest()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    text = result.stdout.str()
    assert f"{path}:9:28: error: unknown key 'mim'; did you mean 'min'?" in text
    assert "Traceback" not in text
    assert "suite_reader.py" not in text


def test_a_manifest_that_is_missing_is_a_collection_error(
    pytester: pytest.Pytester, write_suite: Write, tones: Path
) -> None:
    path = write_suite()
    path.write_text(path.read_text().replace("tones.model.yaml", "tonse.model.yaml"))
    result = pytester.runpytest()
    result.stdout.fnmatch_lines(["*tones.audit.yaml:3:8: error: no such manifest *tonse.model.yaml*"])
    assert "Traceback" not in result.stdout.str()


def test_a_suite_without_a_model_says_what_to_give(pytester: pytest.Pytester, write_suite: Write) -> None:
    write_suite(model=False)
    result = pytester.runpytest()
    result.assert_outcomes(errors=3)
    result.stdout.fnmatch_lines(["tones.audit.yaml names no model; give one with --audit-model"])


def test_the_model_can_come_from_the_command_line(pytester: pytest.Pytester, write_suite: Write, tones: Path) -> None:
    write_suite(model=False)
    result = pytester.runpytest("--collect-only", "-q", f"--audit-model={tones / 'tones.model.yaml'}")
    assert [line for line in result.outlines if "::" in line] == IDS


def test_hostile_emotion_names_give_plain_node_ids(pytester: pytest.Pytester, write_suite: Write, tones: Path) -> None:
    manifest = (tones / "tones.model.yaml").read_text().replace("pitch.py", str(tones / "pitch.py"))
    hostile = r'"a::b[x]", "\x1b[31mred", "<b>&"'
    (pytester.path / "hostile.model.yaml").write_text(manifest.replace("calm, angry, sad", hostile))
    write_suite(model=False)
    result = pytester.runpytest("--collect-only", "-q", "--audit-model", "hostile.model.yaml")
    ids = [line for line in result.outlines if "::" in line]
    assert len(ids) == len(set(ids)) == 7
    assert all(re.fullmatch(r"tones\.audit\.yaml(::[a-z0-9.-]+){2,3}", line) for line in ids)
