"""nemo-resnet18 on real recordings, in every form a network travels in: the same results by every road."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from audit import Audit, read_suite, run
from audit.manifest import load_model

SUITE = """version: 1
suite: forms
data: {layout: nemo, root: ROOT, split: {random: 0.2}}
decide: {cluster: speaker, seed: 7, bootstrap: 200}
checks:
  - check: clean
    gates: [{metric: accuracy, min: 0.7}, {metric: recall, per: emotion, min: 0.5}]
  - check: corruption
    method: gaussian_noise
    sweep: {sigma: [0.03, 0.1]}
    gates: [{metric: accuracy, at: 0.03, min: 0.5}, {metric: drop, at: 0.1, max: 0.3}]
  - check: attack
    method: fgsm
    sweep: {epsilon: [0.0025, 0.01]}
    gates: [{metric: accuracy, at: 0.0025, min: 0.3}, {metric: critical_epsilon, min: 0.001}]
"""
LINES = {
    "torchscript": "loader: torchscript\nweights: net.ts\n",
    "exported": "loader: exported\nweights: net.pt2\n",
    "onnx": "loader: onnx\nweights: net.onnx\n",
    "onnx-black-box": "loader: {onnx: {gradients: none}}\nweights: net.onnx\n",
    "ensemble": "loader: {ensemble: {members: [ORIGINAL]}}\n",
}


def save(module: nn.Module, form: str, folder: Path) -> None:
    example = torch.zeros(2, 1, 128, 94)
    if form == "torchscript":
        torch.jit.trace(module, example).save(str(folder / "net.ts"))
    elif form == "exported":
        dynamic = ({0: torch.export.Dim("batch")},)
        torch.export.save(torch.export.export(module, (example,), dynamic_shapes=dynamic), folder / "net.pt2")
    elif form.startswith("onnx"):
        names = {"input_names": ["input"], "output_names": ["logits"], "dynamic_axes": {"input": {0: "n"}}}
        torch.onnx.export(module, (example,), str(folder / "net.onnx"), dynamo=False, **names)


@pytest.fixture(scope="module")
def suite(audit_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("forms") / "forms.audit.yaml"
    path.write_text(SUITE.replace("ROOT", str(audit_data / "nemo")))
    return path


@pytest.fixture(scope="module")
def original(suite: Path, repository: Path) -> Audit:
    return run(read_suite(suite, model=repository / "models/nemo-resnet18.model.yaml"), limit=48)


def results(audit: Audit, *, black_box: bool) -> tuple[pd.DataFrame, dict[str, str]]:
    kept = audit.records[audit.records["check"] != "fgsm"] if black_box else audit.records
    outcomes = {str(v.id): v.outcome for v in audit.verdicts if not (black_box and v.check == "fgsm")}
    return kept, outcomes


@pytest.mark.data
@pytest.mark.parametrize("form", LINES)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
def test_every_form_gives_the_same_results(
    form: str, original: Audit, suite: Path, repository: Path, tmp_path: Path
) -> None:
    manifest = repository / "models/nemo-resnet18.model.yaml"
    module = load_model(manifest).module
    assert module is not None
    save(module, form, tmp_path)
    kept = [
        line for line in manifest.read_text().splitlines() if line.split(":")[0] in ("version", "model", "emotions")
    ]
    text = manifest.read_text()
    described = text[text.index("\ninput:") : text.index("\nemotions:")].strip() + "\n"
    path = tmp_path / "other.model.yaml"
    path.write_text("\n".join(kept) + "\n" + described + LINES[form].replace("ORIGINAL", str(manifest)))
    audit = run(read_suite(suite, model=path), limit=48)
    black_box = form == "onnx-black-box"
    (theirs, decided), (ours, due) = (results(each, black_box=black_box) for each in (audit, original))
    assert decided == due
    assert list(theirs["predicted"]) == list(ours["predicted"])
    for row, other in zip(ours["probabilities"], theirs["probabilities"], strict=True):
        np.testing.assert_allclose(other, row, atol=1e-4 if form.startswith("onnx") else 1e-5)
    assert audit.model["differentiable"] != black_box
    if black_box:
        refused = [v for v in audit.verdicts if v.check == "fgsm"]
        assert {v.outcome for v in refused} == {"ERROR"}
        assert all("gradient" in v.reason for v in refused)
