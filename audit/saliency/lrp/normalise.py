"""Operations over a group of values at once: normalisations, variances, softmax and its relatives."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from audit.saliency.lrp.call import Call, Share, Sink
from audit.saliency.lrp.rules import off_zero

aten = torch.ops.aten


def normalise(call: Call, relevance: tuple[Tensor | None, ...]) -> Iterable[Share]:
    """Layer, group and instance norm: gain (x - mean) / deviation + shift, whose deviation takes nothing.

    The deviation is a denominator (Achtibat et al., 2024, AttnLRP); what is left is a sum of x, its mean and the shift,
    which follows the rule for sums.
    """
    received = relevance[0]
    if received is None:
        raise call.refusal("its mean or deviation is read")
    inputs, gain, shift, eps = _affine(call)
    groups = _Groups(call, inputs)
    values = groups.there(inputs)
    mean = values.mean(-1, keepdim=True)
    scale = torch.rsqrt(values.var(-1, correction=0, keepdim=True) + eps)
    if gain is not None:
        scale = scale * groups.there(gain.expand_as(inputs))
    terms = [scale * values, -scale * mean]
    if shift is not None:
        terms.append(groups.there(shift.expand_as(inputs)))
    of_values, of_mean, *of_shift = call.split(terms, groups.there(received))
    of_mean = call.mean(values, [-1], of_mean.sum(-1, keepdim=True))
    yield call.operand(0), groups.back(of_values + of_mean)
    for share in of_shift:
        yield Sink.NUMBER, share


def variance(call: Call, relevance: Tensor | tuple[Tensor | None, ...]) -> Iterable[Share]:
    """Variances: a mean of squares of x - mean, each of them in proportion, then a sum of x and its mean."""
    inputs = call.value(0)
    given = call.operand(1)
    axes = list(range(inputs.ndim)) if given is None else [given] if isinstance(given, int) else list(given)
    of_variance, of_mean = relevance if isinstance(relevance, tuple) else (relevance, None)

    def spread(received: Tensor) -> Tensor:
        if received.ndim == inputs.ndim:
            return received
        for axis in sorted(axis % inputs.ndim for axis in axes):
            received = received.unsqueeze(axis)
        return received

    mean = inputs.mean(axes, keepdim=True)
    total = torch.zeros_like(inputs)
    arrived = torch.zeros_like(mean)
    if of_variance is not None:
        squares = (inputs - mean).square()
        parts = spread(of_variance) * squares / off_zero(squares.sum(axes, keepdim=True), call.eps**2)
        total, of_centre = call.split([inputs, -mean], parts)
        arrived = of_centre.sum(axes, keepdim=True)
    if of_mean is not None:
        arrived = arrived + spread(of_mean)
    yield call.operand(0), total + call.mean(inputs, axes, arrived)


def softmax(call: Call, relevance: Tensor) -> Iterable[Share]:
    """Softmax as its tangent plane at the input, whose constant term absorbs. Achtibat et al. (2024), AttnLRP."""
    inputs, outputs, axis = call.value(0), call.output, call.operand(1)
    # A masked position is -inf with an output of zero: it has no part in the sum.
    finite = torch.where(outputs > 0, inputs, 0.0)
    total = relevance.sum(axis, keepdim=True)
    shares = finite * (relevance - outputs * total)
    constant = relevance * (1.0 - finite + (outputs * finite).sum(axis, keepdim=True))
    return [(call.operand(0), shares), (Sink.RULE, constant)]


def log_sum_exp(call: Call, relevance: Tensor) -> Iterable[Share]:
    """Log-sum-exp as its tangent plane: sum_i s_i x_i with s = softmax(x), and the entropy of s, which absorbs.

    The two make up the whole (Gibbs); the entropy is between 0 and log n.
    """
    inputs, axes, output = call.value(0), call.node.args[1], call.output
    kept = len(call.node.args) > 2 and bool(call.node.args[2])
    shares, entropy = _tangent(call, inputs, axes, relevance, output, kept=kept)
    return [(call.operand(0), shares), (Sink.RULE, entropy)]


def log_softmax(call: Call, relevance: Tensor) -> Iterable[Share]:
    """Log-softmax within a network: a sum of x and, with its sign turned, its log-sum-exp."""
    inputs, axis = call.value(0), call.node.args[1]
    normaliser = inputs.logsumexp(axis, keepdim=True)
    of_inputs, of_normaliser = call.split([inputs, -normaliser], relevance)
    received = of_normaliser.sum(axis, keepdim=True)  # type: ignore[arg-type]
    shares, entropy = _tangent(call, inputs, axis, received, normaliser, kept=True)
    return [(call.operand(0), of_inputs + shares), (Sink.RULE, entropy)]


def _tangent(
    call: Call, inputs: Tensor, axes: Any, relevance: Tensor, output: Tensor, *, kept: bool
) -> tuple[Tensor, Tensor]:
    scaled = relevance / off_zero(output, call.eps)
    slopes = torch.exp(inputs - inputs.logsumexp(axes, keepdim=True))
    parts = torch.where(slopes > 0, slopes * inputs, 0.0)
    whole = parts.sum(axes, keepdim=True)
    if not kept:
        for axis in sorted(a % inputs.ndim for a in ([axes] if isinstance(axes, int) else axes)):
            scaled = scaled.unsqueeze(axis)
            output = output.unsqueeze(axis)
    return parts * scaled, (output - whole) * scaled


def _affine(call: Call) -> tuple[Tensor, Tensor | None, Tensor | None, float]:
    """Return a normalisation's input, its gain and shift in a shape that spreads over the input, and its epsilon."""
    inputs, args = call.value(0), call.node.args
    if call.node.target is aten.native_layer_norm.default:
        return inputs, call.value(2), call.value(3), float(args[4])  # type: ignore[arg-type]
    sides = [-1, *[1] * (inputs.ndim - 2)]
    gain, shift = (None if call.value(i) is None else call.value(i).view(sides) for i in (1, 2))
    return inputs, gain, shift, float(args[-1])  # type: ignore[arg-type]


class _Groups:
    """The input with each group of values that are normalised together along the last axis."""

    def __init__(self, call: Call, inputs: Tensor) -> None:
        self.shape = inputs.shape
        self.swap = call.node.target is aten._native_batch_norm_legit.no_stats
        self.sizes: Sequence[int]
        if call.node.target is aten.native_layer_norm.default:
            self.sizes = (-1, math.prod(call.node.args[1]))  # type: ignore[arg-type]
        elif self.swap:
            self.sizes = (inputs.shape[1], -1)
        else:
            self.sizes = (inputs.shape[0] * call.value(6), -1)

    def there(self, values: Tensor) -> Tensor:
        return (values.transpose(0, 1) if self.swap else values).reshape(self.sizes)

    def back(self, groups: Tensor) -> Tensor:
        if not self.swap:
            return groups.reshape(self.shape)
        return groups.reshape(self.shape[1], self.shape[0], *self.shape[2:]).transpose(0, 1)
