"""Operations that move values or pick one of several: every output is a copy of one operand's value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from audit.saliency.lrp.call import Call, Share
from audit.saliency.lrp.node import evaluate

aten = torch.ops.aten

SHAPES = frozenset(
    {
        aten.view.default,
        aten._unsafe_view.default,
        aten.reshape.default,
        aten.permute.default,
        aten.transpose.int,
        aten.t.default,
        aten.squeeze.default,
        aten.squeeze.dim,
        aten.squeeze.dims,
        aten.unsqueeze.default,
        aten.expand.default,
        aten.clone.default,
        aten.detach.default,
        aten.alias.default,
        aten._to_copy.default,
    }
)
PARTS = frozenset(
    {
        aten.slice.Tensor,
        aten.select.int,
        aten.split_with_sizes.default,
        aten.split.Tensor,
        aten.unbind.int,
        aten.cat.default,
        aten.flip.default,
        aten.repeat.default,
        aten.constant_pad_nd.default,
        aten.index_select.default,
        aten.index.Tensor,
        aten.unfold.default,
        aten.where.self,
    }
)
POOLS = frozenset(
    {
        aten.max_pool2d_with_indices.default,
        aten.max_pool3d_with_indices.default,
        aten.adaptive_max_pool2d.default,
        aten.adaptive_max_pool3d.default,
    }
)
_PLANAR = (aten.max_pool2d_with_indices.default, aten.adaptive_max_pool2d.default)
WINNERS = frozenset(
    {
        *POOLS,
        aten.max.dim,
        aten.max.default,
        aten.min.dim,
        aten.amax.default,
        aten.amin.default,
        aten.maximum.default,
        aten.minimum.default,
    }
)


def pool(call: Call, relevance: tuple[Tensor | None, ...]) -> Iterable[Share]:
    """Give the relevance of each window's maximum to the value that won it. Bach et al. (2015)."""
    inputs, winners = call.value(0), call.output[1]
    planes = winners.ndim - (2 if call.node.target in _PLANAR else 3)
    assert relevance[0] is not None
    shares = torch.zeros_like(inputs).flatten(planes)
    shares = shares.scatter_add(-1, winners.flatten(planes), relevance[0].flatten(planes))
    return [(call.operand(0), shares.view_as(inputs))]


def route(call: Call, relevance: Any) -> Iterable[Share]:
    """Give each output's relevance to the value it is a copy of; of a maximum, to the winner."""
    operands = [node for node in call.node.all_input_nodes if call.values[node].is_floating_point()]

    def moved(*tensors: Tensor) -> Any:
        result = evaluate(call.node, {**call.values, **dict(zip(operands, tensors, strict=True))})
        if isinstance(result, Tensor):
            return result
        return tuple(part for part in result if part.is_floating_point())

    # The operation only copies, so its derivative holds nothing but zeros and ones: who was copied where.
    output, back, *_ = torch.func.vjp(moved, *(call.values[node] for node in operands))
    if not isinstance(output, Tensor):
        relevance = tuple(
            torch.zeros_like(part) if share is None else share for part, share in zip(output, relevance, strict=False)
        )
    return zip(operands, back(relevance), strict=True)
