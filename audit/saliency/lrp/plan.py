"""Which rule each operation of a graph follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from torch import Tensor
from torch.fx import Node

from audit.saliency.lrp.call import Call, Operation
from audit.saliency.lrp.elementwise import keep
from audit.saliency.lrp.facts import UNITS, entry, first_layers, nonnegative, rectified
from audit.saliency.lrp.graph import Graph
from audit.saliency.lrp.linear import convolution
from audit.saliency.lrp.node import Values, evaluate
from audit.saliency.lrp.operations import operation
from audit.saliency.lrp.rules import Rule, epsilon, gamma, signplus


@dataclass(frozen=True)
class Plan:
    """Rules for one graph: by kind of operation; `kept` nodes hand relevance on as it comes.

    `first` layers count contributions from a reference.
    """

    convolutions: Rule
    dense: Rule
    sums: Rule
    eps: float
    varying: frozenset[Node]
    nonnegative: frozenset[Node]
    rectified: frozenset[Node]
    scaling: frozenset[Node]
    first: Mapping[Node, Tensor] = field(default_factory=dict)
    kept: frozenset[Node] = frozenset()

    def operation(self, node: Node) -> Operation:
        """Return what a node does with relevance; raises MethodError where the table has nothing for it."""
        found = operation(node)
        return keep if node in self.kept and found in UNITS else found

    def call(self, node: Node, values: Values) -> Call:
        """Return a node at these values, with its rules."""
        layers = self.convolutions if operation(node) is convolution else self.dense
        return Call(
            node=node,
            values=values,
            varying=self.varying,
            linear=layers,
            sums=self.sums,
            eps=self.eps,
            nonnegative=self.nonnegative,
            rectified=self.rectified,
            scaling=self.scaling,
            reference=self.first.get(node),
        )


def uniform(graph: Graph, rule: Rule, bounds: tuple[float, float], eps: float) -> Plan:
    """Return the plan in which every layer and every sum follows one rule."""
    return Plan(
        convolutions=rule,
        dense=rule,
        sums=rule,
        eps=eps,
        varying=frozenset({graph.source, *graph.varying}),
        nonnegative=nonnegative(graph, bounds[0]),
        rectified=rectified(graph, sums_take_sides=False),
        scaling=entry(graph),
    )


def composite(
    graph: Graph, fixed: Values, silence: Tensor, bounds: tuple[float, float], eps: float, factor: float
) -> Plan:
    """Return the plan for a network of convolutions, residual sums and a dense head.

    Convolutions follow gamma, dense layers epsilon, sums signplus. Residual sums decide how far relevance can grow:
    where two branches nearly cancel, shares in proportion exceed all bounds; by sides they stay within what came.
    The first layers count contributions from `silence` (1, ...) rather than from zero, so that a spectrogram in
    decibels, or one that the network normalises, is explained as one in [0, 1] is.
    """
    before = entry(graph)
    silent: Values = {**fixed, graph.source: silence}
    for node in graph.varying:
        if node in before:
            silent[node] = evaluate(node, silent)
    first = {
        node: silent[operand] for node, operand in first_layers(graph, before).items() if bool(silent[operand].any())
    }
    return Plan(
        convolutions=partial(gamma, eps=eps, factor=factor),
        dense=partial(epsilon, eps=eps),
        sums=partial(signplus, eps=eps),
        eps=eps,
        varying=frozenset({graph.source, *graph.varying}),
        nonnegative=nonnegative(graph, bounds[0]),
        rectified=rectified(graph, sums_take_sides=True),
        scaling=before,
        first=first,
        kept=before,
    )
