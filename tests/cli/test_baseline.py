"""`--baseline`: an audit compared with an earlier one, when it is run and when it is decided again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from audit.cli import main

CHECKS = """\
  - check: clean
    gates:
      - {metric: accuracy, min: 0.45}
      - {metric: recall_change, per: emotion, min: -0.03}
  - check: corruption
    method: gaussian_noise
    sweep: {sigma: [0.001]}
    gates:
      - {metric: accuracy_change, at: every, min: -0.05}
"""
Write = Callable[[str], Path]


def test_without_a_baseline_changes_are_not_judged(write_suite: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write_suite(CHECKS)
    assert main(["run", "tones.audit.yaml", "--no-media", "--out", "first"]) == 3
    assert "no baseline to compare with; give one with --baseline DIR" in capsys.readouterr().out


def test_the_same_model_passes_against_itself(write_suite: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write_suite(CHECKS)
    main(["run", "tones.audit.yaml", "--no-media", "--out", "first"])
    assert main(["run", "tones.audit.yaml", "--no-media", "--out", "second", "--baseline", "first"]) == 0
    told = capsys.readouterr().out
    assert "compared with tones, first\n" in told
    document = json.loads((Path("second") / "audit.json").read_text())
    assert document["baseline"]["path"] == "first"
    assert "first" in (Path("second") / "index.html").read_text()
    # And the first, decided again without model or data.
    assert main(["gate", "first"]) == 3
    assert main(["gate", "first", "--baseline", "second"]) == 0
    assert json.loads((Path("first") / "audit.json").read_text())["exit_code"] == 3


def test_a_model_that_forgot_an_emotion_fails_against_the_last_release(
    write_suite: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    """The records of the second audit are edited to what a worse model would have said."""
    import pandas as pd

    write_suite(CHECKS)
    main(["run", "tones.audit.yaml", "--no-media", "--out", "first"])
    shutil.copytree("first", "second")
    records = pd.read_parquet("second/records.parquet")
    records.loc[records["emotion"] == "calm", "predicted"] = "sad"
    records["probabilities"] = [[0.0, 0.0, 1.0]] * len(records)
    records.to_parquet("second/records.parquet", index=False)
    capsys.readouterr()
    assert main(["gate", "second", "--baseline", "first"]) == 1
    told = capsys.readouterr().out
    assert "FAIL clean recall change, calm\n  -1.00 (95% CI -1." in told


def test_another_seed_is_not_comparable_and_says_so(write_suite: Write, capsys: pytest.CaptureFixture[str]) -> None:
    suite = write_suite(CHECKS)
    main(["run", "tones.audit.yaml", "--no-media", "--out", "first"])
    suite.write_text(suite.read_text().replace("seed: 1", "seed: 2"))
    assert main(["run", "tones.audit.yaml", "--no-media", "--out", "second", "--baseline", "first"]) == 3
    assert "not comparable: the baseline has other settings, " in capsys.readouterr().out


def test_a_baseline_that_is_none_says_what_makes_one(write_suite: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write_suite(CHECKS)
    assert main(["run", "tones.audit.yaml", "--baseline", "nowhere"]) == 2
    assert (
        "nowhere: no audit here (no audit.json); `audit run SUITE --out nowhere` makes one" in capsys.readouterr().err
    )
