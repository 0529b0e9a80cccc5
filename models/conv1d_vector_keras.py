"""The network of `conv1d_vector.py` in Keras, its weights taken over from a trained one in PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from conv1d_vector import BLOCKS, SIZE
from corpus import Corpus
from torch import Tensor, nn

from audit.loaders.keras_model.backend import keras_of_torch
from audit.manifest import Manifest, load_model
from audit.suite import DataSource


@dataclass(frozen=True)
class KerasRecipe:
    """A Keras file that is written from the trained PyTorch model `of`, and fits nothing itself."""

    source: DataSource
    of: str
    ending: ClassVar[str] = ".keras"

    def write(self, corpus: Corpus, rows: Tensor, manifest: Manifest, seed: int, path: Path) -> None:
        """Write the network to `path`; data and seed were the trained model's."""
        del corpus, rows, seed
        trained = load_model(manifest.path.with_name(f"{self.of}.model.yaml")).module
        assert trained is not None
        converted(trained).save(path)


def build(*, emotions: int, features: int, dropout: float = 0.25) -> Any:
    """Return an untrained `keras.Model` from vectors (n, features, 1) to probabilities (n, emotions)."""
    layers = keras_of_torch().layers
    parts = [layers.Input((features, 1))]
    for index, block in enumerate(BLOCKS):
        parts += [layers.Conv1D(out, SIZE, padding="same", activation="relu") for out in block]
        if index < len(BLOCKS) - 1:
            parts += [layers.Dropout(dropout), layers.MaxPooling1D(2)]
    return keras_of_torch().Sequential([*parts, layers.Flatten(), layers.Dense(emotions, activation="softmax")])


def converted(network: Any) -> Any:
    """Return the `keras.Model` with the weights of a `Conv1dVector`.

    Keras writes kernels (size, in, out), and flattens channels last.
    """
    *convolutions, head = [layer for layer in network.modules() if isinstance(layer, nn.Conv1d | nn.Linear)]
    twin = build(emotions=head.out_features, features=network.features)
    *kernels, dense = [layer for layer in twin.layers if layer.weights]
    for layer, own in zip(kernels, convolutions, strict=True):
        layer.set_weights([_numbers(own.weight.permute(2, 1, 0)), _numbers(own.bias)])
    weight = head.weight.unflatten(1, (convolutions[-1].out_channels, -1)).permute(2, 1, 0).flatten(0, 1)
    dense.set_weights([_numbers(weight), _numbers(head.bias)])
    return twin


def _numbers(values: Tensor) -> Any:
    return values.detach().numpy()
