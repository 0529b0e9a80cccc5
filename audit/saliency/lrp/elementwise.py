"""Operations that work on each value alone: activations, sums, products, normalisations."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.fx import Node

from audit.saliency.lrp.call import Call, Share
from audit.saliency.lrp.routing import SHAPES
from audit.saliency.lrp.rules import Layer

aten = torch.ops.aten
_GATES = frozenset({aten.sigmoid.default, aten.hardsigmoid.default})


def keep(call: Call, relevance: Tensor) -> Iterable[Share]:
    """Activations and normalisations: an output's relevance is its input's.

    Bach et al. (2015) for activations, Achtibat et al. (2024), AttnLRP, for normalisations.
    """
    received = relevance[0] if isinstance(relevance, tuple) else relevance
    return [(call.node.all_input_nodes[0], received)]


def absorb(call: Call, relevance: Tensor) -> Iterable[Share]:
    """New tensors that take nothing but the shape of their operand: constants."""
    return [(None, relevance)]


def add(call: Call, relevance: Tensor) -> Iterable[Share]:
    """Sums of two tensors, a residual connection among them: a layer whose weights are one."""
    return _share_sum(call, [call.value(0), call.option("alpha", 1) * call.value(1)], relevance)


def subtract(call: Call, relevance: Tensor) -> Iterable[Share]:
    """Differences: sums with the second sign turned."""
    return _share_sum(call, [call.value(0), -call.option("alpha", 1) * call.value(1)], relevance)


def multiply(call: Call, relevance: Tensor) -> Iterable[Share]:
    """Products of two tensors.

    A constant factor takes nothing. Of a gate, the output of a sigmoid, and a signal, the signal takes all: Arras et
    al. (2017), Explaining recurrent neural network predictions. Otherwise each takes half: Achtibat et al. (2024).
    """
    left, right = call.operand(0), call.operand(1)
    if not call.varies(1) or (call.varies(0) and _is_gate(right) and not _is_gate(left)):
        return [(left, relevance)]
    if not call.varies(0) or (_is_gate(left) and not _is_gate(right)):
        return [(right, relevance)]
    return [(left, relevance / 2), (right, relevance / 2)]


def divide(call: Call, relevance: Tensor) -> Iterable[Share]:
    """Quotients: the denominator sets the scale and takes nothing, as in normalisations. Achtibat et al. (2024)."""
    if not call.varies(0):
        raise call.refusal("only the denominator depends on the input")
    return [(call.operand(0), relevance)]


def softmax(call: Call, relevance: Tensor) -> Iterable[Share]:
    """Softmax as its tangent plane at the input, whose constant term absorbs. Achtibat et al. (2024), AttnLRP."""
    inputs, outputs, axis = call.value(0), call.output, call.operand(1)
    # A masked position is -inf with an output of zero: it has no part in the sum.
    finite = torch.where(outputs > 0, inputs, 0.0)
    total = relevance.sum(axis, keepdim=True)
    shares = finite * (relevance - outputs * total)
    constant = relevance * (1.0 - finite + (outputs * finite).sum(axis, keepdim=True))
    return [(call.operand(0), shares), (None, constant)]


def _is_gate(operand: object) -> bool:
    """Return whether values come from a sigmoid, through nothing but changes of shape."""
    node = operand
    while isinstance(node, Node) and node.target not in _GATES:
        if len(node.all_input_nodes) != 1 or node.target not in SHAPES:
            return False
        node = node.all_input_nodes[0]
    return isinstance(node, Node)


def _share_sum(call: Call, terms: list[Tensor], relevance: Tensor) -> Iterable[Share]:
    operands = [operand if isinstance(operand, Node) else None for operand in call.node.args[:2]]
    shares = _split(call, [torch.as_tensor(term) for term in terms], relevance)
    return zip(operands, shares, strict=True)


def _split(call: Call, terms: list[Tensor], relevance: Tensor) -> tuple[Tensor, ...]:
    """Share relevance among the terms of an elementwise sum, each spread to the sum's shape."""
    stacked = torch.stack(torch.broadcast_tensors(*terms))
    layer = Layer(
        inputs=stacked,
        weight=None,
        bias=None,
        outputs=stacked.sum(0),
        apply=lambda x, _: x.sum(0),
        transpose=lambda s, _: s.expand_as(stacked),
        rectified=call.node in call.rectified,
    )
    return call.sums(layer, relevance)[0].unbind()
