"""`--baseline`: an audit compared with an earlier one, when it is run and when it is decided again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import date, datetime, tzinfo
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
MODELS = """\
import torch
from audit.kinds import loader
from audit.model import TorchModel

class Pitch(torch.nn.Module):
    def __init__(self, limit, together):
        super().__init__()
        self.limit = torch.nn.Parameter(torch.tensor(limit))
        self.together = together

    def forward(self, waveforms):
        slope = (waveforms[:, 1:] - waveforms[:, :-1]).square().mean(1)
        height = torch.log(slope / waveforms.square().mean(1) / self.limit)
        if self.together:
            height = height - height.mean()
        return torch.stack([-height, height, torch.full_like(height, -20.0)], dim=1)

def made(manifest, limit, together=False):
    return TorchModel(Pitch(limit, together).eval(), manifest.spec, manifest.emotions, name=manifest.name)

@loader()
def before(manifest):
    return made(manifest, 0.02606)

@loader()
def after(manifest):
    return made(manifest, 0.2)

@loader()
def together(manifest):
    return made(manifest, 0.2, True)
"""
ATTACK = "{metric: accuracy_change, at: 0.12, min: -0.9"
FOUND = "  - {check: data, method: [conflicting_labels]}\n"
CLEAN = "  - check: clean\n    gates: "
NOISE = "  - {check: corruption, method: gaussian_noise, sweep: {sigma: [0.001]}, gates: "
FGSM = "  - {check: attack, id: at, sweep: {epsilon: [0.12]}, method: "
CASES = {
    "an unstable model": ("together", f"{CLEAN}[{{metric: accuracy_change, min: -0.9}}, {{metric: uar, min: 0.1}}]\n"),
    "an attack that failed": ("after", f"{FGSM}fgsm, gates: [{ATTACK}}}]}}\n"),
    "a floor": ("after", f"{CLEAN}[{{metric: accuracy_change, min: -0.5, floor: 0.99}}]\n"),
    "without": (
        "after",
        f"{FOUND}{CLEAN}[{{metric: accuracy_change, min: -0.9}},"
        " {metric: recall_change, per: emotion, min: -0.9, without: [conflicting_labels]}]\n",
    ),
    "a screen that was not applied": (
        "after",
        f"{CLEAN}[{{metric: accuracy_change, min: -0.9, without: [conflicting_labels]}}]\n",
    ),
    "of": (
        "after",
        f"{FGSM}[fgsm, {{uniform_noise: {{draws: 3}}}}],"
        f" gates: [{ATTACK}}}, {ATTACK}, of: fgsm}}, {ATTACK}, of: uniform_noise}}]}}\n",
    ),
    "per": (
        "after",
        f"{CLEAN}[{{metric: recall_change, per: emotion, min: -0.05}},"
        " {metric: recall_change, per: group, min: 0.1}]\n",
    ),
    "informational": (
        "after",
        f"{CLEAN}[{{metric: accuracy_change, min: 0.5, informational: true}}, {{metric: accuracy, min: 0.9}},"
        " {metric: uar_change, min: 0.9}, {metric: accuracy_gap, across: speaker, max: 0.1}]\n",
    ),
    "a waiver": (
        "after",
        f"{CLEAN}[{{metric: accuracy_change, min: 0.5, waive: {{until: 2999-01-31, reason: so be it}}}}]\n"
        f"{NOISE}[{{metric: drop, at: 0.001, max: 0.5}}, {{metric: uar_change, at: 0.001, min: 0.5}}]}}\n",
    ),
    "a waiver that is over": (
        "after",
        f"{CLEAN}[{{metric: accuracy_change, min: 0.5, waive: {{until: 2020-01-31, reason: so be it}}}},"
        " {metric: recall_change, per: emotion, min: 0.5, informational: true,"
        " waive: {until: 2020-01-31, reason: so be it}}]\n",
    ),
    "other gates to be held against": (
        "after",
        f"{CLEAN}[{{metric: accuracy_change, min: 0.075}}, {{metric: recall_change, per: emotion, min: 0.9}},"
        " {metric: accuracy, min: 0.83}, {metric: uar, min: 0.845}, {metric: recall, per: emotion, min: 0.7}]\n",
    ),
    "maps": (
        "after",
        f"{CLEAN}[{{metric: accuracy_change, min: -0.5}}]\n"
        "  - check: saliency\n    method: [gradient_times_input, energy]\n    samples: 8\n    sanity: []\n"
        "    gates: [{metric: faithfulness_over_random, of: gradient_times_input, min: 0.5},"
        " {metric: faithfulness, of: energy, max: 0.5}]\n",
    ),
}


def verdicts(folder: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads((Path(folder) / "audit.json").read_text())["verdicts"]
    return found


@pytest.mark.parametrize("case", CASES)
def test_a_gate_decides_by_itself_what_the_run_decides(
    case: str, write_suite: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    from audit.again import decided_again
    from audit.audit import open_baseline
    from audit.clock import now

    model, checks = CASES[case]
    suite = write_suite(checks)
    suite.write_text(suite.read_text().replace("checks:\n", "groups: {aloud: [calm, angry]}\nchecks:\n", 1))
    Path("models.py").write_text(MODELS)
    for name in ("before", model):
        Path(f"{name}.model.yaml").write_text(
            f"version: 1\nmodel: {name}\nloader: models.py:{name}\nemotions: [calm, angry, sad]\n"
            "input: {sampling_rate: 8000, seconds: 0.25, representation: waveform}\n"
        )
    run = ["run", "tones.audit.yaml", "--no-media", "--model", f"{model}.model.yaml", "--out"]
    main([*run[:-2], "before.model.yaml", "--out", "before"])
    ended = main([*run, "compared", "--baseline", "before"])
    main([*run, "alone"])
    assert verdicts("alone") != verdicts("compared") or case in ("an unstable model", "a screen that was not applied")
    told = capsys.readouterr()
    assert "defect" not in told.err
    for folder in ("alone", "compared"):
        again = decided_again(Path(folder), open_baseline(Path("before")), now().date())
        assert again["verdicts"] == verdicts("compared")
        assert again["exit_code"] == ended
        assert main(["gate", folder, "--baseline", "before"]) == ended


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


@pytest.mark.parametrize(("time", "ended"), [("2027-01-31T23:30", 0), ("2027-02-01T00:30", 1)])
def test_a_waiver_ends_with_the_same_day_wherever_it_is_decided(
    time: str, ended: int, write_suite: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock:
        @staticmethod
        def now(zone: tzinfo) -> datetime:
            return datetime.fromisoformat(f"{time}+00:00").astimezone(zone)

    monkeypatch.setattr("audit.clock.datetime", Clock)
    write_suite(f"{CLEAN}[{{metric: accuracy, min: 0.99, waive: {{until: 2027-01-31, reason: so be it}}}}]\n")
    assert main(["run", "tones.audit.yaml", "--no-media", "--out", "first"]) == ended
    assert main(["gate", "first"]) == ended


def test_a_report_whose_verdicts_are_others_by_now_is_told(write_suite: Write) -> None:
    """Drawn again, it would show them still: what is decided again is not saved."""
    from audit.again import decided_again
    from audit.remarks import outdated

    write_suite(f"{CLEAN}[{{metric: accuracy, min: 0.99, waive: {{until: 2999-01-31, reason: so be it}}}}]\n")
    main(["run", "tones.audit.yaml", "--no-media", "--out", "first"])
    document = json.loads((Path("first") / "audit.json").read_text())
    assert decided_again(Path("first"), None, date(2999, 1, 31)) == document
    assert outdated(document) == ""
    started = document["provenance"]["started"][:10]
    later = decided_again(Path("first"), None, date(2999, 2, 1))
    assert outdated(later) == f"shows the verdicts of {started}, not these"


def test_an_audit_that_does_not_say_what_could_not_be_judged_is_not_compared(
    write_suite: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write_suite(CHECKS)
    main(["run", "tones.audit.yaml", "--no-media", "--out", "first"])
    path = Path("first") / "audit.json"
    document = json.loads(path.read_text())
    del document["unjudged"]
    path.write_text(json.dumps(document))
    assert main(["gate", "first"]) == 3
    capsys.readouterr()
    assert main(["gate", "first", "--baseline", "first"]) == 3
    assert "error: first: an earlier version made it, which kept no account of what" in capsys.readouterr().err


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
