"""The network as a graph of ATen operations on one input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.fx import Node
from torch.fx.node import map_arg

Values = dict[Node, Any]


@dataclass(frozen=True)
class Graph:
    """A network for one input, (1, ...), as operations in order of execution.

    `varying` depend on the input, `fixed` on parameters and constants alone. `output` is what the network returns,
    `sink` the logits: a softmax at the network's end is stepped over, so that relevance begins at a logit.
    """

    source: Node
    fixed: tuple[Node, ...]
    varying: tuple[Node, ...]
    sink: Node
    output: Node
    names: Mapping[Node, str]
    constants: Mapping[Node, Any]

    def fixed_values(self, module: nn.Module) -> Values:
        """Return parameters and buffers as they are in `module` now, and all that is computed from them alone."""
        values: Values = dict(self.constants)
        tensors = dict(module.named_parameters(remove_duplicate=False)) | dict(
            module.named_buffers(remove_duplicate=False)
        )
        values |= {node: tensors[name].detach() for node, name in self.names.items()}
        for node in self.fixed:
            values[node] = evaluate(node, values)
        return values


def evaluate(node: Node, values: Mapping[Node, Any]) -> Any:
    """Return what a node computes from the `values` of its operands."""
    args = map_arg(node.args, values.__getitem__)
    kwargs = map_arg(node.kwargs, values.__getitem__)
    return node.target(*args, **kwargs)  # type: ignore[operator]


def place(node: Node) -> str:
    """Return the module that a node came from, as `'stages.0.relu' (ReLU)`."""
    stack = list(node.meta.get("nn_module_stack", {}).values())
    if not stack:
        return "the model itself"
    path, kind = stack[-1]
    return f"{path or 'the model itself'!r} ({str(getattr(kind, '__name__', kind)).rpartition('.')[2]})"
