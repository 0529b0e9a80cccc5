"""One operation of the graph: what it computes, and where it came from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch.fx import Node
from torch.fx.node import map_arg

Values = dict[Node, Any]


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
