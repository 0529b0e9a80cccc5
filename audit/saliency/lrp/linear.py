"""Operations with weights, and averages, whose weights are all equal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor

from audit.saliency.lrp.call import Call, Share, Sink
from audit.saliency.lrp.rules import Layer, Weight, epsilon

aten = torch.ops.aten


def convolution(call: Call, relevance: Tensor) -> Iterable[Share]:
    """Convolution of any dimension, transposed too: the layer's rule."""
    if call.varies(1):
        raise call.refusal("the kernel depends on the input")
    settings = call.node.args[3:9]
    bias, inputs = call.value(2), call.value(0)
    rank = len(call.node.args[3]) + 2  # type: ignore[arg-type]
    layer = call.layer(
        0,
        call.value(1),
        lambda x, w: aten.convolution.default(x, w, None, *settings),
        lambda s, w: aten.convolution_backward.default(s, inputs, w, None, *settings, [True, False, False])[0],
        bias=None if bias is None else bias.view(-1, *[1] * (rank - 2)),
    )
    return _shared(call, layer, relevance, inputs=0, bias=2)


def addmm(call: Call, relevance: Tensor) -> Iterable[Share]:
    """Matrix product plus bias: the layer's rule."""
    if call.node.kwargs:
        raise call.refusal(f"{dict(call.node.kwargs)} scales its terms")
    if call.varies(2) or not call.varies(1):
        raise call.refusal("the matrix on the right depends on the input")
    layer = call.layer(1, call.value(2), torch.matmul, lambda s, w: s @ w.mT, bias=call.value(0))
    return _shared(call, layer, relevance, inputs=1, bias=0)


def product(call: Call, relevance: Tensor) -> Iterable[Share]:
    """Product of matrices, or of batches of them: the layer's rule, or halves where both depend on the input.

    The halves follow from epsilon on each factor in turn. Achtibat et al. (2024), AttnLRP.
    """
    left, right = call.value(0), call.value(1)
    if call.varies(0) and call.varies(1):
        half = relevance / 2
        first = call.layer(0, right, torch.matmul, lambda s, w: s @ w.mT)
        second = call.layer(1, left, lambda x, w: w @ x, lambda s, w: w.mT @ s)
        yield call.node.all_input_nodes[0], epsilon(first, half, call.eps)[0]
        yield call.node.all_input_nodes[-1], epsilon(second, half, call.eps)[0]
    elif call.varies(0):
        layer = call.layer(0, right, torch.matmul, lambda s, w: s @ w.mT)
        yield from _shared(call, layer, relevance, inputs=0)
    else:
        layer = call.layer(1, left, lambda x, w: w @ x, lambda s, w: w.mT @ s)
        yield from _shared(call, layer, relevance, inputs=1)


def average(call: Call, relevance: Tensor) -> Iterable[Share]:
    """Means, sums and average pools: linear with weights that are equal, so the rule for sums."""
    inputs, rest, options = call.value(0), call.node.args[1:], call.node.kwargs
    target: Any = call.node.target

    def apply(x: Tensor, _: Weight = None) -> Tensor:
        return target(x, *rest, **options)

    def transpose(scaled: Tensor, _: Weight) -> Tensor:
        return torch.func.vjp(apply, inputs)[1](scaled)[0]

    shares, _ = call.sums(call.layer(0, None, apply, transpose), relevance)
    yield call.operand(0), shares


def _shared(call: Call, layer: Layer, relevance: Tensor, *, inputs: int, bias: int | None = None) -> Iterator[Share]:
    to_inputs, to_bias = call.share(layer, relevance, call.reference)
    yield call.operand(inputs), to_inputs
    if to_bias is not None:
        given = None if bias is None else call.operand(bias)
        # A layer without a bias has one nevertheless where contributions count from a reference.
        yield (Sink.RULE if given is None else given), to_bias
