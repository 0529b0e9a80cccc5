"""How a layer's output relevance is shared among what was summed into it: the rules of the literature.

Throughout, the contributions to output j are z_ij = x_i w_ij and, as one more, the bias b_j; z_j is their sum, R_j the
relevance to be shared, ( )+ and ( )- positive and negative parts. Denominators are kept `eps` off zero.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import overload

import torch
from torch import Tensor

Weight = Tensor | None


@dataclass(frozen=True)
class Layer:
    """A layer z = W x + b at one input: `apply(x, W)` is W x, `transpose(s, W)` is W^T s.

    A `weight` of None stands for weights that cannot be set and are none of them negative, as in an average. `bias`
    spreads over `outputs` by broadcasting. `nonnegative` says that no input is below zero, `rectified` that no output
    below zero carries relevance, `stacked` that the inputs are the terms of an elementwise sum, one behind the other
    along the first axis; each saves passes.
    """

    inputs: Tensor
    weight: Tensor | None
    bias: Tensor | None
    outputs: Tensor
    apply: Callable[[Tensor, Weight], Tensor]
    transpose: Callable[[Tensor, Weight], Tensor]
    nonnegative: bool = False
    rectified: bool = False
    stacked: bool = False


Shares = tuple[Tensor, Tensor | None]
"""Relevance of a layer's inputs, shaped as they are, and of its bias, shaped as the outputs."""
Rule = Callable[[Layer, Tensor], Shares]


def epsilon(layer: Layer, relevance: Tensor, eps: float) -> Shares:
    """Share z_ij / z_j. Bach et al. (2015), On pixel-wise explanations."""
    scaled = relevance / off_zero(layer.outputs, eps)
    return layer.inputs * layer.transpose(scaled, layer.weight), _times(layer.bias, scaled)


def zplus(layer: Layer, relevance: Tensor, eps: float) -> Shares:
    """Share z_ij+ / sum_i z_ij+. Montavon et al. (2017), Explaining nonlinear classification decisions."""
    positive = _positive(layer)
    return _share(positive, relevance / off_zero(_total(positive), eps))


def signplus(layer: Layer, relevance: Tensor, eps: float) -> Shares:
    """Share as `zplus` where z_j >= 0, z_ij- / sum_i z_ij- where z_j < 0: only what pulled z_j to its side counts."""
    if layer.stacked:
        side = torch.where(layer.outputs < 0, -1.0, 1.0).to(layer.outputs)
        counted = (layer.inputs * side).clamp(min=0)
        return counted * (relevance / (counted.sum(0) + eps)), None
    return _share_by_sign(_positive(layer), _negative(layer), relevance, eps)


def gamma(layer: Layer, relevance: Tensor, eps: float, factor: float) -> Shares:
    """Share in proportion to z_ij + factor z_ij+ where z_j >= 0, to z_ij + factor z_ij- where z_j < 0.

    Montavon et al. (2019), Layer-wise relevance propagation: an overview; for outputs of either sign, so that the
    denominator never changes sign, Andeol et al. (2021).
    """
    return _share_by_sign(_favouring(layer, factor, 1), _favouring(layer, factor, -1), relevance, eps)


def alphabeta(layer: Layer, relevance: Tensor, eps: float, alpha: float) -> Shares:
    """Share alpha z_ij+ / sum_i z_ij+ - (alpha - 1) z_ij- / sum_i z_ij-. Bach et al. (2015).

    Contributions that all have one sign share the whole of R_j, as nothing would be left to balance.
    """
    positive, negative = _positive(layer), _negative(layer)
    high, low = _total(positive), _total(negative)
    both = (high > 0) & (low < 0)
    upper = torch.where(both, alpha, (high > 0).to(relevance)) * relevance
    lower = torch.where(both, 1.0 - alpha, (low < 0).to(relevance)) * relevance
    return _sum(_share(positive, upper / off_zero(high, eps)), _share(negative, lower / off_zero(low, eps)))


