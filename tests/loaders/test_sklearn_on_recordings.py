"""Classifiers of scikit-learn, fitted on the MFCC means of real recordings and audited to a report."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skops.io
import torch
from sklearn.base import ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from audit import read_suite, run
from audit.data import recording_of
from audit.dataset import open_dataset
from audit.input_spec import SpeechInput
from audit.report.html import write
from audit.suite import DataSource, Use

EMOTIONS = ("anger", "fear", "happiness", "neutral", "sadness", "surprised")
SPEC = SpeechInput(16000, 3.0, "mfcc", {"n_mfcc": 40, "mean": True})
MANIFEST = f"""version: 1
model: classifier
loader: sklearn
trust: true
weights: classifier.skops
input:
  sampling_rate: 16000
  seconds: 3.0
  representation: {{mfcc: {{n_mfcc: 40, mean: true}}}}
  order: nf
emotions: [{", ".join(EMOTIONS)}]
"""
SUITE = """version: 1
suite: classifiers
model: classifier.model.yaml
data: {layout: nemo, root: ROOT, split: {random: 0.04}}
decide: {cluster: speaker, seed: 7, bootstrap: 200}
checks:
  - check: clean
    gates: [{metric: accuracy, min: 0.25}]
  - check: corruption
    method: white_noise
    sweep: {snr_db: [20]}
  - check: attack
    method: square
    queries: 20
    sweep: {epsilon: [2.0]}
    samples: 12
  - check: attack
    method: fgsm
    sweep: {epsilon: [2.0]}
    gates: [{metric: accuracy, at: 2.0, min: 0.0}]
  - check: saliency
    method: [{lime: {samples: 64}}, occlusion, gradcam]
    samples: 6
    random_masks: 2
    gates: [{metric: faithfulness, of: gradcam, min: -1.0}]
"""


@pytest.fixture(scope="module")
def features(audit_data: Path) -> tuple[np.ndarray, list[str]]:
    """MFCC means of a fifth of the clips, without those that the suite judges."""
    root = audit_data / "nemo"
    chosen, judged = (
        open_dataset(DataSource(Use("layout", "nemo"), root, {"random": share}, seed=7), EMOTIONS)
        for share in (0.2, 0.04)
    )
    held_out = {sample.id for sample in judged.samples}
    kept = [sample for sample in chosen.samples if sample.id not in held_out]
    waveforms = torch.from_numpy(np.stack([recording_of(sample, chosen, SPEC) for sample in kept]))
    return SPEC.represent(waveforms).flatten(1).numpy(), [sample.emotion for sample in kept]


@pytest.mark.data
@pytest.mark.parametrize(
    "classifier",
    [KNeighborsClassifier(5), LogisticRegression(max_iter=3000), RandomForestClassifier(50, random_state=0)],
    ids=["k-NN", "linear", "forest"],
)
def test_a_classifier_is_audited_to_a_report(
    classifier: ClassifierMixin, features: tuple[np.ndarray, list[str]], audit_data: Path, tmp_path: Path
) -> None:
    skops.io.dump(make_pipeline(StandardScaler(), classifier).fit(*features), tmp_path / "classifier.skops")
    (tmp_path / "classifier.model.yaml").write_text(MANIFEST)
    (tmp_path / "classifiers.audit.yaml").write_text(SUITE.replace("ROOT", str(audit_data / "nemo")))
    audit = run(read_suite(tmp_path / "classifiers.audit.yaml"), media=tmp_path / "report" / "media")
    audit.save(tmp_path / "report")
    assert "classifier" in write(tmp_path / "report").read_text()
    outcomes = {(v.check, v.gate.of): v for v in audit.verdicts}
    assert outcomes["clean", None].outcome != "ERROR"
    assert outcomes["clean", None].value is not None
    assert outcomes["clean", None].value > 0.25
    # The maps are judged; whether those of a few features earn their place is another matter.
    stood = {row["method"]: row["outcome"] for row in audit.standings}
    assert stood["gradcam"] == "ERROR"
    assert {stood["lime"], stood["occlusion"]} <= {"PASS", "UNSURE", "FAIL"}
    # What needs gradients is an error with its reason, and the deployment is stopped.
    for gate in (("fgsm", None), ("saliency", "gradcam")):
        assert outcomes[gate].outcome == "ERROR"
        assert "gradient" in outcomes[gate].reason or "torch module" in outcomes[gate].reason
    assert audit.exit_code == 3
