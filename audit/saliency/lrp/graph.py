"""The network as a graph of ATen operations on one input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.fx import Node

from audit.saliency.lrp.head import Head
from audit.saliency.lrp.node import Values, evaluate


@dataclass(frozen=True)
class Graph:
    """A network for one input, (1, ...), as operations in order of execution.

    `varying` depend on the input, `fixed` on parameters and constants alone. `head` is where relevance begins.
    """

    source: Node
    fixed: tuple[Node, ...]
    varying: tuple[Node, ...]
    head: Head
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
