"""One operation of the graph at one input, as a rule sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.fx import Node

from audit.errors import MethodError
from audit.saliency.lrp.graph import place
from audit.saliency.lrp.rules import Layer, Rule, Weight

Share = tuple[Node | None, Tensor]
"""An operand and the relevance it receives; None stands for a number written into the graph."""


@dataclass(frozen=True)
class Call:
    """A node, the values of all nodes, which of them depend on the input, and the rules chosen for it.

    `linear` is for layers with weights, `sums` for whatever adds up its operands; `eps` keeps denominators off zero.
    `nonnegative` nodes have no value below zero; `rectified` nodes carry no relevance where their output is below zero.
    """

    node: Node
    values: Mapping[Node, Any]
    varying: frozenset[Node]
    linear: Rule
    sums: Rule
    eps: float
    nonnegative: frozenset[Node]
    rectified: frozenset[Node]

    def operand(self, index: int) -> Any:
        """Return the node, number or list given as positional argument, None where it is left out."""
        return self.node.args[index] if index < len(self.node.args) else None

    def value(self, index: int) -> Any:
        """Return the value of a positional argument, None where it is left out."""
        given = self.operand(index)
        return self.values[given] if isinstance(given, Node) else given

    def option(self, name: str, default: Any) -> Any:
        """Return a keyword argument."""
        return self.node.kwargs.get(name, default)

    def varies(self, index: int) -> bool:
        """Return whether a positional argument depends on the model's input."""
        return self.operand(index) in self.varying

    @property
    def output(self) -> Any:
        """What the operation put out."""
        return self.values[self.node]

    def layer(
        self,
        index: int,
        weight: Weight,
        apply: Callable[[Tensor, Any], Tensor],
        transpose: Callable[[Tensor, Any], Tensor],
        *,
        bias: Tensor | None = None,
    ) -> Layer:
        """Return this operation as a linear layer of argument `index`."""
        return Layer(
            inputs=self.value(index),
            weight=weight,
            bias=bias,
            outputs=self.output,
            apply=apply,
            transpose=transpose,
            nonnegative=self.operand(index) in self.nonnegative,
            rectified=self.node in self.rectified,
        )

    def refusal(self, why: str) -> MethodError:
        """Return the error for a use of an operation that no rule covers."""
        return MethodError(
            f"lrp has no rule for {self.node.target} at node {self.node.name!r} from {place(self.node)} where {why}; "
            "use gradcam, smoothgrad or lime for this model"
        )


Operation = Callable[[Call, Any], Iterable[Share]]
"""Gives each operand its share of the output's relevance; for several outputs a tuple, None where there is none."""
