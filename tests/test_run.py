"""A whole run: what it decides, that it repeats, and what it says of what it could not judge."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from torch import nn

from audit import Audit, DataError, UsageError, read_suite, run
from audit.manifest import load_model
from audit.report.html import write
from audit.suite import Suite

CHECKS = """
  - check: clean
    gates: [{metric: accuracy, min: 0.5}, {metric: recall, per: emotion, min: 0.1}]
  - check: corruption
    method: gaussian_noise
    sweep: {sigma: [0.02, 0.2]}
    gates: [{metric: accuracy, at: 0.2, min: 0.99}]
  - check: attack
    method: fgsm
    sweep: {epsilon: [0.005, 0.02]}
    gates: [{metric: critical_epsilon, min: 0.02}]
  - check: saliency
    method: [{lime: {samples: 32}}, gradcam, lrp, {smoothgrad: {samples: 2}}]
    samples: 24
    random_masks: 2
    sanity: [seed_stability]
    gates: [{metric: conservation, of: lrp, max: 0.001}]
"""


def suite_in(folder: Path, repository: Path, checks: str = CHECKS, data: str = "", decide: str = "") -> Suite:
    file = folder / "own.audit.yaml"
    file.write_text(
        f"version: 1\nsuite: own\nmodel: {repository / 'models/quickstart.model.yaml'}\n"
        f"data: {data or '{layout: synthetic, speakers: 4, clips: 1, seed: 9}'}\n"
        f"{decide or 'decide: {cluster: speaker, seed: 3}'}\nchecks:{checks}"
    )
    return read_suite(file)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> tuple[Suite, Audit, Path]:
    folder = tmp_path_factory.mktemp("run")
    suite = suite_in(folder, repository)
    audit = run(suite, media=folder / "media")
    audit.save(folder)
    return suite, audit, folder


def outcomes(audit: Audit) -> dict[str, str]:
    return {verdict.id: verdict.outcome for verdict in audit.verdicts}


def test_every_gate_is_decided_from_its_interval(finished: tuple[Suite, Audit, Path]) -> None:
    _, audit, _ = finished
    found = outcomes(audit)
    assert found["clean::accuracy"] == "PASS"
    assert found["gaussian-noise::accuracy-at-0.2"] == "FAIL"
    assert found["fgsm::critical-epsilon"] == "FAIL" or math.isinf(audit.verdicts[-2].interval[1])
    assert found["saliency::conservation-of-lrp"] == "PASS"
    assert len(found) == 10
    assert (audit.exit_code, audit.passed) == (1, False)
    for verdict in audit.verdicts:
        low, high = verdict.interval
        assert low <= verdict.value <= high


def test_two_runs_with_one_seed_give_equal_records_to_the_last_bit(finished: tuple[Suite, Audit, Path]) -> None:
    suite, audit, _ = finished
    pd.testing.assert_frame_equal(run(suite).records, audit.records, check_exact=True)


def test_another_seed_gives_other_noise(finished: tuple[Suite, Audit, Path]) -> None:
    suite, audit, _ = finished
    other = run(replace(suite, decide=replace(suite.decide, seed=4)), only="gaussian_noise").records
    noisy = audit.records[audit.records["check"] == "gaussian_noise"]["probabilities"].tolist()
    assert other[other["check"] == "gaussian_noise"]["probabilities"].tolist() != noisy


def test_batches_of_one_agree_with_batches_of_thirty_two(finished: tuple[Suite, Audit, Path]) -> None:
    suite, audit, _ = finished
    alone = run(suite, batch_size=1).records
    keys = ["check", "method", "measure", "severity", "sample"]
    both = alone.merge(audit.records, on=keys, suffixes=("", "_32"), how="outer")
    assert len(both) == len(alone) == len(audit.records)
    predicted = both[both["measure"] == ""]
    first, second = (np.array(predicted[f"probabilities{end}"].tolist()) for end in ("", "_32"))
    np.testing.assert_allclose(first, second, atol=1e-5)
    ordered = np.sort(first, axis=1)
    clear = ordered[:, -1] - ordered[:, -2] > 1e-4
    assert (first.argmax(1) == second.argmax(1))[clear].all()


def test_an_audit_read_back_says_the_same(finished: tuple[Suite, Audit, Path]) -> None:
    _, audit, folder = finished
    again = Audit.load(folder)
    assert again.document() == audit.document()
    assert again.records.drop(columns="probabilities").equals(audit.records.drop(columns="probabilities"))
    assert again.answers.value("recall", emotion="anger") == audit.answers.value("recall", emotion="anger")


def test_the_ledger_counts_every_pass(finished: tuple[Suite, Audit, Path]) -> None:
    _, audit, _ = finished
    by_check = audit.cost["by_check"]
    assert by_check["clean"]["forward_samples"] == 24
    assert by_check["gaussian_noise"]["forward_samples"] == 48
    assert (by_check["fgsm"]["forward_samples"], by_check["fgsm"]["backward_samples"]) == (72, 24)
    assert audit.cost["forward_samples"] == sum(cost["forward_samples"] for cost in by_check.values())


def test_only_one_check_and_emotion_gives_the_same_answer(finished: tuple[Suite, Audit, Path]) -> None:
    suite, audit, _ = finished
    part = run(suite, only="clean/anger")
    assert list(outcomes(part)) == ["clean::recall::anger"]
    (whole,) = [verdict for verdict in audit.verdicts if verdict.id == "clean::recall::anger"]
    assert part.verdicts[0] == whole


def test_a_check_that_is_not_there_names_the_nearest(finished: tuple[Suite, Audit, Path]) -> None:
    with pytest.raises(UsageError, match="did you mean 'fgsm'"):
        run(finished[0], only="fgms")


def test_a_method_that_cannot_be_applied_is_an_error_and_the_rest_is_judged(repository: Path, tmp_path: Path) -> None:
    checks = """
  - check: clean
    gates: [{metric: accuracy, min: 0.5}]
  - check: saliency
    method: [{gradcam: {layer: nowhere}}, lrp]
    samples: 24
    random_masks: 2
    sanity: []
    gates:
      - {metric: faithfulness, of: gradcam, min: -1}
      - {metric: faithfulness, of: lrp, min: -1}
