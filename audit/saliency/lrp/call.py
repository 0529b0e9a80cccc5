"""One operation of the graph at one input, as a rule sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import torch
from torch import Tensor
from torch.fx import Node

from audit.errors import MethodError
from audit.saliency.lrp.node import place
from audit.saliency.lrp.rules import Layer, Rule, Shares, Weight


class Sink(Enum):
    """What takes relevance and is no node: a number written into the graph, or a term that belongs to a rule alone."""

    NUMBER = "number"
    RULE = "rule"


Share = tuple[Node | Sink, Tensor]
"""An operand and the relevance it receives."""


@dataclass(frozen=True)
class Call:
    """A node, the values of all nodes, which of them depend on the input, and the rules chosen for it.

    `linear` is for layers with weights, `sums` for whatever adds up its operands; `eps` keeps denominators off zero.
    `nonnegative` nodes have no value below zero; `rectified` nodes carry no relevance where their output is below zero.
    `scaling` nodes change the units of the input before any layer sees it; `reference` is what silence is to a first
    layer, None for others.
    """

    node: Node
    values: Mapping[Node, Any]
    varying: frozenset[Node]
    linear: Rule
    sums: Rule
    eps: float
    nonnegative: frozenset[Node]
    rectified: frozenset[Node]
    scaling: frozenset[Node] = frozenset()
    reference: Tensor | None = None

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

    def share(self, layer: Layer, relevance: Tensor, reference: Tensor | None = None) -> Shares:
        """Return a layer's shares among z_ij = (x_i - reference_i) w_ij, from zero where there is no reference.

        What the reference alone would put out joins the bias.
        """
        if reference is None:
            return self.linear(layer, relevance)
        silence = layer.apply(reference, layer.weight)
        bias = silence if layer.bias is None else silence + layer.bias
        moved = replace(layer, inputs=layer.inputs - reference, bias=bias, nonnegative=False)
        return self.linear(moved, relevance)

    def split(self, terms: Sequence[Tensor], relevance: Tensor) -> tuple[Tensor, ...]:
        """Share relevance among the terms of an elementwise sum, each spread to the sum's shape."""
        stacked = torch.stack(torch.broadcast_tensors(*terms))
        layer = Layer(
            inputs=stacked,
            weight=None,
            bias=None,
            outputs=stacked.sum(0),
            apply=lambda x, _: x.sum(0),
            transpose=lambda s, _: s.expand_as(stacked),
            rectified=self.node in self.rectified,
            stacked=True,
        )
        return self.sums(layer, relevance)[0].unbind()

    def mean(self, inputs: Tensor, axes: list[int], relevance: Tensor) -> Tensor:
        """Share the relevance of a mean over axes that are kept."""
        outputs = inputs.mean(axes, keepdim=True)
        parts = outputs.numel() / inputs.numel()
        layer = Layer(
            inputs=inputs,
            weight=None,
            bias=None,
            outputs=outputs,
            apply=lambda x, _: x.mean(axes, keepdim=True),
            transpose=lambda s, _: (s * parts).expand_as(inputs),
        )
        return self.sums(layer, relevance)[0]

    def refusal(self, why: str) -> MethodError:
        """Return the error for a use of an operation that no rule covers."""
        return MethodError(
            f"lrp has no rule for {self.node.target} at node {self.node.name!r} from {place(self.node)} where {why}; "
            "use gradcam, smoothgrad or lime for this model"
        )


Operation = Callable[[Call, Any], Iterable[Share]]
"""Gives each operand its share of the output's relevance; for several outputs a tuple, None where there is none."""
