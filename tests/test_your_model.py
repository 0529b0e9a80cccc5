"""Every recipe of docs/your-model.md, carried out: the model saved as printed, its manifest read, the model audited."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ruamel.yaml import YAML

from audit import Audit, read_suite, run
from audit.report.html import write

EMOTIONS = ["anger", "happiness", "neutral", "sadness"]
BUILD = """
from torch import nn


def build():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=4), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(64, 4)
    )
"""
SUITE = """version: 1
suite: recipes
data:
  layout: synthetic
  clips: 1
  emotions: [anger, happiness, neutral, sadness]
decide: {seed: 3, bootstrap: 100}
checks:
  - check: clean
    gates: [{metric: accuracy, min: 0.0}]
  - check: corruption
    method: gaussian_noise
    sweep: {sigma: [0.1]}
  - check: attack
    method: fgsm
    sweep: {epsilon: [0.01]}
    without_gradients: leave_out
    gates: [{metric: accuracy, at: 0.01, min: 0.0}]
  - check: attack
    method: square
    queries: 5
    sweep: {epsilon: [0.01]}
    gates: [{metric: accuracy, at: 0.01, min: 0.0}]
  - check: saliency
    method: [{lime: {samples: 16}}]
    samples: 4
    random_masks: 1
    sanity: []
"""


def recipes(repository: Path) -> dict[str, tuple[str, str]]:
    """Return the Python and the YAML of each recipe, by its bold name."""
    text = (repository / "docs" / "your-model.md").read_text().partition("## Recipes")[2].partition("\n## ")[0]
    parts = re.split(r"^\*\*(.+?)\*\*", text, flags=re.M)[1:]
    found = {}
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        code, lines = (re.findall(rf"```{language}\n(.*?)```", body, flags=re.S) for language in ("python", "yaml"))
        found[name] = ("".join(code), "".join(lines))
    return found


GENERATED = """data:
  layout: synthetic
  clips: 1
  emotions: [anger, happiness, neutral, sadness]
"""
REAL = """data:
  layout: nemo
  root: ROOT
  split: {random: 0.01}
  emotions: [anger, happiness, neutral, sadness]
