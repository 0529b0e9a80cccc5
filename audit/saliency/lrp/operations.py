"""The table: one rule per ATen operation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch.fx import Node

from audit.errors import MethodError
from audit.saliency.lrp.call import Operation
from audit.saliency.lrp.elementwise import (
    absorb,
    activate,
    add,
    denominator,
    divide,
    keep,
    logarithm,
    multiply,
    power,
    subtract,
    subtract_from,
)
from audit.saliency.lrp.linear import addmm, average, convolution, product
from audit.saliency.lrp.node import place
from audit.saliency.lrp.normalise import log_softmax, log_sum_exp, normalise, softmax, variance
from audit.saliency.lrp.recurrent import KEPT, through_time
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
ZERO_AT_ZERO = (
    aten.relu.default,
    aten.leaky_relu.default,
    aten.prelu.default,
    aten._prelu_kernel.default,
    aten.elu.default,
    aten.celu.default,
    aten.gelu.default,
    aten.silu.default,
    aten.mish.default,
    aten.hardswish.default,
    aten.hardshrink.default,
    aten.softshrink.default,
    aten.tanh.default,
    aten.atan.default,
    aten.abs.default,
    aten.neg.default,
    aten.sqrt.default,
    aten.log1p.default,
    aten.expm1.default,
)
NOT_ZERO_AT_ZERO = (
    aten.sigmoid.default,
    aten.hardsigmoid.default,
    aten.softplus.default,
    aten.exp.default,
    aten.hardtanh.default,
    aten.clamp.default,
    aten.clamp_min.default,
    aten.clamp_max.default,
)
LOGARITHMS = (aten.log.default, aten.log10.default, aten.log2.default)
NORMALISATIONS = (
    aten.native_layer_norm.default,
    aten.native_group_norm.default,
    aten._native_batch_norm_legit.no_stats,
)

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
    aten.rsub.Scalar: subtract_from,
    aten.rsub.Tensor: subtract_from,
    aten.pow.Tensor_Scalar: power,
    aten.rsqrt.default: denominator,
    aten.reciprocal.default: denominator,
    aten.var.correction: variance,
    aten.var_mean.correction: variance,
    aten._softmax.default: softmax,
    aten._log_softmax.default: log_softmax,
    aten.logsumexp.default: log_sum_exp,
    aten.full_like.default: absorb,
    **dict.fromkeys(AVERAGES, average),
    **dict.fromkeys(ZERO_AT_ZERO, keep),
    **dict.fromkeys(NOT_ZERO_AT_ZERO, activate),
    **dict.fromkeys(LOGARITHMS, logarithm),
    **dict.fromkeys(NORMALISATIONS, normalise),
    **dict.fromkeys(KEPT.values(), through_time),
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
