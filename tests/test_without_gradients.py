"""A model without gradients: what is still judged, what is not, and that the rest is never counted as passed."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

from audit import Audit, read_suite, run
from audit.cli import main
from audit.preflight import describe

EAR = """
import numpy as np


def ear(waveforms):
    slope = np.square(np.diff(waveforms, axis=1)).mean(1)
    height = np.log(slope / np.square(waveforms).mean(1) / 0.2)
    return np.stack([-height, height, np.full_like(height, -20.0)], axis=1)
"""
CLEAN = "  - check: clean\n    gates: [{metric: accuracy, min: 0.3}]\n"
FGSM = """\
  - check: attack
    method: fgsm
    sweep: {epsilon: [0.01]}
    gates: [{metric: accuracy, at: 0.01, min: 0.1}, {metric: recall, per: emotion, at: 0.01, min: 0.1}]
"""
SQUARE = """\
  - check: attack
    method: square
    queries: 25
    sweep: {epsilon: [0.01, 0.4]}
    gates: [{metric: accuracy, at: 0.01, min: 0.1}, {metric: accuracy, at: 0.4, min: 0.9}]
"""
MAPS = """\
  - check: saliency
    method: [smoothgrad, {lime: {samples: 16}}, {occlusion: {window: [500], step: [250]}}, gradcam]
    samples: 6
    random_masks: 2
    gates:
      - {metric: faithfulness, of: smoothgrad, min: -1}
      - {metric: faithfulness, of: gradcam, min: -1}
"""
JUDGED = """\
      - {metric: faithfulness, of: lime, min: -1}
      - {metric: faithfulness, of: occlusion, min: -1}
