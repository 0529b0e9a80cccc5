"""The table: one rule per ATen operation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch.fx import Node

from audit.errors import MethodError
from audit.saliency.lrp.call import Operation
from audit.saliency.lrp.elementwise import absorb, add, divide, keep, multiply, softmax, subtract
from audit.saliency.lrp.graph import place
from audit.saliency.lrp.linear import addmm, average, convolution, product
from audit.saliency.lrp.routing import PARTS, POOLS, SHAPES, WINNERS, pool, route

aten = torch.ops.aten

AVERAGES = (
    aten.mean.dim,
    aten.mean.default,
    aten.sum.dim_IntList,
    aten.sum.default,
    aten.avg_pool1d.default,
    aten.avg_pool2d.default,
    aten.avg_pool3d.default,
    aten._adaptive_avg_pool2d.default,
    aten._adaptive_avg_pool3d.default,
    aten.upsample_nearest1d.vec,
    aten.upsample_nearest2d.vec,
    aten.upsample_bilinear2d.vec,
)
ACTIVATIONS = (
    aten.relu.default,
    aten.leaky_relu.default,
    aten.elu.default,
    aten.gelu.default,
    aten.silu.default,
    aten.mish.default,
    aten.softplus.default,
    aten.sigmoid.default,
    aten.hardsigmoid.default,
    aten.hardswish.default,
    aten.hardtanh.default,
    aten.clamp.default,
    aten.clamp_min.default,
    aten.tanh.default,
)
NORMALISATIONS = (aten.native_layer_norm.default, aten.native_group_norm.default)

OPERATIONS: Mapping[Any, Operation] = {
    aten.convolution.default: convolution,
    aten.addmm.default: addmm,
    aten.mm.default: product,
    aten.bmm.default: product,
    aten.add.Tensor: add,
    aten.add.Scalar: add,
    aten.sub.Tensor: subtract,
    aten.sub.Scalar: subtract,
    aten.mul.Tensor: multiply,
    aten.mul.Scalar: multiply,
    aten.div.Tensor: divide,
    aten.div.Scalar: divide,
    aten.neg.default: keep,
    aten._softmax.default: softmax,
    aten.full_like.default: absorb,
    **dict.fromkeys(AVERAGES, average),
    **dict.fromkeys((*ACTIVATIONS, *NORMALISATIONS), keep),
    **dict.fromkeys((*SHAPES, *PARTS, *WINNERS), route),
    **dict.fromkeys(POOLS, pool),
}


def operation(node: Node) -> Operation:
    """Return the rule for a node's operation; raises MethodError naming the operation and its module."""
    if node.target not in OPERATIONS:
        raise MethodError(
            f"lrp has no rule for {node.target} at node {node.name!r} from {place(node)}; "
            "use gradcam, smoothgrad or lime for this model"
        )
    return OPERATIONS[node.target]
