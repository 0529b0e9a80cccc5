"""A Keras model as a torch module: its parameters, its device, and the places where its feature maps pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import keras
from torch import Tensor, nn

from audit.errors import ModelError
from audit.loaders.called import SIZES
from audit.loaders.feature_map import FeatureMap

CONVOLUTIONS = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
)


class KerasNetwork(nn.Module):
    """A Keras model on the torch backend, always called with `training=False`.

    Keras calls its layers past torch's hooks, so every layer from the first convolution on hands its output through a
    `FeatureMap` of its name. Parameters ask for no gradients: nothing here trains.
    """

    def __init__(self, model: keras.Model) -> None:
        super().__init__()
        self.keras = model
        self.maps = nn.ModuleList(_feature_maps(model))
        # Besides, oneDNN corrupts memory in the weights' gradient of a strided 1x1 convolution over channels-last maps.
        self.requires_grad_(False)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the model's outputs for inputs in its own order of axes.

        Raises ModelError for another shape, and where there are several outputs.
        """
        expected = _input_shape(self.keras)
        if expected is not None and not _fits(inputs.shape, expected):
            sizes = ", ".join("any" if size is None else str(size) for size in expected[1:])
            raise ModelError(
                f"Keras model {self.keras.name!r} takes inputs (n, {sizes}), and was given {tuple(inputs.shape)}; "
                f"{SIZES}, usually nhwc, nft1 or ntf"
            )
        # Keras brings tensors to a device of its own choice, unless it is told.
        with keras.device(str(inputs.device)):
            outputs = self.keras(inputs, training=False)
        if not isinstance(outputs, Tensor):
            raise ModelError(f"Keras model {self.keras.name!r} returns a {type(outputs).__name__}; one tensor is due")
        return outputs


def _input_shape(model: keras.Model) -> tuple[int | None, ...] | None:
    """Return the shape the model takes, None where it does not know; raises ModelError for several inputs."""
    inputs = getattr(model, "inputs", None)
    if not inputs:
        return None
    if len(inputs) > 1:
        raise ModelError(f"Keras model {model.name!r} takes {len(inputs)} inputs; a network of one tensor is due")
    return tuple(inputs[0].shape)


def _fits(shape: Sequence[int], expected: Sequence[int | None]) -> bool:
    # Keras adds and takes away a last axis of one by itself.
    if len(shape) == len(expected) + 1 and shape[-1] == 1:
        shape = shape[:-1]
    elif len(shape) == len(expected) - 1 and expected[-1] == 1:
        expected = expected[:-1]
    return len(shape) == len(expected) and all(
        due is None or size == due for size, due in zip(shape[1:], expected[1:], strict=True)
    )


def _feature_maps(model: keras.Model) -> Iterator[FeatureMap]:
    layers = dict(_layers(model))
    convolving = [layer for layer in layers if any(isinstance(part, CONVOLUTIONS) for part in _parts(layer))]
    # Activations and batch norms have no order of their own.
    usual = next((str(layer.data_format) for layer in convolving if hasattr(layer, "data_format")), "channels_last")
    begun = False
    for layer, name in layers.items():
        begun = begun or layer in convolving
        if begun:
            place = FeatureMap(name, channels_last=getattr(layer, "data_format", usual) == "channels_last")
            layer.call = place.after(layer.call)
            yield place


def _layers(model: keras.Model, prefix: str = "") -> Iterator[tuple[Any, str]]:
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _layers(layer, f"{prefix}{layer.name}.")
        elif not isinstance(layer, keras.layers.InputLayer):
            yield layer, prefix + layer.name


def _parts(layer: Any) -> list[Any]:
    return list(layer._flatten_layers())
