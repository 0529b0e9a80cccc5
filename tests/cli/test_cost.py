"""What a cost check comes to from one end to the other: command, files, page, and an audit decided again."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from audit.cli import main

CHECKS = """\
  - check: clean
    gates:
      - {metric: accuracy, min: 0.45}
  - check: cost
    warm: 1
    timed: 80
    batch: 4
    batches: 8
    gates:
      - {metric: latency, max: 60000}
      - {metric: latency_p95, max: 0}
      - {metric: throughput, min: 0}
      - {metric: parameters, max: 5000000}
"""


BOX = """\
import numpy as np


def answer(inputs):
    slope = np.square(np.diff(inputs)).mean(axis=1) / np.square(inputs).mean(axis=1)
    height = np.log(slope / 0.2)
    return np.stack([-height, height, np.full_like(height, -20)], axis=1)
"""
MANIFEST = """\
version: 1
model: tones
source: box.py:answer
loader: python
input: {sampling_rate: 8000, seconds: 0.25, representation: waveform}
emotions: [calm, angry, sad]
"""
RUN = ["run", "tones.audit.yaml", "--model", "box.model.yaml", "--no-media"]


@pytest.fixture
def suite(write_suite: Callable[[str], Path]) -> None:
    """A suite in an empty folder, and a model in numpy."""
    write_suite(CHECKS)
    Path("box.py").write_text(BOX)
    Path("box.model.yaml").write_text(MANIFEST)


@pytest.fixture
def told(suite: None, capsys: pytest.CaptureFixture[str]) -> tuple[list[str], Path]:
    """What a run prints, and the folder it fills."""
    assert main(RUN) == 1
    return capsys.readouterr().out.splitlines(), Path("reports/tones/tones")


def test_the_console_tells_what_was_measured_where_and_what_to_do(told: tuple[list[str], Path]) -> None:
    lines, _ = told
    start = lines.index("FAIL latency p95 in ms")
    block = lines[start : start + 7]
    assert block[1].endswith("n=80), limit at most 0")
    assert block[2].startswith("  95th percentile of 80 calls of one recording on ")
    assert "time it where it will serve" in block[3]
    assert block[4] == "  see     reports/tones/tones/index.html#cost"
    assert block[5] == "  rerun   audit run tones.audit.yaml --model box.model.yaml --no-media --only cost"
    error = lines.index("ERROR parameters")
    assert lines[error + 1].startswith("  model 'tones' shows no parameters")
    assert lines[-1] == "GATE FAILED  1 error, 1 fail, 0 unsure, 3 pass    exit 1"
    assert not any("toothless" in line for line in lines)


def test_every_file_of_a_report_holds_the_rows(told: tuple[list[str], Path]) -> None:
    _, folder = told
    document = json.loads((folder / "audit.json").read_text())
    metrics = {row["metric"]: row for row in document["metrics"] if row["check"] == "cost"}
    assert list(metrics) == [
        "latency",
        "latency_p95",
        "latency_with_representation",
        "throughput",
        "parameters",
        "size",
    ]
    latency = metrics["latency"]
    assert latency["interval"][0] <= latency["value"] <= latency["interval"][1]
    assert (latency["kind"], latency["n"]) == ("cost", 80)
    assert metrics["latency_with_representation"]["value"] >= latency["value"]
    (cost,) = document["running_costs"]
    assert (len(cost["calls"]), len(cost["batch_calls"]), cost["batch"]) == (80, 8, 4)
    assert document["cost"]["by_check"]["cost"]["forward_samples"] == 1 + 80 + (1 + 8) * 4
    page = (folder / "index.html").read_text()
    section = page.partition('<section id="Running">')[2].partition("</section>")[0]
    assert "Measured on this machine beside whatever else ran; compare within one run only." in section
    assert '<h3 id="cost">cost</h3>' in section
    for name in ("Latency, median", "Latency, 95th percentile", "Throughput, median", "Parameters", "Size on disk"):
        assert f'<th scope="row">{name}</th>' in section
    assert "shows no parameters" in section
    summary = (folder / "summary.md").read_text()
    assert "latency p95 in ms" in summary
    assert "| cost | measured on " in summary
    cases = {case.get("name"): case for case in ET.parse(folder / "junit.xml").iter("testcase")}
    assert cases["latency"].find("failure") is None
    failure = cases["latency-p95"].find("failure")
    assert failure is not None
    assert failure.get("message", "").startswith("latency p95 in ms: ")
    assert cases["parameters"].find("error") is not None


def test_timings_are_no_records_which_stay_the_same_from_run_to_run(told: tuple[list[str], Path]) -> None:
    _, folder = told
    before = pd.read_parquet(folder / "records.parquet")
    assert set(before["check"]) == {"clean"}
    assert main(RUN) == 1
    pd.testing.assert_frame_equal(pd.read_parquet(folder / "records.parquet"), before, check_exact=True)


def test_an_audit_decided_again_against_a_baseline_keeps_its_verdicts_on_cost(
    told: tuple[list[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """The baseline's calls took other times, which is no change of any answer."""
    _, folder = told
    assert main([*RUN, "--out", "again", "--only", "cost"]) == 1
    capsys.readouterr()
    assert main(["gate", str(folder), "--baseline", "again"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "GATE FAILED  1 error, 1 fail, 0 unsure, 3 pass    exit 1"
    assert not any("not these" in line for line in lines)


def test_a_part_of_the_clips_and_the_check_alone_are_timed_as_often(
    suite: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "tones.audit.yaml"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  cost ")]
    assert line.split()[-2:] == ["117", "forward"]
    assert main([*RUN, "--limit", "2", "--only", "cost"]) == 1
    told = capsys.readouterr()
    assert "cost  117/117" in told.err
    assert told.out.splitlines()[-1] == "GATE FAILED  1 error, 1 fail, 0 unsure, 2 pass    exit 1"
    assert main(["check", "tones.audit.yaml", "--teeth"]) == 0
    told = capsys.readouterr()
    assert "  about what the model costs to run, whatever it answers: 4" in told.out.splitlines()
