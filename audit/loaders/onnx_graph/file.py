"""An ONNX file: what it takes and puts out, read without leaving its folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto

from audit.errors import ModelError, first_line
from audit.model import Activation

LAST: dict[str, Activation] = {
    "Softmax": "softmax",
    "LogSoftmax": "log_softmax",
    "Sigmoid": "sigmoid",
    "Gemm": "none",
    "MatMul": "none",
}
TYPES = {TensorProto.FLOAT: "float32", TensorProto.FLOAT16: "float16", TensorProto.DOUBLE: "float64"}
LARGEST = 2**31 - 2**20
"""Bytes of a model that can be handed on in memory."""
Dimensions = tuple[int | None, ...]


@dataclass(frozen=True)
class Model:
    """A whole model, its weights in memory; `files` are those it was read from, `dtype` is numpy's name."""

    proto: Any
    files: tuple[Path, ...]
    input: str
    dtype: str
    shape: Dimensions

    @property
    def path(self) -> Path:
        """The file itself."""
        return self.files[0]

    @property
    def opset(self) -> int:
        """The version of ONNX's own operations."""
        return max((each.version for each in self.proto.opset_import if each.domain in ("", "ai.onnx")), default=1)


def model_at(path: Path) -> Model:
    """Return the model at `path` with all its weights.

    Raises ModelError for what is no whole ONNX file, lacks weights, keeps them outside its folder, or takes anything
    but one batch of numbers.
    """
    if path.stat().st_size == 0:
        raise ModelError(f"{path}: the file is empty; save or download it again")
    try:
        proto = onnx.load(str(path), load_external_data=False)
    except Exception as error:
        raise ModelError(f"{path}: not a whole ONNX file ({first_line(error)}); save or download it again") from error
    if not proto.graph.node or not proto.opset_import:
        raise ModelError(f"{path}: no ONNX model, which has a graph of operations; save or download it again")
    beside = _external(proto, path)
    try:
        onnx.load_external_data_for_model(proto, str(path.parent))
    except (onnx.checker.ValidationError, OSError, ValueError) as error:
        raise ModelError(f"{path}: its weights beside it cannot be read ({first_line(error)})") from error
    name, dtype, shape = _input(proto, path)
    return Model(proto, (path, *beside), name, dtype, shape)


def _external(proto: Any, path: Path) -> tuple[Path, ...]:
    """Return the files that hold the weights; raises ModelError for one outside the model's folder, or missing."""
    folder = path.parent.resolve()
    found: dict[Path, None] = {}
    for tensor in _tensors(proto.graph):
        if tensor.data_location != TensorProto.EXTERNAL:
            continue
        location = next((entry.value for entry in tensor.external_data if entry.key == "location"), "")
        file = folder / location
        if not location or not file.resolve().is_relative_to(folder):
            raise ModelError(f"{path}: keeps weights in {location!r}, outside its own folder; put them beside it")
        if not file.is_file():
            raise ModelError(f"{path}: its weights {location!r} are not beside it; download all of its files")
        found[path.parent / location] = None
    return tuple(found)


def _tensors(graph: Any) -> Iterator[Any]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for inner in (attribute.g, *attribute.graphs):
                yield from _tensors(inner)


def _input(proto: Any, path: Path) -> tuple[str, str, Dimensions]:
    weights = {each.name for each in proto.graph.initializer}
    inputs = [each for each in proto.graph.input if each.name not in weights]
    if len(inputs) != 1:
        names = ", ".join(each.name for each in inputs) or "none"
        raise ModelError(f"{path}: takes {len(inputs)} inputs ({names}); a model of one is due")
    kind = inputs[0].type.tensor_type
    if kind.elem_type not in TYPES:
        given = TensorProto.DataType.Name(kind.elem_type).lower()
        raise ModelError(f"{path}: takes values of type {given}; {', '.join(TYPES.values())} are due")
    return inputs[0].name, TYPES[kind.elem_type], shape_of(inputs[0])


def shape_of(value: Any) -> Dimensions:
    """Return the sizes of an input or output, None where one is free."""
    sizes = value.type.tensor_type.shape.dim
    return tuple(each.dim_value if each.HasField("dim_value") and each.dim_value > 0 else None for each in sizes)


def output_of(model: Model, labels: int | None) -> Any:
    """Return the output that is the logits or probabilities; raises ModelError where none or several could be."""
    outputs = list(model.proto.graph.output)
    numbers = [each for each in outputs if each.type.tensor_type.elem_type in TYPES]
    if len(numbers) > 1:
        numbers = [each for each in numbers if labels is not None and shape_of(each)[1:] == (labels,)]
    if len(numbers) == 1:
        return numbers[0]
    if any(each.type.HasField("sequence_type") for each in outputs):
        raise ModelError(
            f"{model.path}: answers with a list of mappings; export the classifier again with "
            "options={'zipmap': False}"
        )
    told = ", ".join(f"{each.name} {shape_of(each)}" for each in outputs)
    raise ModelError(f"{model.path}: has the outputs {told}; one of numbers, (n, labels), is due")


def cut(model: Model, output: Any) -> tuple[Activation | None, bool]:
    """Leave out all other outputs, and a softmax at the end of this one; return what it then has gone through.

    The model's own graph is changed. Whether a softmax was left out is returned with it.
    """
    graph = model.proto.graph
    makers = {name: node for node in graph.node for name in node.output}
    name = output.name
    while name in makers and makers[name].op_type == "Identity":
        name = makers[name].input[0]
    last = makers.get(name)
    activation = LAST.get(last.op_type) if last is not None else None
    if last is not None and last.op_type == "Add" and any(_is_product(each, makers) for each in last.input):
        activation = "none"
    left_out = last is not None and activation == "softmax" and _axis(last, model.opset) in (1, -1)
    kept = onnx.ValueInfoProto()
    kept.CopyFrom(output)
    if last is not None and left_out:
        kept.name = last.input[0]
    del graph.output[:]
    graph.output.append(kept)
    return ("none", True) if left_out else (activation, False)


def _is_product(name: str, makers: dict[str, Any]) -> bool:
    return name in makers and makers[name].op_type == "MatMul"


def _axis(node: Any, opset: int) -> int:
    given = [attribute.i for attribute in node.attribute if attribute.name == "axis"]
    return given[0] if given else (-1 if opset >= 13 else 1)


def shown(sizes: Sequence[int | None]) -> str:
    """Return a shape in words, n for a free size."""
    return f"({', '.join('any' if size is None else str(size) for size in sizes)})"
