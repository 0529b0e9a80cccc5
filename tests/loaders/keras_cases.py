"""A small network of Keras over waveforms, and its manifest."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

with pytest.MonkeyPatch.context() as environment:
    environment.setenv("KERAS_BACKEND", "torch")
    import keras

from keras import layers

from audit.manifest import load_model

LABELS = ("anger", "joy", "neutral")
SAMPLES = 200
MANIFEST = """version: 1
model: own
loader: {loader}
weights: {weights}
input: {{sampling_rate: 1000, seconds: 0.2, representation: waveform, order: {order}}}
emotions: [{labels}]
"""
FROM_JSON = "{keras: {architecture: m.json}}"


def manifest(
    folder: Path, weights: str, *, loader: str = "keras", labels: Any = LABELS, order: str = "ns", extra: str = ""
) -> Path:
    path = folder / "m.model.yaml"
    text = MANIFEST.format(weights=weights, loader=loader, labels=", ".join(labels), order=order)
    path.write_text(text + extra)
    return path


def clips(count: int = 5) -> torch.Tensor:
    return torch.rand(count, SAMPLES, generator=torch.Generator().manual_seed(1)) - 0.5


def network(*inside: Any, labels: int = 3) -> Any:
    return keras.Sequential(
        [layers.Input((SAMPLES,)), layers.Dense(4), *inside, layers.Dense(labels, activation="softmax")]
    )


def agree(path: Path, own: Any) -> None:
    with torch.no_grad():
        expected = own(clips(), training=False).numpy()
    np.testing.assert_allclose(load_model(path).logits(clips()).softmax(1), expected, atol=1e-6)
