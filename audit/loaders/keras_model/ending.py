"""What a Keras model applies to its outputs in the end, and the same model without its last softmax."""

from __future__ import annotations

from itertools import chain
from typing import Any

import keras

from audit.model import Activation

_FUNCTIONS: dict[Any, Activation] = {
    keras.activations.linear: "none",
    keras.activations.softmax: "softmax",
    keras.activations.log_softmax: "log_softmax",
    keras.activations.sigmoid: "sigmoid",
}
_OPERATIONS: dict[str, Activation] = {"Softmax": "softmax", "LogSoftmax": "log_softmax", "Sigmoid": "sigmoid"}
_APPLYING = (
    keras.layers.Activation,
    keras.layers.Dense,
    keras.layers.EinsumDense,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
)
# What moves values, or changes them in training alone.
_IDLE = (
    keras.layers.ActivityRegularization,
    keras.layers.AlphaDropout,
    keras.layers.Dropout,
    keras.layers.Flatten,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
    keras.layers.Identity,
    keras.layers.Reshape,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
)


def without_softmax(model: keras.Model) -> tuple[Activation | None, bool]:
    """Take a softmax from the end of a model; return what its outputs now went through, and whether one was taken.

    None where that is not known: a model that is not a graph of layers, or an ending of another kind. A softmax stays
    where the same layer works elsewhere in the model too, or is not over the labels alone.
    """
    last = _last(model)
    if last is None:
        return None, False
    operation, shape = last
    activation = _activation(operation, len(shape))
    over_labels = len(shape) >= 2 and all(size == 1 for size in shape[1:-1])
    if activation != "softmax":
        return (activation if over_labels else None), False
    if not over_labels or _uses(model, operation) != 1:
        return None, False
    if isinstance(operation, _APPLYING):
        operation.activation = keras.activations.linear
    else:
        operation.call = _unchanged
    return "none", True


def _last(model: Any) -> tuple[Any, tuple[int | None, ...]] | None:
    """Return the last operation of a model that changes values, with its output's shape."""
    graph = _graph(model)
    if graph is None or len(graph.outputs) != 1:
        return None
    tensor = graph.outputs[0]
    while True:
        operation, index, _ = tensor._keras_history
        if isinstance(operation, keras.Model):
            return _last(operation)
        idle = isinstance(operation, _IDLE) or (
            isinstance(operation, keras.layers.Activation) and operation.activation is keras.activations.linear
        )
        if not idle:
            return operation, tuple(tensor.shape)
        tensor = operation._inbound_nodes[index].input_tensors[0]


def _graph(model: Any) -> Any:
    graph = model._functional if isinstance(model, keras.Sequential) else model
    return graph if hasattr(graph, "_nodes_by_depth") else None


def _activation(operation: Any, rank: int) -> Activation | None:
    if isinstance(operation, _APPLYING):
        return _FUNCTIONS.get(operation.activation)
    own = isinstance(operation, keras.layers.Softmax) or type(operation).__module__ == "keras.src.ops.nn"
    if not own or getattr(operation, "axis", -1) not in (-1, rank - 1):
        return None
    return _OPERATIONS.get(type(operation).__name__)


def _uses(model: Any, operation: Any) -> int:
    graph = _graph(model)
    count = 0
    for node in chain.from_iterable(graph._nodes_by_depth.values()) if graph is not None else ():
        if node.operation is operation:
            count += 1
        elif isinstance(node.operation, keras.Model):
            count += _uses(node.operation, operation)
    return count


def _unchanged(inputs: Any, *_: Any, **__: Any) -> Any:
    return inputs
