"""A suite written out reads back as the same suite."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from audit.suite import Suite, read_suite

OWN = """
from audit.kinds import saliency

@saliency(gradients=False)
def dice(model, inputs, targets, rng, *, sides: int = 6, loaded: float | None = None):
    return inputs
"""
SUITES = {
    "nothing but a check": "checks: [{check: clean}]\n",
    "a preset": "extends: preset:speech-baseline\n",
    "generated clips": "data: {layout: synthetic, clips: 2, seed: 5}\nchecks: [{check: clean}]\n",
    "generated clips by default": "data: {layout: synthetic}\ndecide: {seed: 9}\nchecks: [{check: clean}]\n",
    "everything": """extends: [preset:speech-baseline, lib/base.yaml]
model: lib/m.model.yaml
data: {layout: table, root: "/clips/t.csv", split: {column: fold, values: [test, 3]}, rename: {hap: happiness}}
decide: {cluster: speaker, when_unsure: pass, seed: 7}
groups: {simple: [happiness]}
checks:
  - {check: clean, id: by-group, samples: 9, gates: [{metric: accuracy, per: group, min: 0.5, max: 1}]}
  - {check: attack, id: heard, method: fgsm, space: waveform, sweep: {epsilon: [1e-4]}, without_gradients: leave_out}
  - check: saliency
    id: own
    method: ["mine.py:dice", {"mine.py:dice": {loaded: 0.5}}]
""",
}


def without_places(suite: Suite) -> Suite:
    checks = [
        replace(check, place=None, gates=tuple(replace(gate, place=None) for gate in check.gates))
        for check in suite.checks
    ]
    return replace(suite, checks=tuple(checks), path=Path())


@pytest.mark.parametrize("body", SUITES.values(), ids=SUITES.keys())
def test_a_resolved_suite_reads_back_as_an_equal_suite(tmp_path: Path, body: str) -> None:
    (tmp_path / "lib").mkdir()
    for folder in (tmp_path, tmp_path / "lib"):
        (folder / "mine.py").write_text(OWN)
    (tmp_path / "lib" / "m.model.yaml").touch()
    base = "version: 1\nsuite: base\nchecks: [{check: saliency, id: theirs, method: 'mine.py:dice'}]\n"
    (tmp_path / "lib" / "base.yaml").write_text(base)
    file = tmp_path / "x.audit.yaml"
    file.write_text("version: 1\nsuite: s\n" + body.replace('"mine.py:dice", ', ""))
    first = read_suite(file)
    text = io.StringIO()
    YAML(typ="safe", pure=True).dump(first.resolved, text)
    again = tmp_path / "again.audit.yaml"
    again.write_text(text.getvalue())
    second = read_suite(again)
    assert second.resolved == first.resolved
    assert without_places(second) == without_places(first)
    assert json.loads(json.dumps(first.resolved)) == first.resolved


def test_every_default_is_written_out(tmp_path: Path) -> None:
    file = tmp_path / "x.audit.yaml"
    file.write_text("version: 1\nsuite: s\nchecks: [{check: saliency, method: lime}]\n")
    resolved = read_suite(file).resolved
    assert resolved["decide"] == {
        "confidence": 0.95,
        "cluster": None,
        "when_unsure": "fail",
        "seed": 0,
        "bootstrap": 2000,
    }
    (check,) = resolved["checks"]
    assert check["method"][0]["lime"]["samples"] > 1
    assert check["faithfulness"] == [{"probability_drop": {"masked": 0.2, "fill": "mean"}}]
    assert check["random_masks"] == 10
    assert [list(test) for test in check["sanity"]] == [
        ["parameter_randomisation"],
        ["seed_stability"],
        ["input_shift"],
    ]
    assert check["sanity_samples"] == 24
    assert check["without_gradients"] == "error"


def test_a_path_given_on_the_command_stands_relative_to_the_suite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "x.yaml").write_text("version: 1\nsuite: s\nchecks: [{check: clean}]\n")
    monkeypatch.chdir(tmp_path)
    resolved = read_suite(Path("suites/x.yaml"), model=Path("models/m.yaml"), data=Path("/clips")).resolved
    assert (resolved["model"], resolved["data"]["root"]) == ("../models/m.yaml", "/clips")
