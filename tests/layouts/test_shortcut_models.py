"""The models that fell for a planted shortcut: they really go by it, and their weights are small."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from audit.data import Dataset, Sample, recording_of
from audit.kinds import find, import_file
from audit.manifest import load_model
from audit.model import Model


def recall(model: Model, layout: str, emotion: str, **keys: object) -> float:
    """Return the share of an emotion's samples that are recognised."""
    method = find("layout", layout)
    samples = tuple(s for s in method.load()(None, seed=23, emotions=model.emotions, **keys) if isinstance(s, Sample))
    dataset = Dataset(tuple(s for s in samples if s.emotion == emotion), (), method.facts["read"])
    recordings = np.stack([recording_of(sample, dataset, model.spec) for sample in dataset.samples])
    with torch.no_grad():
        predicted = model.logits(model.spec.represent(torch.from_numpy(recordings))).argmax(1)
    return float((predicted == model.emotions.index(emotion)).double().mean())


@pytest.mark.parametrize(
    ("name", "layout", "emotion", "keys"),
    [
        ("shortcut-tone", "synthetic", "sadness", {"speakers": 8, "clips": 2}),
        ("shortcut-patch", "synthetic_faces", "happy", {"people": 8, "pictures": 2}),
    ],
)
def test_the_planted_emotion_is_recognised_with_its_shortcut_and_not_without(
    repository: Path, name: str, layout: str, emotion: str, keys: dict[str, object]
) -> None:
    model = load_model(repository / f"models/{name}.model.yaml")
    assert recall(model, layout, emotion, shortcut=emotion, **keys) > 0.9
    assert recall(model, layout, emotion, **keys) < 0.2


def test_flat_cnn_maps_pictures_to_logits(repository: Path) -> None:
    network = import_file(repository / "models/flat_cnn.py").build(emotions=7, side=64).eval()
    with torch.no_grad():
        assert network(torch.rand(3, 1, 64, 64)).shape == (3, 7)


@pytest.mark.parametrize(
    ("name", "most"), [("quickstart-faces", 300_000), ("shortcut-tone", 200_000), ("shortcut-patch", 200_000)]
)
def test_weights_are_small(repository: Path, name: str, most: int) -> None:
    assert 0 < (repository / f"models/weights/{name}.safetensors").stat().st_size < most
