"""A module exported as a graph, once per input shape."""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from warnings import catch_warnings, simplefilter

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram
from torch.fx import Node

from audit.errors import MethodError
from audit.model import Model
from audit.saliency.lrp.canonise import (
    dissolve_batch_norms,
    recognise_log_softmax,
    rename_convolutions,
    rewrite_updates,
)
from audit.saliency.lrp.graph import Graph
from audit.saliency.lrp.head import head_of
from audit.saliency.lrp.node import Values, evaluate
from audit.saliency.lrp.recurrent import KEPT, rename_recurrent

aten = torch.ops.aten

_graphs: weakref.WeakKeyDictionary[nn.Module, dict[object, Graph]] = weakref.WeakKeyDictionary()


def graph_of(model: Model, inputs: Tensor) -> Graph:
    """Return the graph of the model's module in evaluation mode for inputs (n, ...), n at least 1.

    It is exported for a batch of one, and kept as long as the module lives. Raises MethodError where there is no
    module, where torch.export fails, and where the graph's logits are not the model's.
    """
    module = model.module
    if module is None:
        raise MethodError(f"lrp needs a torch module, and model {model.name!r} has none; use lime")
    known = _graphs.setdefault(module, {})
    key = (inputs.shape[1:], inputs.dtype, inputs.device, len(model.emotions))
    if key not in known:
        example = inputs[:1].detach().clone()
        with evaluating(module):
            graph = _graph(_export(module, example), len(model.emotions))
            _compare(graph, model, example)
        known[key] = graph
    return known[key]


def _compare(graph: Graph, model: Model, example: Tensor) -> None:
    assert model.module is not None
    values: Values = {**graph.fixed_values(model.module), graph.source: example}
    with torch.no_grad():
        expected = model.logits(example).flatten()
        for node in graph.varying:
            values[node] = evaluate(node, values)
    output, logarithm = values[graph.head.output].flatten(), graph.head.logarithm(values).flatten()
    # Where the network ends in a softmax, the model may hand on probabilities, or take their logarithm.
    alike = torch.allclose(expected, output, rtol=1e-3, atol=1e-4) or torch.allclose(
        expected.log_softmax(0), logarithm.log_softmax(0), rtol=1e-3, atol=1e-4
    )
    if not alike:
        raise MethodError(
            f"lrp: the exported graph of model {model.name!r} gives {[round(v, 4) for v in output.tolist()]} where the "
            f"model gives {[round(v, 4) for v in expected.tolist()]}: it depends on more than its input, or changes "
            "its module's output; use gradcam, smoothgrad or lime"
        )


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Put a module into evaluation mode, and every submodule back into its own mode afterwards."""
    modes = {m: m.training for m in module.modules()}
    try:
        module.eval()
        yield
    finally:
        for m, training in modes.items():
            m.training = training


def _export(module: nn.Module, example: Tensor) -> ExportedProgram:
    # The exporter warns of its own deprecations, which no caller can act upon.
    with catch_warnings():
        simplefilter("ignore")
        try:
            return torch.export.export(module, (example,)).run_decompositions(_decompositions())
        except Exception as error:
            reason = str(error).strip().partition("\n")[0]
            raise MethodError(
                f"lrp reads a model as a torch.export graph, and {type(module).__name__} cannot be exported for inputs "
                f"{tuple(example.shape)}: {type(error).__name__}: {reason}; use gradcam, smoothgrad or lime"
            ) from error


_WHOLE = (
    *KEPT,
    aten.logsumexp.default,
    aten.softplus.default,
    aten.mish.default,
    aten.celu.default,
    aten.silu.default,
    aten.hardswish.default,
    aten.hardsigmoid.default,
    aten.hardshrink.default,
    aten.softshrink.default,
    aten.prelu.default,
)


def _decompositions() -> dict[Any, Any]:
    """Return how operations are written out in simpler ones: all but those with a rule of their own."""
    table = torch.export.default_decompositions()
    for operation in _WHOLE:
        table.pop(operation, None)
    return table


def _graph(program: ExportedProgram, emotions: int) -> Graph:
    signature = program.graph_signature
    graph = program.graph_module.graph
    names = dict(signature.inputs_to_parameters) | dict(signature.inputs_to_buffers)
    holders = {node.name: node for node in graph.nodes if node.op == "placeholder"}
    constants: dict[Node, Any] = {
        holders[name]: program.constants[path] for name, path in signature.inputs_to_lifted_tensor_constants.items()
    }
    source = holders[signature.user_inputs[0]]
    index = _logits_index(program, emotions)
    rename_convolutions(graph)
    rename_recurrent(graph)
    recognise_log_softmax(graph)
    rewrite_updates(graph)
    dissolve_batch_norms(graph)
    output = _outputs(program)[index]
    needed = _reaching(output)
    varying = {source}
    fixed, moving = [], []
    for node in graph.nodes:
        if node.op != "call_function" or node not in needed:
            continue
        if any(operand in varying for operand in node.all_input_nodes):
            varying.add(node)
            moving.append(node)
        else:
            fixed.append(node)
    if output not in varying:
        raise MethodError("lrp: the model's logits do not depend on its input")
    return Graph(
        source=source,
        fixed=tuple(fixed),
        varying=tuple(moving),
        head=head_of(output, tuple(moving)),
        names={holders[name]: path for name, path in names.items()},
        constants=constants,
    )


def _outputs(program: ExportedProgram) -> list[Any]:
    (end,) = (node for node in program.graph_module.graph.nodes if node.op == "output")
    return list(end.args[0])


def _logits_index(program: ExportedProgram, emotions: int) -> int:
    names = set(program.graph_signature.user_outputs)
    shapes = {
        index: tuple(node.meta["val"].shape)
        for index, node in enumerate(_outputs(program))
        if isinstance(node, Node) and node.name in names
    }
    found = [index for index, shape in shapes.items() if math.prod(shape) == emotions]
    if len(found) != 1:
        raise MethodError(
            f"lrp needs one output of {emotions} logits per input; for one input the module returns "
            f"{list(shapes.values()) or 'no tensor'}"
        )
    return found[0]


def _reaching(output: Node) -> set[Node]:
    found, waiting = set(), [output]
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting.extend(node.all_input_nodes)
    return found
