"""Relevance from a logit back to the input, an operation at a time."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.fx import Node

from audit.saliency.lrp.graph import Graph, Values, evaluate
from audit.saliency.lrp.plan import Plan


@dataclass(frozen=True)
class Propagation:
    """Relevance of the inputs (n, ...), what parameters and constants absorbed (n,), and the logits (n, emotions)."""

    relevance: Tensor
    absorbed: Tensor
    logits: Tensor


def propagate(graph: Graph, fixed: Values, inputs: Tensor, targets: Tensor, plan: Plan) -> Propagation:
    """Carry the logits of `targets` (n,) back through the graph to `inputs` (n, ...)."""

    def one(sample: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        values: Values = {**fixed, graph.source: sample}
        for node in graph.varying:
            values[node] = evaluate(node, values)
        logits = values[graph.sink]
        chosen = torch.nn.functional.one_hot(target, logits.numel()).view_as(logits).to(logits) * logits
        relevance, absorbed = _backward(graph, values, chosen, plan)
        return relevance, absorbed, logits.flatten()

    # One sample at a time, in a batch: what a bias absorbs is then a sum over a tensor, wherever the network
    # keeps its batch axis, and no sample can reach another.
    with torch.no_grad():
        return Propagation(*torch.vmap(one)(inputs.detach().unsqueeze(1), targets))


def _backward(graph: Graph, values: Values, start: Tensor, plan: Plan) -> tuple[Tensor, Tensor]:
    received: dict[Node, Any] = {graph.sink: start}
    absorbed = torch.zeros((), dtype=torch.float64, device=start.device)
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
            if operand is None or operand not in plan.varying:
                absorbed = absorbed + share.sum(dtype=torch.float64)
            else:
                share = share.sum_to_size(values[operand].shape)
                received[operand] = received[operand] + share if operand in received else share
    return received[graph.source].squeeze(0), absorbed