"""
    audit = run(suite_in(tmp_path, repository, checks))
    assert list(outcomes(audit).values()) == ["PASS", "ERROR", "PASS"]
    assert "no layer 'nowhere'" in audit.verdicts[1].reason
    assert audit.exit_code == 3


NOISE = '''
from audit.attribution import Attribution
from audit.kinds import saliency


@saliency(gradients=False)
def noise(model, inputs, targets, rng):
    """Draws a map."""
    return Attribution(rng.normal(inputs))
'''


def test_a_gate_on_maps_that_have_not_earned_their_place_fails_whatever_its_limit(
    repository: Path, tmp_path: Path
) -> None:
    (tmp_path / "own.py").write_text(NOISE)
    checks = """
  - check: saliency
    method: [own.py:noise, energy, gradcam]
    samples: 18
    random_masks: 2
    sanity: [parameter_randomisation, seed_stability]
    gates:
      - {metric: faithfulness, of: noise, min: -1}
      - {metric: faithfulness, of: energy, min: -1}
      - {metric: faithfulness, of: gradcam, min: -1}
"""
    audit = run(suite_in(tmp_path, repository, checks, decide="decide: {seed: 3}"))
    assert list(outcomes(audit).values()) == ["FAIL", "FAIL", "PASS"]
    noise, energy, gradcam = audit.verdicts
    assert "fails seed stability: its maps come out otherwise" in noise.reason
    assert "fails parameter randomisation: its maps hardly change (rank correlation 1.000" in energy.reason
    assert (gradcam.reason, audit.best_saliency["method"]) == ("the whole interval is inside the limit", "gradcam")
    stood = {row["method"]: (row["outcome"], row["reason"]) for row in audit.standings}
    assert stood["gradcam"] == ("PASS", "")
    assert [stood[method][0] for method in ("noise", "energy")] == ["FAIL", "FAIL"]
    assert audit.exit_code == 1


def test_a_suite_without_gates_decides_nothing(repository: Path, tmp_path: Path) -> None:
    audit = run(suite_in(tmp_path, repository, "\n  - check: clean\n"))
    assert (audit.verdicts, audit.exit_code) == ((), 3)


def recordings(root: Path) -> Path:
    """Two good clips of anger and of fear, one with an odd name, and four that cannot be used."""
    rng = np.random.default_rng(0)
    for emotion in ("anger", "fear"):
        (root / emotion).mkdir(parents=True)
        for turn in range(2):
            soundfile.write(root / emotion / f"good{turn}.wav", 0.1 * rng.normal(size=32000), 16000)
    soundfile.write(root / "anger" / "silent.wav", np.zeros(32000), 16000)
    soundfile.write(root / "anger" / "short.wav", 0.1 * np.ones(100), 16000)
    (root / "fear" / "broken.wav").write_bytes(b"RIFF")
    (root / "fear" / "good1.wav").rename(root / "fear" / os.fsdecode(b"good\xff.wav"))
    (root / "boredom").mkdir()
    soundfile.write(root / "boredom" / "other.wav", 0.1 * rng.normal(size=32000), 16000)
    return root


def test_clips_that_cannot_be_used_are_named_and_counted(repository: Path, tmp_path: Path) -> None:
    root = recordings(tmp_path / "clips")
    checks = "\n  - check: clean\n    gates: [{metric: accuracy, min: 0.0}, {metric: recall, per: emotion, min: 0.0}]\n"
    audit = run(suite_in(tmp_path, repository, checks, f"{{layout: folder, root: {root}}}", "decide: {seed: 1}"))
    assert audit.data["n"] == 4
    told = {Path(problem["path"]).name: problem["reason"] for problem in audit.data["problems"]}
    assert "silent" in told["silent.wav"]
    assert "at least 0.1 s" in told["short.wav"]
    assert "cannot be read as audio" in told["broken.wav"]
    assert "boredom" in told["other.wav"]
    absent = [verdict for verdict in audit.verdicts if verdict.emotion == "sadness"]
    assert [verdict.outcome for verdict in absent] == ["ERROR"]
    assert absent[0].reason == "no clips"
    audit.save(tmp_path)
    assert write(tmp_path).is_file()
    again = Audit.load(tmp_path)
    assert any(name.endswith(r"good\udcff") for name in again.records["sample"])


def test_a_cluster_column_that_is_not_there_is_an_error(repository: Path, tmp_path: Path) -> None:
    root = recordings(tmp_path / "clips")
    suite = suite_in(tmp_path, repository, "\n  - check: clean\n", f"{{layout: folder, root: {root}}}")
    with pytest.raises(DataError, match=r"decide\.cluster is 'speaker'"):
        run(suite)


def test_a_model_in_memory_takes_the_place_of_the_suites_and_is_left_as_it_came(
    repository: Path, tmp_path: Path
) -> None:
    model = load_model(repository / "models/quickstart.model.yaml")
    assert isinstance(model.module, nn.Module)
    model.module.train()
    suite = suite_in(tmp_path, repository, "\n  - check: clean\n    gates: [{metric: accuracy, min: 0.5}]\n")
    audit = run(replace(suite, model=None), model=model)
    assert audit.passed
    assert all(part.training for part in model.module.modules())
    assert all(p.requires_grad for p in model.module.parameters())
