"""Operations that work on each value alone: activations, sums, products."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.fx import Node

from audit.saliency.lrp.call import Call, Share, Sink
from audit.saliency.lrp.node import evaluate
from audit.saliency.lrp.routing import SHAPES
from audit.saliency.lrp.rules import off_zero

aten = torch.ops.aten
_GATES = frozenset({aten.sigmoid.default, aten.hardsigmoid.default})
_DENOMINATORS = frozenset({aten.rsqrt.default, aten.reciprocal.default})
_POWER = aten.pow.Tensor_Scalar


def keep(call: Call, relevance: Tensor) -> Iterable[Share]:
    """Functions of one value that are zero at zero, activations most of all: an output's relevance is its input's.

    Bach et al. (2015).
    """
    return [(call.node.all_input_nodes[0], relevance)]


def activate(call: Call, relevance: Tensor) -> Iterable[Share]:
    """Functions of one value f(x) that are not zero at zero: f(0) / f(x) of the relevance is a constant's.

    A sigmoid or softplus is its value at zero, which no input brought about, and what the input added or took away
    (Montavon et al., 2017, deep Taylor decomposition, at the root of zero). Handing on all would give what lowered x,
    and with it f, the sign of what raised it.
    """
    operand = call.node.all_input_nodes[0]
    at_zero = evaluate(call.node, {**call.values, operand: torch.zeros((), dtype=call.value(0).dtype)})
    if not at_zero.any():
        return keep(call, relevance)
    constant = relevance * at_zero / off_zero(call.output, call.eps)
    return [(operand, relevance - constant), (Sink.RULE, constant)]


def logarithm(call: Call, relevance: Tensor) -> Iterable[Share]:
    """Logarithms of the input itself: another unit. Anywhere else there is no value at zero to count from."""
    if call.node not in call.scaling:
        raise call.refusal("it is neither the input's own logarithm nor, at the network's end, that of probabilities")
    return keep(call, relevance)


def power(call: Call, relevance: Tensor) -> Iterable[Share]:
    """Powers: x^p is p factors x, each of which takes its equal part. Achtibat et al. (2024)."""
    if call.varies(1) or not call.value(1) > 0:
        raise call.refusal("the exponent is not a number above 0 and the power no factor")
    return keep(call, relevance)


def denominator(call: Call, relevance: Tensor) -> Iterable[Share]:
    """Reciprocals, of roots as well, that are not a factor of something else."""
    raise call.refusal("it divides nothing that depends on the input")


def absorb(call: Call, relevance: Tensor) -> Iterable[Share]:
    """New tensors that take nothing but the shape of their operand: constants."""
    return [(Sink.NUMBER, relevance)]


def add(call: Call, relevance: Tensor) -> Iterable[Share]:
    """Sums of two tensors, a residual connection among them: a layer whose weights are one."""
    return _share_sum(call, [call.value(0), call.option("alpha", 1) * call.value(1)], relevance)


def subtract(call: Call, relevance: Tensor) -> Iterable[Share]:
    """Differences: sums with the second sign turned."""
    return _share_sum(call, [call.value(0), -call.option("alpha", 1) * call.value(1)], relevance)


def subtract_from(call: Call, relevance: Tensor) -> Iterable[Share]:
    """Differences written the other way round: sums with the first sign turned."""
    return _share_sum(call, [-call.value(0), torch.as_tensor(call.value(1))], relevance)


def multiply(call: Call, relevance: Tensor) -> Iterable[Share]:
    """Products of two tensors.

    A constant factor takes nothing. Of a gate, the output of a sigmoid, and a signal, the signal takes all: Arras et
    al. (2017), Explaining recurrent neural network predictions. So does what is divided, by whichever way it is
    written. Otherwise each takes half: Achtibat et al. (2024).
    """
    left, right = call.operand(0), call.operand(1)
    if not call.varies(1) or (call.varies(0) and _only_scales(right) and not _only_scales(left)):
        return [(left, relevance)]
    if not call.varies(0) or (_only_scales(left) and not _only_scales(right)):
        return [(right, relevance)]
    return [(left, relevance / 2), (right, relevance / 2)]


def divide(call: Call, relevance: Tensor) -> Iterable[Share]:
    """Quotients: the denominator sets the scale and takes nothing, as in normalisations. Achtibat et al. (2024)."""
    if not call.varies(0):
        raise call.refusal("only the denominator depends on the input")
    return [(call.operand(0), relevance)]


def is_gate(operand: object) -> bool:
    """Return whether values come from a sigmoid, or are one less it, through nothing but changes of shape."""
    return _comes_from(operand, _GATES)


def _only_scales(operand: object) -> bool:
    """Return whether values come from a gate or from a denominator."""
    return _comes_from(operand, _GATES | _DENOMINATORS) or _comes_from(operand, frozenset({_POWER}), below_zero=True)


def _comes_from(operand: object, targets: frozenset[Any], *, below_zero: bool = False) -> bool:
    node = operand
    while isinstance(node, Node) and node.target not in targets:
        from_one = node.target is aten.rsub.Scalar and node.args[1] == 1 and len(node.args) == 2
        from_one = from_one or (node.target is aten.sub.Tensor and node.args[0] == 1 and not node.kwargs)
        if len(node.all_input_nodes) != 1 or not (node.target in SHAPES or (from_one and not below_zero)):
            return False
        node = node.all_input_nodes[0]
    if not isinstance(node, Node):
        return False
    return not below_zero or (isinstance(node.args[1], int | float) and node.args[1] < 0)


def _share_sum(call: Call, terms: list[Any], relevance: Tensor) -> Iterable[Share]:
    operands = [operand if isinstance(operand, Node) else Sink.NUMBER for operand in call.node.args[:2]]
    spread = [torch.as_tensor(term) for term in terms]
    for operand, term in zip(operands, spread, strict=True):
        # An attention mask adds -inf: no weight and no relevance, but no number to share it by either.
        if operand not in call.varying and bool(torch.isinf(term).any()):
            spread = [torch.where(torch.isinf(term), 0.0, other) for other in spread]
    return zip(operands, call.split(spread, relevance), strict=True)