@dataclass(frozen=True)
class _Side:
    """Some of a layer's contributions: pairs of inputs and weights whose products they are, and the bias's part."""

    layer: Layer
    pairs: tuple[tuple[Tensor, Weight], ...]
    bias: Tensor | None


def _positive(layer: Layer) -> _Side:
    pairs: list[tuple[Tensor, Weight]] = [(_above(layer), _clamp(layer.weight, 1))]
    if layer.weight is not None and not layer.nonnegative:
        pairs.append((layer.inputs.clamp(max=0), _clamp(layer.weight, -1)))
    return _Side(layer, tuple(pairs), _clamp(layer.bias, 1))


def _negative(layer: Layer) -> _Side:
    pairs: list[tuple[Tensor, Weight]] = []
    if layer.weight is not None:
        pairs.append((_above(layer), _clamp(layer.weight, -1)))
    if not layer.nonnegative:
        pairs.append((layer.inputs.clamp(max=0), _clamp(layer.weight, 1)))
    return _Side(layer, tuple(pairs), _clamp(layer.bias, -1))


def _favouring(layer: Layer, factor: float, sign: int) -> _Side:
    """Return all contributions, those of one sign taken 1 + factor times."""
    bias = _boost(layer.bias, factor, sign)
    if layer.weight is None:
        return _Side(layer, ((_boost(layer.inputs, factor, sign), None),), bias)
    pairs = [(_above(layer), _boost(layer.weight, factor, sign))]
    if not layer.nonnegative:
        pairs.append((layer.inputs.clamp(max=0), _boost(layer.weight, factor, -sign)))
    return _Side(layer, tuple(pairs), bias)


def _share_by_sign(high: _Side, low: _Side, relevance: Tensor, eps: float) -> Shares:
    """Share among `high` where a layer's output is at least zero, among `low` elsewhere."""
    if high.layer.rectified:
        return _share(high, relevance / off_zero(_total(high), eps))
    below = high.layer.outputs < 0
    above = relevance.masked_fill(below, 0.0)
    return _sum(
        _share(high, above / off_zero(_total(high), eps)),
        _share(low, (relevance - above) / off_zero(_total(low), eps)),
    )


def _total(side: _Side) -> Tensor:
    terms = [side.layer.apply(inputs, weight) for inputs, weight in side.pairs]
    if side.bias is not None:
        terms.append(side.bias)
    return reduce(torch.add, terms) if terms else torch.zeros_like(side.layer.outputs)


def _share(side: _Side, scaled: Tensor) -> Shares:
    shares = [inputs * side.layer.transpose(scaled, weight) for inputs, weight in side.pairs]
    return reduce(torch.add, shares) if shares else torch.zeros_like(side.layer.inputs), _times(side.bias, scaled)


def _above(layer: Layer) -> Tensor:
    return layer.inputs if layer.nonnegative else layer.inputs.clamp(min=0)


@overload
def _clamp(values: Tensor, sign: int) -> Tensor: ...
@overload
def _clamp(values: None, sign: int) -> None: ...
def _clamp(values: Tensor | None, sign: int) -> Tensor | None:
    if values is None:
        return None
    return values.clamp(min=0) if sign > 0 else values.clamp(max=0)


@overload
def _boost(values: Tensor, factor: float, sign: int) -> Tensor: ...
@overload
def _boost(values: None, factor: float, sign: int) -> None: ...
def _boost(values: Tensor | None, factor: float, sign: int) -> Tensor | None:
    return None if values is None else torch.add(values, _clamp(values, sign), alpha=factor)


def off_zero(total: Tensor, eps: float) -> Tensor:
    """Return `total`, moved away from zero by `eps`."""
    return total + torch.copysign(torch.tensor(eps, dtype=total.dtype, device=total.device), total)


def _times(bias: Tensor | None, scaled: Tensor) -> Tensor | None:
    return None if bias is None else bias * scaled


def _sum(one: Shares, other: Shares) -> Shares:
    bias = None if one[1] is None or other[1] is None else one[1] + other[1]
    return one[0] + other[0], bias
