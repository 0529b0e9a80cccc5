"""A graph of a few operations in ONNX's own notation, and whether its conversion does what onnxruntime does."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper, parser
from torch import Tensor

from audit.loaders.onnx import _gradient_error
from audit.loaders.onnx_graph.convert import converted
from audit.loaders.onnx_graph.network import Network
from audit.loaders.onnx_graph.table import NotConvertedError

CLOSE = 1e-5
STEEP = 1e-4


@dataclass(frozen=True)
class Case:
    """`text` is "y = Add(x, w); ..." from x to y; a shape stands for numbers drawn at random, a list for integers.

    `refused` is what the refusal says; where the values lie on `jumps`, gradients and differences are no two ways of
    saying the same.
    """

    text: str
    opset: int
    refused: str
    jumps: bool
    values: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.text} [{self.opset}]"

    @property
    def kinds(self) -> set[str]:
        """The operations it is made of."""
        return {node.op_type for node in self.nodes()}

    def nodes(self) -> list[onnx.NodeProto]:
        return [parser.parse_node(line.strip()) for line in self.text.split(";")]

    def array(self, name: str) -> NDArray[Any]:
        value = self.values[name]
        if isinstance(value, tuple):
            return drawn(*value, seed=zlib.crc32(name.encode()))
        kind = np.int64 if isinstance(value, list) else np.float32 if isinstance(value, float) else None
        return np.array(value, dtype=kind)

    def model(self) -> onnx.ModelProto:
        x = self.array("x")
        kind = helper.np_dtype_to_tensor_dtype(x.dtype)
        source = helper.make_tensor_value_info("x", kind, [f"d{axis}" for axis in range(x.ndim)])
        end = helper.make_empty_tensor_value_info("y")
        end.type.tensor_type.elem_type = TensorProto.FLOAT
        weights = [numpy_helper.from_array(self.array(name), name) for name in self.values if name != "x"]
        graph = helper.make_graph(self.nodes(), "net", [source], [end], weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)


def case(text: str, opset: int = 17, *, refused: str = "", jumps: bool = False, **values: Any) -> Case:
    return Case(text, opset, refused, jumps, values)


def drawn(*shape: int, low: float = -2.0, high: float = 2.0, seed: int = 0) -> NDArray[np.float32]:
    """Numbers at random, no two of them alike."""
    chance = np.random.default_rng(seed)
    return chance.uniform(low, high, shape).astype(np.float32)


def due(model: onnx.ModelProto, x: NDArray[Any]) -> NDArray[Any]:
    """What onnxruntime says."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    (answer,) = session.run(["y"], {"x": x})
    return np.asarray(answer)


def conversion(case: Case) -> Network:
    return converted(case.model(), "y").eval()


def check(case: Case) -> None:
    """The conversion is what onnxruntime computes, values and gradients, or is refused by name."""
    x = case.array("x")
    given = torch.from_numpy(x)
    if case.refused:
        with pytest.raises(NotConvertedError, match=re.escape(case.refused)), torch.no_grad():
            conversion(case)(given)
        return
    expected = due(case.model(), x)
    network = conversion(case)
    with torch.no_grad():
        found: Tensor = network(given)
    assert tuple(found.shape) == expected.shape
    assert found.dtype == torch.float32
    scale = max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(found.numpy(), expected, atol=CLOSE * scale, rtol=0)
    leaf = given.clone().requires_grad_(given.is_floating_point())
    if network(leaf).requires_grad and not case.jumps:
        assert _gradient_error(network, given, None) < STEEP