"""
LEAVE_OUT = "    without_gradients: leave_out\n"


def leaving_out(check: str) -> str:
    first, rest = check.split("\n", 1)
    return f"{first}\n{LEAVE_OUT}{rest}"


@pytest.fixture
def write(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(EAR)
    (tmp_path / "ear.model.yaml").write_text(
        "version: 1\nmodel: ear\nloader: python\nsource: net.py:ear\n"
        "input: {sampling_rate: 8000, seconds: 0.25, representation: waveform}\nemotions: [calm, angry, sad]\n"
    )

    def write(checks: str) -> Path:
        path = tmp_path / "ear.audit.yaml"
        path.write_text(
            "version: 1\nsuite: ear\nmodel: ear.model.yaml\n"
            f'data: {{layout: "{repository / "tests/tones/clips.py"}:tone_clips"}}\n'
            f"decide: {{seed: 1, bootstrap: 200}}\nchecks:\n{checks}"
        )
        return path

    return write


def outcomes(audit: Audit) -> dict[str, str]:
    return {verdict.id: verdict.outcome for verdict in audit.verdicts}


def test_what_needs_gradients_is_an_error_and_the_rest_is_judged(write: Callable[[str], Path]) -> None:
    audit = run(read_suite(write(CLEAN + FGSM + SQUARE + MAPS + JUDGED)))
    found = outcomes(audit)
    assert {gate.partition("::")[0] for gate, outcome in found.items() if outcome == "ERROR"} == {"fgsm", "saliency"}
    assert {gate: outcome for gate, outcome in found.items() if gate.partition("::")[0] in ("clean", "square")} == {
        "clean::accuracy": "PASS",
        "square::accuracy-at-0.01": "PASS",
        "square::accuracy-at-0.4": "FAIL",
    }
    maps = {gate.rpartition("-")[2]: outcome for gate, outcome in found.items() if gate.startswith("saliency")}
    assert (maps["smoothgrad"], maps["gradcam"]) == ("ERROR", "ERROR")
    # No moment of a steady tone counts more than another: whatever these maps show, chance shows as well.
    assert {maps["lime"], maps["occlusion"]} <= {"FAIL", "UNSURE"}
    reasons = {verdict.reason for verdict in audit.verdicts if verdict.outcome == "ERROR"}
    assert len(reasons) == 3
    assert all("needs gradients, and model 'ear' gives none (black box: ear answers in numpy" in r for r in reasons)
    assert any(reason.endswith("square, uniform_noise and transfer need none") for reason in reasons)
    assert audit.left_out == []
    assert audit.cost["backward_samples"] == 0


def test_what_the_suite_leaves_out_has_no_verdict_and_is_told(
    write: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    write(CLEAN + leaving_out(FGSM) + leaving_out(MAPS))
    assert main(["run", "ear.audit.yaml", "--out", "out"]) == 0
    document = json.loads(Path("out/audit.json").read_text())
    assert [row["id"] for row in document["verdicts"]] == ["clean::accuracy"]
    assert [(row["check"], row["method"], len(row["gates"])) for row in document["left_out"]] == [
        ("fgsm", "fgsm", 4),
        ("saliency", "smoothgrad", 1),
        ("saliency", "gradcam", 1),
    ]
    assert Audit.load(Path("out")).document() == document
    told = "fgsm was left out, as the suite says, 4 gates not judged: fgsm needs gradients, and model 'ear' gives none"
    out = capsys.readouterr().out
    assert told in out
    assert out.splitlines()[-1] == "GATE PASSED  0 fail, 0 unsure, 1 pass, 6 left out    exit 0"
    assert any(limit.startswith(told) for limit in document["limits"])
    assert told in Path("out/summary.md").read_text()
    assert "1 of 1 gates; 6 left out" in Path("out/index.html").read_text()
    root = ET.parse("out/junit.xml").getroot()
    assert (root.get("tests"), root.get("skipped"), root.get("errors")) == ("7", "6", "0")
    skipped = [case.get("name") for case in root.iter("testcase") if case.find("skipped") is not None]
    assert len(skipped) == 6
    assert "accuracy-at-0.01" in skipped


def test_a_suite_whose_every_gate_was_left_out_has_decided_nothing(
    write: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    write("  - check: clean\n" + leaving_out(FGSM))
    assert main(["run", "ear.audit.yaml", "--out", "out"]) == 3
    assert capsys.readouterr().out.splitlines()[-1].startswith("GATE NOT JUDGED  0 fail, 0 unsure, 0 pass, 4 left out")
    assert json.loads(Path("out/audit.json").read_text())["passed"] is False
    for page in ("index.html", "summary.md"):
        assert "very gate was left out" in Path("out", page).read_text()
    assert main(["gate", "out"]) == 3


def test_a_model_with_gradients_leaves_nothing_out(write: Callable[[str], Path], repository: Path) -> None:
    path = write(CLEAN + leaving_out(FGSM))
    audit = run(read_suite(path, model=repository / "tests/tones/tones.model.yaml"))
    assert audit.left_out == []
    assert len(audit.verdicts) == 5


def test_one_check_alone_that_is_left_out_decides_nothing(write: Callable[[str], Path]) -> None:
    audit = run(read_suite(write(CLEAN + leaving_out(FGSM))), only="fgsm")
    assert (audit.verdicts, audit.exit_code) == ((), 3)
    assert [len(row["gates"]) for row in audit.left_out] == [4]


def test_a_waveform_ahead_of_a_function_in_numpy_has_no_gradients_either(
    write: Callable[[str], Path], repository: Path, tmp_path: Path
) -> None:
    (tmp_path / "front.py").write_text("def same(waveform, rate):\n    return waveform\n")
    (tmp_path / "pitch.model.yaml").write_text(
        f"version: 1\nmodel: pitch\nloader: '{repository / 'tests/tones/pitch.py'}:pitch'\n"
        "input: {sampling_rate: 8000, seconds: 0.25, preprocess: 'front.py:same'}\nemotions: [calm, angry, sad]\n"
    )
    heard = FGSM.replace("method: fgsm", "method: fgsm\n    id: heard\n    space: waveform")
    audit = run(read_suite(write(CLEAN + FGSM + heard), model=tmp_path / "pitch.model.yaml"))
    by_check = {verdict.check: verdict for verdict in audit.verdicts}
    assert by_check["fgsm"].outcome != "ERROR"
    assert by_check["heard"].outcome == "ERROR"
    told = "model 'pitch' gives none of the waveform; square, uniform_noise and transfer need none"
    assert told in by_check["heard"].reason


def test_pytest_skips_what_is_left_out_with_the_reason(pytester: pytest.Pytester, write: Callable[[str], Path]) -> None:
    path = write(CLEAN + leaving_out(FGSM) + leaving_out(MAPS))
    for name in ("ear.audit.yaml", "ear.model.yaml", "net.py"):
        (pytester.path / name).write_text((path.parent / name).read_text())
    result = pytester.runpytest_subprocess("-rs", str(pytester.path))
    result.assert_outcomes(passed=1, skipped=6)
    result.stdout.fnmatch_lines(["SKIPPED*fgsm was left out, as the suite says, 4 gates not judged: fgsm needs grad*"])
    alone = pytester.runpytest_subprocess(f"{pytester.path / 'ear.audit.yaml'}::fgsm")
    alone.assert_outcomes(errors=4)
    alone.stdout.fnmatch_lines(["*NOT JUDGED: every gate was left out: fgsm was left out*"])


def test_check_says_it_before_the_run_where_the_loader_tells(write: Callable[[str], Path], tmp_path: Path) -> None:
    path = write(CLEAN + FGSM + leaving_out(MAPS))
    assert describe(read_suite(path)).problems == ()
    manifest = tmp_path / "ear.model.yaml"
    manifest.write_text(
        manifest.read_text().replace("python\nsource: net.py:ear", "{http: {url: 'http://127.0.0.1:1'}}")
    )
    found = describe(read_suite(path))
    assert found.problems == (
        "check fgsm: fgsm: needs gradients, and loader http gives none; 4 gates will be ERROR, or "
        "`without_gradients: leave_out`",
        "check saliency: smoothgrad, gradcam: needs gradients, and loader http gives none; left out, as the suite "
        "says, with 2 gates",
    )
    counted = {check.id: (check.verdicts, check.forward, check.backward) for check in found.checks}
    assert counted["fgsm"] == (4, 0, 0)
    assert counted["saliency"][0] == 0
    assert counted["saliency"][2] == 0


def test_a_waveform_ahead_of_counted_zero_crossings_has_no_gradients(
    write: Callable[[str], Path], repository: Path, tmp_path: Path
) -> None:
    (tmp_path / "net.py").write_text(
        "import torch\n\n\ndef crossings(inputs):\n    rate = inputs.flatten(1).mean(1)\n"
        "    return torch.stack([0.1 - rate, rate - 0.1, rate - 1], dim=1)\n"
    )
    (tmp_path / "rate.model.yaml").write_text(
        "version: 1\nmodel: rate\nloader: {python: {differentiable: true}}\nsource: net.py:crossings\n"
        "input: {sampling_rate: 8000, seconds: 0.25, representation: zero_crossing_rate}\n"
        "emotions: [calm, angry, sad]\nactivation: none\n"
    )
    heard = FGSM.replace("method: fgsm", "method: fgsm\n    id: heard\n    space: waveform")
    audit = run(read_suite(write(CLEAN + FGSM + heard), model=tmp_path / "rate.model.yaml"))
    by_check = {verdict.check: verdict for verdict in audit.verdicts}
    assert by_check["fgsm"].outcome != "ERROR"
    assert "model 'rate' gives none of the waveform; square" in by_check["heard"].reason
