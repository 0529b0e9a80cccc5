"""What the graph alone tells of its nodes: which come before the first layer, and where signs are known."""

from __future__ import annotations

import torch
from torch.fx import Node

from audit.saliency.lrp.elementwise import (
    activate,
    add,
    divide,
    keep,
    logarithm,
    multiply,
    power,
    subtract,
    subtract_from,
)
from audit.saliency.lrp.graph import Graph
from audit.saliency.lrp.linear import addmm, average, convolution, product
from audit.saliency.lrp.operations import OPERATIONS
from audit.saliency.lrp.recurrent import through_time
from audit.saliency.lrp.routing import PARTS, SHAPES, WINNERS

aten = torch.ops.aten
_NEVER_BELOW_ZERO = frozenset(
    {
        aten.relu.default,
        aten.sigmoid.default,
        aten.hardsigmoid.default,
        aten.softplus.default,
        aten._softmax.default,
    }
)
_LAYERS = (convolution, addmm, product, through_time)
UNITS = (add, subtract, subtract_from, multiply, divide, keep, activate, logarithm, power)


def entry(graph: Graph) -> frozenset[Node]:
    """Return the nodes that only move, scale or shift the input, before any layer sees it; the input is one."""
    found = {graph.source}
    varying = {graph.source, *graph.varying}
    for node in graph.varying:
        operands = [operand for operand in node.all_input_nodes if operand in varying]
        simple = node.target in SHAPES | PARTS or OPERATIONS.get(node.target) in UNITS
        if simple and len(operands) == 1 and operands[0] in found:
            found.add(node)
    return frozenset(found)


def first_layers(graph: Graph, before: frozenset[Node]) -> dict[Node, Node]:
    """Return the layers that read a node of the entry, and which one."""
    varying = {graph.source, *graph.varying}
    found = {}
    for node in graph.varying:
        operands = [operand for operand in node.all_input_nodes if operand in varying]
        if OPERATIONS.get(node.target) in _LAYERS and len(operands) == 1 and operands[0] in before:
            found[node] = operands[0]
    return found


def nonnegative(graph: Graph, lowest: float) -> frozenset[Node]:
    """Return nodes whose values are never below zero, where no input value is below `lowest`."""
    found = {graph.source} if lowest >= 0 else set()
    for node in graph.varying:
        rule = OPERATIONS.get(node.target)
        keeps: object
        if rule in (add, multiply):
            keeps = all(isinstance(operand, Node) for operand in node.args) and not node.kwargs
        elif node.target is aten.constant_pad_nd.default:
            keeps = len(node.args) < 3 or node.args[2] == 0
        else:
            keeps = rule is average or node.target in SHAPES | PARTS | WINNERS
        if node.target in _NEVER_BELOW_ZERO or (keeps and all(operand in found for operand in node.all_input_nodes)):
            found.add(node)
    return frozenset(found)


def rectified(graph: Graph, *, sums_take_sides: bool) -> frozenset[Node]:
    """Return nodes that carry no relevance where they are below zero, as a ReLU alone reads them.

    Through a sum as well where `sums_take_sides`, that is, where its rule gives nothing to a term of the other sign.
    """
    found: set[Node] = set()
    for node in reversed(graph.varying):
        readers = list(node.users)
        passes = [
            reader.target is aten.relu.default
            or (sums_take_sides and OPERATIONS.get(reader.target) is add and not reader.kwargs and reader in found)
            for reader in readers
        ]
        if node not in graph.head.leaves and readers and all(passes):
            found.add(node)
    return frozenset(found)
