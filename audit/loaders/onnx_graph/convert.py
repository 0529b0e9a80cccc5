"""From an ONNX graph to a network of torch."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import inliner, numpy_helper
from onnx.reference import ReferenceEvaluator
from torch import nn

from audit.loaders.onnx_graph import activations, arithmetic, pooling
from audit.loaders.onnx_graph.layers import convolution
from audit.loaders.onnx_graph.network import Branch, Layer, Network, Step, used_by
from audit.loaders.onnx_graph.operations import OPERATIONS
from audit.loaders.onnx_graph.table import Host, Node, NotConvertedError

ONNX = ("", "ai.onnx")
MAPS = {
    *pooling.operations,
    "Conv",
    "ConvTranspose",
    "BatchNormalization",
    "InstanceNormalization",
    "GroupNormalization",
}
"""What puts out feature maps, and takes nothing else."""
CELL_BY_CELL = {*activations.operations, *arithmetic.operations} - {"Softmax", "LogSoftmax", "Einsum"}
SIZES = ("Shape", "Size")
TAKEN = nn.ModuleDict()
IN_NUMPY = ("Range",)
"""What has a definition in other operations, but makes numbers of sizes alone."""
CHANCE = ("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli")


def converted(proto: Any, output: str) -> Network:
    """Return the part of a model's graph that makes `output` as a network.

    What depends on no input is computed once, what depends on sizes alone is computed in numpy, by ONNX's own reference
    implementation; all else are operations of torch.
    Raises NotConvertedError naming what is not written down in torch.
    """
    proto = _inlined(proto)
    return _Conversion(proto, output).network()


def _inlined(proto: Any) -> Any:
    """Return the model with functions in place of what they are called by, where ONNX or the file defines them."""
    if proto.functions:
        proto = inliner.inline_local_functions(proto)
    unknown = {
        (node.domain, node.op_type)
        for node in proto.graph.node
        if node.domain in ONNX and node.op_type not in (*OPERATIONS, *IN_NUMPY) and _has_body(node, proto)
    }
    if unknown:
        described = onnx.ModelProto()
        described.CopyFrom(proto)
        _describe(described, unknown)
        proto = inliner.inline_selected_functions(described, sorted(unknown), inline_schema_functions=True)
    return proto


def _describe(proto: Any, kinds: Collection[tuple[str, str]]) -> None:
    """Write into a model what its inlining does not look up: defaults of attributes, and types."""
    for node in proto.graph.node:
        if (node.domain, node.op_type) in kinds:
            given = {attribute.name for attribute in node.attribute}
            for name, attribute in _schema(node, proto).attributes.items():
                if name not in given and attribute.default_value.type:
                    node.attribute.append(attribute.default_value)
    known = {each.name for each in (*proto.graph.input, *proto.graph.value_info)}
    for weight in proto.graph.initializer:
        if weight.name not in known:
            proto.graph.value_info.append(
                onnx.helper.make_tensor_value_info(weight.name, weight.data_type, weight.dims)
            )
    proto.CopyFrom(onnx.shape_inference.infer_shapes(proto))


def _has_body(node: Any, proto: Any) -> bool:
    try:
        schema = _schema(node, proto)
    except onnx.defs.SchemaError:
        return False
    return bool(schema.has_function or schema.has_context_dependent_function)


def _schema(node: Any, proto: Any) -> Any:
    return onnx.defs.get_schema(node.op_type, _version(proto, node.domain), node.domain)


def _version(proto: Any, domain: str) -> int:
    return next(
        (entry.version for entry in proto.opset_import if entry.domain == domain or {entry.domain, domain} <= {*ONNX}),
        1,
    )


class _Conversion:
    """One graph on its way; `numbers` are the values that depend on sizes alone, `maps` feature maps."""

    def __init__(self, proto: Any, output: str) -> None:
        self.proto, self.output = proto, output
        self.constants: dict[str, Host] = {each.name: numpy_helper.to_array(each) for each in proto.graph.initializer}
        self.read = {output, *(name for node in proto.graph.node for name in _read(node))} - {""}
        self.numbers: set[str] = set()
        self.maps: set[str] = set()
        self.layers: dict[str, nn.Module] = {}

    def network(self) -> Network:
        graph = self.proto.graph
        if graph.sparse_initializer:
            raise NotConvertedError("sparse weights")
        (source,) = (each.name for each in graph.input if each.name not in self.constants)
        steps = self._steps(_needed(graph, [self.output]))
        used = {name for step in steps for name in used_by(step)}
        known = {name: value for name, value in self.constants.items() if name in used}
        return Network(self.layers, steps, known, ends=(source, self.output))

    def _steps(self, nodes: Sequence[Any]) -> list[Step]:
        return [step for node in nodes for step in self._converted(node)]

    def _converted(self, node: Any) -> list[Step]:
        kind, outputs = node.op_type, tuple(node.output)
        given = [name for name in node.input if name]
        if node.domain not in ONNX:
            raise NotConvertedError(f"{kind} of {node.domain}")
        if kind in CHANCE:
            raise NotConvertedError(f"{kind}, which draws by chance")
        if kind == "If":
            return self._choice(node)
        if all(name in self.constants for name in given):
            values = self._in_numpy(node)([self.constants.get(name) for name in node.input])
            self.constants.update(zip(outputs, values, strict=False))
            return []
        if kind in SIZES or all(name in self.constants or name in self.numbers for name in given):
            self.numbers.update(outputs)
            return [Step(self._in_numpy(node), tuple(node.input), outputs)]
        if kind in OPERATIONS:
            return [self._layer(node)]
        raise NotConvertedError(kind)

    def _in_numpy(self, node: Any) -> Callable[[Sequence[Any]], Sequence[Host]]:
        if node.op_type in SIZES:
            attributes = _attributes(node)
            picked = slice(attributes.get("start"), attributes.get("end"))
            whole = node.op_type == "Size"

            def sizes(values: Sequence[Any]) -> list[Host]:
                shape = np.array(values[0].shape, dtype=np.int64)
                return [shape.prod() if whole else shape[picked]]

            return sizes
        names = tuple(node.input)
        alone = onnx.helper.make_graph(
            [node],
            node.op_type,
            [onnx.helper.make_empty_tensor_value_info(name) for name in dict.fromkeys(names) if name],
            [onnx.helper.make_empty_tensor_value_info(name) for name in node.output if name],
        )
        evaluator = ReferenceEvaluator(onnx.helper.make_model(alone, opset_imports=self.proto.opset_import))

        def compute(values: Sequence[Any]) -> list[Host]:
            found = iter(evaluator.run(None, {name: value for name, value in zip(names, values, strict=True) if name}))
            return [np.asarray(next(found)) if name else np.empty(0) for name in node.output]

        return compute

    def _choice(self, node: Any) -> list[Step]:
        condition = node.input[0]
        attributes = _attributes(node)
        graphs: tuple[Any, ...] = (attributes["then_branch"], attributes["else_branch"])
        if condition in self.constants:
            graphs = (graphs[0 if bool(self.constants[condition].item()) else 1],)
        elif condition not in self.numbers:
            raise NotConvertedError("If, which depends on the input's values")
        branches = [self._branch(graph) for graph in graphs]
        if len(branches) == 1:
            (branch,) = branches
            return [*branch.steps, Step(list, branch.outputs, tuple(node.output))]
        return [Step((branches[0], branches[1]), (condition,), tuple(node.output))]

    def _branch(self, graph: Any) -> Branch:
        self.constants.update({each.name: numpy_helper.to_array(each) for each in graph.initializer})
        outputs = tuple(each.name for each in graph.output)
        return Branch(tuple(self._steps(_needed(graph, outputs))), outputs)

    def _layer(self, node: Any) -> Step:
        operation = OPERATIONS[node.op_type]
        constants = {place: self.constants[name] for place, name in enumerate(node.input) if name in self.constants}
        for place, name in enumerate(node.input):
            if name and place in operation.host and name not in self.constants and name not in self.numbers:
                raise NotConvertedError(f"{node.op_type} by values that depend on the input's")
        version, count = _version(self.proto, node.domain), len(node.output)
        wanted = max((place + 1 for place, name in enumerate(node.output) if name in self.read), default=0)
        described = Node(node.op_type, version, _attributes(node), count, wanted)
        layer = convolution(described, constants) if node.op_type == "Conv" else None
        name = self._name(node)
        self.layers[name] = layer or Layer(described, operation, constants, len(node.input))
        moving = tuple(each for each in node.input if each not in self.constants)
        kept = node.op_type in CELL_BY_CELL or (node.op_type == "Concat" and described.attributes["axis"] == 1)
        is_map = node.op_type in MAPS or (kept and not self.maps.isdisjoint(moving))
        self.maps.update(node.output if is_map else ())
        return Step(name, moving, tuple(node.output), is_map)

    def _name(self, node: Any) -> str:
        name = wanted = re.sub(r"\W+", "_", node.name or node.output[0]).strip("_") or node.op_type
        count = 1
        # torch takes no layer by the name of what its dictionary of layers has itself, as `type` or `training`.
        while name in self.layers or hasattr(TAKEN, name):
            count += 1
            name = f"{wanted}_{count}"
        return name


def _needed(graph: Any, outputs: Sequence[str]) -> list[Any]:
    """Return the nodes that make some outputs, in their order."""
    wanted, found = set(outputs), []
    for node in reversed(graph.node):
        if wanted & set(node.output):
            found.append(node)
            wanted |= set(_read(node))
    return found[::-1]


def _read(node: Any) -> Iterator[str]:
    """Yield the names of all that a node reads, in its branches as well."""
    yield from node.input
    for attribute in node.attribute:
        for inner in attribute.g.node:
            yield from _read(inner)
        yield from (each.name for each in attribute.g.output)


def _attributes(node: Any) -> dict[str, Any]:
    found = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
    return {name: _as_text(value) for name, value in found.items()}


def _as_text(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode()
    return [_as_text(each) for each in value] if isinstance(value, list | tuple) else value
