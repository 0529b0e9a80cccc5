"""What pytest says of gates that pass, fail, are unsure, or could not be judged."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

Write = Callable[..., Path]
UNSURE = "  - check: clean\n    gates:\n      - {metric: uar, min: 0.66}\n"
NO_MAPS = """\
  - check: clean
    gates:
      - {metric: accuracy, min: 0.3}
  - check: saliency
    method: gradcam
    gates:
      - {metric: faithfulness_over_random, of: gradcam, min: 0.05}
"""


def test_gates_pass_and_fail_and_a_failure_is_the_console_block(pytester: pytest.Pytester, write_suite: Write) -> None:
    write_suite()
    result = pytester.runpytest()
    result.assert_outcomes(passed=4, failed=3)
    result.stdout.fnmatch_lines(
        [
            "FAIL recall at sigma 0.5, calm",
            "  0.00 (95% CI 0.00-0.2?, n=12), limit at least 0.60",
            '  12 of 12 new errors are "angry"',
            "  listen  reports/tones/tones/emotion/calm.html#gaussian_noise",
            "  rerun   audit run tones.audit.yaml --only gaussian_noise/calm",
            "  limit   tones.audit.yaml:15",
        ]
    )
    assert "Traceback" not in result.stdout.str()
    assert not re.search(r"\.py:\d+", result.stdout.str())


def test_the_report_of_the_audit_is_kept_and_named(pytester: pytest.Pytester, write_suite: Write) -> None:
    write_suite()
    result = pytester.runpytest("--audit-out", "out")
    result.stdout.fnmatch_lines(["report  out/tones/tones/index.html"])
    assert {"audit.json", "records.parquet", "junit.xml", "summary.md", "index.html"} <= {
        path.name for path in (pytester.path / "out/tones/tones").iterdir()
    }


@pytest.mark.parametrize(("choice", "outcomes"), [("fail", {"failed": 1}), ("pass", {"passed": 1})])
def test_unsure_follows_when_unsure(
    pytester: pytest.Pytester, write_suite: Write, choice: str, outcomes: dict[str, int]
) -> None:
    write_suite(checks=UNSURE, decide=f", when_unsure: {choice}")
    result = pytester.runpytest()
    result.assert_outcomes(**outcomes)
    result.stdout.fnmatch_lines(["UNSURE clean uar   0.67 (95% CI *, n=36), limit at least 0.66"])


def test_what_could_not_be_judged_is_an_error_and_no_failure(pytester: pytest.Pytester, write_suite: Write) -> None:
    write_suite(checks=NO_MAPS)
    result = pytester.runpytest()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["ERROR faithfulness over random of gradcam"])
    assert "Traceback" not in result.stdout.str()


def test_an_audit_that_cannot_run_makes_every_gate_an_error(pytester: pytest.Pytester, write_suite: Write) -> None:
    write_suite()
    path = pytester.path / "tones.audit.yaml"
    path.write_text(path.read_text().replace("data: {", "data: {clips: 0, "))
    result = pytester.runpytest()
    result.assert_outcomes(errors=7)
    assert "Traceback" not in result.stdout.str()


def test_a_defect_is_an_error_that_gives_no_verdict(pytester: pytest.Pytester, write_suite: Write) -> None:
    (pytester.path / "mine.py").write_text(
        "from audit.kinds import corruption\n\n\n@corruption()\ndef broken(inputs, spec, rng, *, sigma: float):\n"
        "    return inputs / [][0]\n"
    )
    write_suite(
        checks="  - check: corruption\n    method: mine.py:broken\n    sweep: {sigma: [1]}\n"
        "    gates:\n      - {metric: accuracy, at: 1, min: 0.5}\n"
    )
    result = pytester.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*mine.py:6 broke*IndexError*no verdict was given. The traceback is in *"])


def test_warnings_of_libraries_are_not_errors_where_a_project_makes_its_own_so(
    pytester: pytest.Pytester, write_suite: Write
) -> None:
    (pytester.path / "mine.py").write_text(
        "import warnings\n\nfrom audit.kinds import corruption\n\n\n@corruption()\n"
        "def loud(inputs, spec, rng, *, sigma: float):\n    warnings.warn('old')\n    return inputs\n"
    )
    write_suite(
        checks="  - check: corruption\n    method: mine.py:loud\n    sweep: {sigma: [1]}\n"
        "    gates:\n      - {metric: accuracy, at: 1, min: 0.3}\n"
    )
    result = pytester.runpytest("-W", "error")
    assert result.parseoutcomes()["passed"] == 1
    result.stdout.fnmatch_lines(["*UserWarning: old"])


def test_a_keyword_picks_emotions_and_the_audit_stays_whole(pytester: pytest.Pytester, write_suite: Write) -> None:
    write_suite()
    pytester.runpytest("-k", "angry").assert_outcomes(passed=2, deselected=5)
    assert (pytester.path / "reports/tones/tones/audit.json").is_file()


def test_a_whole_check_can_be_named_and_only_that_one_is_run(pytester: pytest.Pytester, write_suite: Write) -> None:
    write_suite()
    pytester.runpytest("tones.audit.yaml::gaussian-noise").assert_outcomes(passed=1, failed=2)
    assert [path.name for path in (pytester.path / "reports/tones").iterdir()] == ["tones--gaussian-noise"]


def test_one_item_can_be_named(pytester: pytest.Pytester, write_suite: Write) -> None:
    write_suite()
    result = pytester.runpytest("-v", "tones.audit.yaml::gaussian-noise::recall-at-0.5::angry")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["tones.audit.yaml::gaussian-noise::recall-at-0.5::angry PASSED*"])


def test_last_failed_runs_what_failed(pytester: pytest.Pytester, write_suite: Write) -> None:
    write_suite()
    pytester.runpytest().assert_outcomes(passed=4, failed=3)
    pytester.runpytest("--lf").assert_outcomes(failed=3)


def test_pytests_own_junit_names_every_gate(pytester: pytest.Pytester, write_suite: Write) -> None:
    write_suite()
    pytester.runpytest("--junitxml=j.xml")
    cases = list(ET.parse(pytester.path / "j.xml").iter("testcase"))
    assert len({(case.get("classname"), case.get("name")) for case in cases}) == 7
    assert sum(case.find("failure") is not None for case in cases) == 3
