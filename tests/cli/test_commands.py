"""The `audit` command: what it prints, what it writes, and how it exits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

from audit.cli import main

PASSING = """\
  - check: clean
    gates:
      - {metric: accuracy, min: 0.45}
      - {metric: recall, per: emotion, min: 0.0, informational: true}
"""
FAILING = """\
  - check: corruption
    method: gaussian_noise
    sweep: {sigma: [0.001, 0.5]}
    gates:
      - {metric: recall, per: emotion, at: 0.5, min: 0.6}
"""


def test_a_passing_audit_exits_0_and_lands_whole(
    write_suite: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    write_suite(PASSING)
    assert main(["run", "tones.audit.yaml"]) == 0
    told = capsys.readouterr()
    assert told.out.splitlines()[-2:] == [
        "report  reports/tones/tones/index.html",
        "GATE PASSED  0 fail, 0 unsure, 1 pass, 3 informational    exit 0",
    ]
    assert "clean  36/36  0:0" in told.err
    folder = Path("reports/tones/tones")
    assert {"audit.json", "records.parquet", "index.html", "junit.xml", "summary.md"} <= set(os.listdir(folder))
    assert os.listdir("reports/tones") == ["tones"]
    document = json.loads((folder / "audit.json").read_text())
    assert document["provenance"]["command"] == "audit run tones.audit.yaml"


def test_a_failing_audit_exits_1_and_says_why(
    write_suite: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    write_suite(FAILING)
    assert main(["run", "tones.audit.yaml", "--no-media", "--out", "here"]) == 1
    told = capsys.readouterr().out
    assert "FAIL recall at sigma 0.5, calm\n  0.00 (95% CI 0.00-0.2" in told
    assert '\n  12 of 12 new errors are "angry"\n' in told
    assert "\n  rerun   audit run tones.audit.yaml --no-media --only gaussian_noise/calm\n" in told
    assert told.splitlines()[-1] == "GATE FAILED  2 fail, 0 unsure, 1 pass    exit 1"
    assert not (Path("here") / "media").exists()


def test_what_it_says_to_rerun_runs(write_suite: Callable[[str], Path], capsys: pytest.CaptureFixture[str]) -> None:
    write_suite(PASSING + FAILING)
    assert main(["run", "tones.audit.yaml", "--only", "gaussian_noise/calm"]) == 1
    told = capsys.readouterr().out
    assert "judged in part: only gaussian_noise/calm" in told
    assert told.splitlines()[-1] == "GATE FAILED  1 fail, 0 unsure, 0 pass    exit 1"
    # The part lies beside the whole, and does not take its place.
    assert os.listdir("reports/tones") == ["tones--gaussian-noise-calm"]


def test_a_finished_audit_is_replaced_and_nothing_else_is(
    write_suite: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    write_suite(PASSING)
    assert main(["run", "tones.audit.yaml", "--out", "here"]) == 0
    (Path("here") / "old.txt").touch()
    assert main(["run", "tones.audit.yaml", "--out", "here"]) == 0
    assert not (Path("here") / "old.txt").exists()
    Path("mine").mkdir()
    (Path("mine") / "thesis.txt").touch()
    assert main(["run", "tones.audit.yaml", "--out", "mine"]) == 2
    assert "mine: holds files but no audit, and is left alone" in capsys.readouterr().err
    assert (Path("mine") / "thesis.txt").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["rnu"],
            "unknown command 'rnu'; did you mean 'run'? (there are: run, check, show, schema, gate, report, compare,",
        ),
        (["prob"], "unknown command 'prob'; did you mean 'probe'?"),
        (["run", "x.audit.yaml", "--limt", "3"], "does not take '--limt'; did you mean '--limit'?"),
        (["run"], "the following arguments are required: SUITE"),
        (["run", "tones.audit.yaml", "--limit", "0"], "argument --limit: '0' is not a whole number of at least 1"),
        (["run", "tones.audit.yaml", "--batch-size", "x"], "'x' is not a whole number of at least 1"),
        (["run", "tonse.audit.yaml"], "tonse.audit.yaml: no such file; did you mean 'tones.audit.yaml'?"),
        (["run", "tones.audit.yaml", "--only", "claen"], "no check 'claen'; did you mean 'clean'?"),
        (["run", "tones.audit.yaml", "--only", "clean/clam"], "no emotion 'clam'; did you mean 'calm'?"),
        (["run", "tones.audit.yaml", "--device", "warp"], "--device warp: torch cannot use it here"),
        (["run", "tones.audit.yaml", "--model", "no.model.yaml"], "no.model.yaml: no such file"),
        (["gate", "."], "no audit here"),
        (["report", "."], "no audit here"),
    ],
)
def test_a_mistake_exits_2_and_says_what_to_do(
    write_suite: Callable[[str], Path], capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    write_suite(PASSING)
    assert main(words) == 2
    captured = capsys.readouterr()
    assert told in captured.err
    assert "Traceback" not in captured.err
    assert "GATE" not in captured.out
    assert os.listdir(".") == ["tones.audit.yaml"]


def test_an_error_in_a_suite_is_shown_at_its_place(
    write_suite: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    write_suite(PASSING.replace("min: 0.45", "mim: 0.45"))
    assert main(["check", "tones.audit.yaml"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("tones.audit.yaml:9:28: error: unknown key 'mim'; did you mean 'min'?")
    assert lines[2].index("^^^") == lines[1].index("mim")


def test_what_cannot_be_judged_exits_3(write_suite: Callable[[str], Path], capsys: pytest.CaptureFixture[str]) -> None:
    path = write_suite(PASSING)
    path.write_text(path.read_text().replace("data: {", "data: {clips: 0, "))
    assert main(["run", "tones.audit.yaml"]) == 3
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert "GATE" not in captured.out


def test_gate_repeats_a_finished_decision(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gate", str(finished)]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "Model nemo-resnet18 sha256:9f2c0000…   Data 501 clips, 3 emotions, 2 speakers"
    assert told[1] == "FAIL recall at sigma 0.05, sadness"
    assert told[-1] == "GATE FAILED  1 fail, 1 unsure, 2 pass    exit 1"


@pytest.mark.parametrize(("text", "told"), [("{", "not readable as JSON"), ('{"schema": 99}', "schema 99")])
def test_a_broken_audit_is_no_verdict(finished: Path, capsys: pytest.CaptureFixture[str], text: str, told: str) -> None:
    (finished / "audit.json").write_text(text)
    assert main(["gate", str(finished)]) == 3
    assert told in capsys.readouterr().err


def test_report_draws_the_pages_again_without_model_or_data(
    write_suite: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_suite(FAILING)
    main(["run", "tones.audit.yaml", "--out", "here"])
    path.unlink()
    names = ("junit.xml", "summary.md", "index.html")
    before = [(Path("here") / name).read_bytes() for name in names]
    for name in names:
        (Path("here") / name).unlink()
    capsys.readouterr()
    assert main(["report", "here"]) == 0
    assert capsys.readouterr().out == "here/index.html\n"
    assert [(Path("here") / name).read_bytes() for name in names] == before


def test_check_says_what_a_run_would_do(write_suite: Callable[[str], Path], capsys: pytest.CaptureFixture[str]) -> None:
    path = write_suite(PASSING + FAILING)
    assert main(["check", "tones.audit.yaml"]) == 0
    assert "7 verdicts" in capsys.readouterr().out
    path.write_text("\n".join(line for line in path.read_text().splitlines() if not line.startswith("model")))
    assert main(["check", "tones.audit.yaml"]) == 3
    assert "names no model; give one with --model" in capsys.readouterr().out


def test_show_lists_the_gates_or_writes_the_suite_out(
    write_suite: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    write_suite(PASSING)
    assert main(["show", "tones.audit.yaml"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "clean::recall::calm   limit at least 0  tones.audit.yaml:10"
    assert main(["show", "tones.audit.yaml", "--resolved"]) == 0
    Path("resolved.audit.yaml").write_text(capsys.readouterr().out)
    assert main(["show", "resolved.audit.yaml"]) == 0


@pytest.mark.parametrize("words", [["schema"], ["schema", "--manifest"]])
def test_schema_prints_json(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["type"] == "object"


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["check", "tones.audit.yaml"], ["schema"], ["rnu"]])
def test_what_needs_no_torch_does_not_load_it(write_suite: Callable[[str], Path], words: list[str]) -> None:
    write_suite(PASSING)
    probe = (
        "import sys\nfrom audit.cli import main\n"
        f"try:\n    main({words})\nexcept SystemExit:\n    pass\n"
        "heavy = [n for n in ('torch', 'pandas', 'librosa', 'plotly') if n in sys.modules]\n"
        "print('heavy:', heavy)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "heavy: []"


def test_pytest_and_the_command_come_to_the_same_verdicts(write_suite: Callable[[str], Path]) -> None:
    write_suite(PASSING + FAILING)
    main(["run", "tones.audit.yaml", "--out", "here"])
    document = json.loads((Path("here") / "audit.json").read_text())
    cases = ET.parse(Path("here") / "junit.xml").getroot().iter("testcase")
    assert [f"{case.get('classname')}::{case.get('name')}" for case in cases] == [
        f"tones.{row['id']}" for row in document["verdicts"]
    ]


def test_check_says_which_gates_a_guesser_would_pass(
    write_suite: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    write_suite(PASSING)
    assert main(["check", "tones.audit.yaml", "--teeth"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("tones: 2 of 2 gates have teeth\n")
    assert "  informational  clean::recall    limit at least 0  passed by random" in told
    write_suite(PASSING.replace("0.45", "0.15") + "      - {metric: uar, min: 0.6}\n")
    assert main(["check", "tones.audit.yaml", "--teeth"]) == 1
    told = capsys.readouterr().out
    assert told.startswith("tones: 2 of 3 gates have teeth\n  a random guesser passes 1 of 3\n")
    assert "  toothless      clean::accuracy  limit at least 0.15  passed by random, constant, majority\n" in told
    assert "\n                 tones.audit.yaml:9\n" in told


def test_an_audit_says_that_a_gate_is_toothless(
    write_suite: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    write_suite(PASSING.replace("0.45", "0.15"))
    assert main(["run", "tones.audit.yaml", "--no-media", "--out", "here"]) == 0
    told = capsys.readouterr().out
    assert "1 gate is toothless, the first clean accuracy: a random guesser, a model that always" in told
    assert told.splitlines()[-1] == "GATE PASSED  0 fail, 0 unsure, 1 pass, 1 toothless, 3 informational    exit 0"
    page = (Path("here") / "index.html").read_text()
    assert "toothless: a random guesser" in page
    assert "toothless" in (Path("here") / "summary.md").read_text()


def test_a_waived_failure_shows_everywhere_and_does_not_block(
    write_suite: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    waiver = "waive: {until: 2999-12-31, reason: a louder <b>corpus</b> is being recorded}"
    write_suite(FAILING.replace("min: 0.6}", f"min: 0.6, {waiver}}}"))
    assert main(["run", "tones.audit.yaml", "--no-media", "--out", "here"]) == 0
    told = capsys.readouterr().out
    assert "  waived until 2999-12-31: a louder <b>corpus</b> is being recorded\n" in told
    assert told.splitlines()[-1] == "GATE PASSED  0 fail, 0 unsure, 1 pass, 2 waived    exit 0"
    page = (Path("here") / "index.html").read_text()
    assert "Waived until 2999-12-31: a louder &lt;b&gt;corpus&lt;/b&gt; is being recorded" in page
    cases = ET.parse(Path("here") / "junit.xml").getroot().iter("skipped")
    assert [case.get("message", "").partition(";")[0] for case in cases] == [
        "waived until 2999-12-31: a louder <b>corpus</b> is being recorded"
    ] * 2


def test_a_waiver_that_is_over_fails(write_suite: Callable[[str], Path], capsys: pytest.CaptureFixture[str]) -> None:
    write_suite(FAILING.replace("min: 0.6}", "min: 0.6, waive: {until: 2020-02-29, reason: soon mended}}"))
    assert main(["run", "tones.audit.yaml", "--no-media", "--out", "here"]) == 1
    assert "waived until 2020-02-29 (soon mended), and that is over; FAIL:" in capsys.readouterr().out