"""
RECORDINGS = pytest.mark.parametrize("recordings", ["generated", pytest.param("real", marks=pytest.mark.data)])


@pytest.fixture
def here(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "network.py").write_text(BUILD)
    (tmp_path / "my.audit.yaml").write_text(SUITE)
    text = (repository / "docs" / "your-model.md").read_text()
    (manifest,) = re.findall(r"```yaml\n# my\.model\.yaml\n(.*?)```", text, flags=re.S)
    (tmp_path / "my.model.yaml").write_text(manifest)
    return tmp_path


@pytest.fixture
def clips(here: Path, recordings: str, request: pytest.FixtureRequest) -> str:
    """Let the suite judge generated clips, or real ones; return the layout of them."""
    if recordings == "real":
        real = REAL.replace("ROOT", str(request.getfixturevalue("audit_data") / "nemo"))
        (here / "my.audit.yaml").write_text(SUITE.replace(GENERATED, real))
    return "nemo" if recordings == "real" else "synthetic"


def given(namespace: dict[str, Any]) -> dict[str, Any]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        exec(BUILD, namespace)
        namespace["network"] = namespace["build"]().eval()
    return namespace


def audited(folder: Path, lines: str) -> Audit:
    yaml = YAML(typ="safe")
    manifest = yaml.load((folder / "my.model.yaml").read_text())
    manifest.update(yaml.load(lines) or {})
    if manifest["loader"] not in ("torch", "python"):
        manifest.pop("source", None)
    if "python" in manifest["loader"] or isinstance(manifest["loader"], dict):
        manifest.pop("weights", None)
    with (folder / "theirs.model.yaml").open("w") as file:
        yaml.dump(manifest, file)
    suite = read_suite(folder / "my.audit.yaml", model=folder / "theirs.model.yaml")
    audit = run(suite, media=folder / "report" / "media")
    audit.save(folder / "report")
    assert "my-model" in write(folder / "report").read_text()
    assert list(audit.records["emotion"].unique()) != []
    assert not [verdict.reason for verdict in audit.verdicts if verdict.outcome == "ERROR"]
    # Where a model has gradients, one step finds more than a short search.
    blocking = [verdict for verdict in audit.verdicts if verdict.blocks]
    assert all(verdict.reason.startswith("robustness is not shown: ") for verdict in blocking)
    return audit


# torch's own exporters and tracer warn of each other.
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
@pytest.mark.parametrize("name", ["PyTorch", "TorchScript", "torch.export", "ONNX"])
def test_a_torch_network_arrives_in_any_form(here: Path, repository: Path, name: str) -> None:
    code, lines = recipes(repository)[name]
    exec(code, given({}))
    audit = audited(here, lines)
    assert audit.model["differentiable"]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_keras_model_arrives(here: Path, repository: Path) -> None:
    code, lines = recipes(repository)["Keras"]
    from audit.loaders.keras_model.backend import keras_of_torch

    keras = keras_of_torch()
    layers = keras.layers
    keras_model = keras.Sequential(
        [
            layers.Input((64, 63, 1)),
            layers.Conv2D(4, 3, strides=4, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(4, activation="softmax"),
        ]
    )
    exec(code, {"keras_model": keras_model})
    assert audited(here, lines).model["differentiable"]


@RECORDINGS
def test_a_transformer_arrives(here: Path, repository: Path, clips: str) -> None:
    transformers = pytest.importorskip("transformers")
    code, lines = recipes(repository)["Transformers"]
    config = transformers.Wav2Vec2Config(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        conv_dim=(8, 8),
        conv_kernel=(10, 8),
        conv_stride=(20, 16),
        num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2,
        classifier_proj_size=8,
        id2label=dict(enumerate(EMOTIONS)),
        label2id={name: i for i, name in enumerate(EMOTIONS)},
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        wav2vec2 = transformers.Wav2Vec2ForSequenceClassification(config).eval()
    extractor = transformers.Wav2Vec2FeatureExtractor(sampling_rate=16000, do_normalize=True)
    exec(code, {"wav2vec2": wav2vec2, "feature_extractor": extractor})
    audit = audited(here, lines)
    assert audit.model["differentiable"]
    assert audit.data["layout"] == clips


def test_a_classifier_of_scikit_learn_arrives(here: Path, repository: Path) -> None:
    from sklearn.neighbors import KNeighborsClassifier

    code, lines = recipes(repository)["scikit-learn"]
    rng = np.random.default_rng(0)
    emotions = np.array(EMOTIONS * 5)
    exec(code, {"classifier": KNeighborsClassifier(3), "features": rng.normal(size=(20, 20)), "emotions": emotions})
    assert not audited(here, lines).model["differentiable"]


def test_a_function_arrives(here: Path, repository: Path) -> None:
    code, lines = recipes(repository)["Anything in Python"]
    (here / "mine.py").write_text(code)
    assert audited(here, lines).model["loader"] == "python"


def test_several_arrive_as_one(here: Path, repository: Path) -> None:
    exec(recipes(repository)["PyTorch"][0], given({}))
    assert audited(here, recipes(repository)["Several as one"][1]).model["differentiable"]


class Server(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        loudness = float(np.abs(np.frombuffer(body[44:].ljust(4 * (len(body) // 4))[:64000], np.uint8)).mean() % 7)
        scores = np.exp([loudness, 2.0, 1.0, 0.0]) / np.exp([loudness, 2.0, 1.0, 0.0]).sum()
        answer = json.dumps({"result": {"scores": scores.tolist()}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Server) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@RECORDINGS
def test_a_server_answers(here: Path, repository: Path, port: int, clips: str) -> None:
    lines = recipes(repository)["A server"][1].replace(":8080", f":{port}")
    audit = audited(here, lines)
    assert "over HTTP" in audit.model["note"]
    assert audit.data["layout"] == clips


def test_no_recipe_is_left_untried(repository: Path) -> None:
    tried = {"PyTorch", "TorchScript", "torch.export", "ONNX", "Keras", "Transformers", "scikit-learn"}
    assert set(recipes(repository)) == tried | {"Anything in Python", "Several as one", "A server"}
