"""Relevance from a logit back to the input, an operation at a time."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.fx import Node

from audit.saliency.lrp.call import Sink
from audit.saliency.lrp.graph import Graph
from audit.saliency.lrp.node import Values, evaluate
from audit.saliency.lrp.plan import Plan


@dataclass(frozen=True)
class Propagation:
    """Relevance of the inputs (n, ...), and per input (n,) in float64 what became of the rest.

    `begun` is the relevance at the logits; `whole` its sum without signs, another where several logits make one
    target; `parameters` and `terms` are what the network's parameters and numbers, and what terms of rules, absorbed.
    """

    relevance: Tensor
    begun: Tensor
    whole: Tensor
    parameters: Tensor
    terms: Tensor


def propagate(graph: Graph, fixed: Values, inputs: Tensor, targets: Tensor, plan: Plan) -> Propagation:
    """Carry the logits of `targets` (n,) back through the graph to `inputs` (n, ...)."""

    def one(sample: Tensor, target: Tensor) -> tuple[Tensor, ...]:
        values: Values = {**fixed, graph.source: sample}
        for node in graph.varying:
            values[node] = evaluate(node, values)
        start = graph.head.begin(values, target)
        begun = torch.stack([part.sum(dtype=torch.float64) for part in start.values()]).sum()
        whole = torch.stack([part.abs().sum(dtype=torch.float64) for part in start.values()]).sum()
        return (*_backward(graph, values, start, plan, begun.new_zeros(())), begun, whole)

    # One sample at a time, in a batch: what a bias absorbs is then a sum over a tensor, wherever the network
    # keeps its batch axis, and no sample can reach another.
    with torch.no_grad():
        relevance, parameters, terms, begun, whole = torch.vmap(one)(inputs.detach().unsqueeze(1), targets)
    return Propagation(relevance, begun, whole, parameters, terms)


def _backward(
    graph: Graph, values: Values, start: dict[Node, Tensor], plan: Plan, none: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    received: dict[Node, Any] = dict(start)
    parameters = terms = none
    for node in reversed(graph.varying):
        relevance = received.pop(node, None)
        if relevance is None:
            continue
        if node.target is operator.getitem:
            source, index = node.all_input_nodes[0], node.args[1]
            parts = received.setdefault(source, [None] * len(values[source]))
            parts[index] = relevance if parts[index] is None else parts[index] + relevance
            continue
        if isinstance(relevance, list):
            relevance = tuple(relevance)
        for operand, share in plan.operation(node)(plan.call(node, values), relevance):
            if operand is Sink.RULE:
                terms = terms + share.sum(dtype=torch.float64)
            elif operand is Sink.NUMBER or operand not in plan.varying:
                parameters = parameters + share.sum(dtype=torch.float64)
            else:
                share = share.sum_to_size(values[operand].shape)
                received[operand] = received[operand] + share if operand in received else share
    return received[graph.source].squeeze(0), parameters, terms
