"""Layers with weights, and those that normalise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from audit.loaders.onnx_graph.table import Host, Node, Table, integers

operations = Table()
CONVOLUTIONS = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
TRANSPOSED = {1: functional.conv_transpose1d, 2: functional.conv_transpose2d, 3: functional.conv_transpose3d}
LAYERS: dict[int, Any] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}


def margins(node: Node, sizes: Sequence[int], kernel: Sequence[int], strides: Sequence[int]) -> list[tuple[int, int]]:
    """Return how much each axis of places is padded before and after."""
    count = len(sizes)
    how = node.get("auto_pad", "NOTSET")
    if how == "VALID":
        return [(0, 0)] * count
    dilations = node.get("dilations", [1] * count)
    if how == "NOTSET":
        pads = node.get("pads", [0] * 2 * count)
        return list(zip(pads[:count], pads[count:], strict=True))
    if any(each != 1 for each in dilations):
        # Of these, onnxruntime refuses some, and takes others to be without dilations.
        raise node.refuse(f"auto_pad {how} and dilations")
    found = []
    for size, width, stride in zip(sizes, kernel, strides, strict=True):
        missing = max((-(-size // stride) - 1) * stride + width - size, 0)
        small, large = missing // 2, missing - missing // 2
        found.append((small, large) if how == "SAME_UPPER" else (large, small))
    return found


def widths(pads: Sequence[tuple[int, int]]) -> list[int]:
    """Return margins as torch pads, the last axis first."""
    return [size for pair in reversed(pads) for size in pair]


@operations("Conv")
def conv(node: Node, value: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return the convolution of (n, c, places...) with (c', c / group, kernel...)."""
    count = value.ndim - 2
    strides = node.get("strides", [1] * count)
    pads = margins(node, value.shape[2:], weight.shape[2:], strides)
    padding: list[int] = [before for before, _ in pads]
    if any(before != after for before, after in pads):
        value, padding = functional.pad(value, widths(pads)), [0] * count
    if count not in CONVOLUTIONS:
        raise node.refuse(f"{count} axes of places")
    dilations, group = node.get("dilations", [1] * count), node.get("group", 1)
    return CONVOLUTIONS[count](value, weight, bias, strides, padding, dilations, group)


def convolution(node: Node, constants: Mapping[int, Host]) -> nn.Module | None:
    """Return a convolution whose weights are constants as a layer of torch, which GradCAM looks for.

    None where the layer cannot be that: its padding depends on the input, or is not the same before and after.
    """
    weight = constants.get(1)
    if weight is None or weight.ndim - 2 not in LAYERS or node.get("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        return None
    count = weight.ndim - 2
    pads = margins(node, [0] * count, weight.shape[2:], [1] * count)
    if any(before != after for before, after in pads):
        return None
    group = node.get("group", 1)
    # Without a device there is nothing to draw at random.
    layer: nn.Module = LAYERS[count](
        weight.shape[1] * group,
        weight.shape[0],
        tuple(weight.shape[2:]),
        stride=tuple(node.get("strides", [1] * count)),
        padding=tuple(before for before, _ in pads),
        dilation=tuple(node.get("dilations", [1] * count)),
        groups=group,
        bias=2 in constants,
        device="meta",
    )
    layer.weight = nn.Parameter(torch.from_numpy(weight.copy()), requires_grad=False)
    if 2 in constants:
        layer.bias = nn.Parameter(torch.from_numpy(constants[2].copy()), requires_grad=False)
    return layer


@operations("ConvTranspose")
def conv_transpose(node: Node, value: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return the transposed convolution of (n, c, places...) with (c, c' / group, kernel...)."""
    count = value.ndim - 2
    how = node.get("auto_pad", "NOTSET")
    if node.get("output_shape", None) is not None or how not in ("NOTSET", "VALID"):
        raise node.refuse("a shape of its output, or auto_pad")
    if count not in TRANSPOSED:
        raise node.refuse(f"{count} axes of places")
    given = node.get("pads", [0] * 2 * count) if how == "NOTSET" else [0] * 2 * count
    found = TRANSPOSED[count](
        value,
        weight,
        bias,
        node.get("strides", [1] * count),
        0,
        node.get("output_padding", [0] * count),
        node.get("group", 1),
        node.get("dilations", [1] * count),
    )
    cut = [(-before, -after) for before, after in zip(given[:count], given[count:], strict=True)]
    return functional.pad(found, widths(cut)) if any(given) else found


@operations("Gemm")
def gemm(node: Node, left: Tensor, right: Tensor, shift: Tensor | None = None) -> Tensor:
    """Return alpha left right + beta shift."""
    alpha, beta = node.get("alpha", 1.0), node.get("beta", 1.0)
    left = left.t() if node.get("transA", 0) else left
    right = right.t() if node.get("transB", 0) else right
    if alpha == beta == 1.0 and shift is not None and shift.ndim == 1:
        return torch.addmm(shift, left, right)
    found = left @ right if alpha == 1.0 else alpha * (left @ right)
    return found if shift is None else found + (shift if beta == 1.0 else beta * shift)


operations.plain(MatMul=torch.matmul)


@operations("BatchNormalization")
def batch_normalization(
    node: Node, value: Tensor, scale: Tensor, shift: Tensor, mean: Tensor, variance: Tensor
) -> Tensor:
    """Return each channel by the mean and variance seen in training."""
    if node.get("training_mode", 0) or node.wanted > 1:
        raise node.refuse("training mode")
    return functional.batch_norm(value, mean, variance, scale, shift, False, 0.0, node.get("epsilon", 1e-5))


@operations("InstanceNormalization")
def instance_normalization(node: Node, value: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Return each channel of each input by its own mean and variance."""
    # As groups of one channel: torch's own instance_norm has wrong gradients where those it is given are permuted.
    return functional.group_norm(value, value.shape[1], scale, shift, node.get("epsilon", 1e-5))


@operations("LayerNormalization")
def layer_normalization(node: Node, value: Tensor, scale: Tensor, shift: Tensor | None = None) -> Tensor:
    """Return each input by its mean and variance over the axes from `axis` on."""
    if node.wanted > 1:
        raise node.refuse("its mean as an output")
    shape, eps = value.shape[node.get("axis", -1) :], node.get("epsilon", 1e-5)
    if scale.shape == shape and (shift is None or shift.shape == shape):
        return functional.layer_norm(value, shape, scale, shift, eps)
    found = functional.layer_norm(value, shape, eps=eps) * scale
    return found if shift is None else found + shift


@operations("GroupNormalization")
def group_normalization(node: Node, value: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Return groups of channels by their own mean and variance; scale and shift are per channel."""
    if node.version < 21:
        raise node.refuse("scales per group, as before operator set 21")
    return functional.group_norm(value, node.attributes["num_groups"], scale, shift, node.get("epsilon", 1e-5))


@operations("LpNormalization")
def lp_normalization(node: Node, value: Tensor) -> Tensor:
    """Return values over their norm along an axis, zeros where that is zero."""
    norm = torch.linalg.vector_norm(value, node.get("p", 2), dim=node.get("axis", -1), keepdim=True)
    return value / torch.where(norm == 0, 1.0, norm)


@operations("LRN")
def local_response(node: Node, value: Tensor) -> Tensor:
    """Return values over what the channels beside them hold."""
    size = node.attributes["size"]
    if size % 2 == 0:
        raise node.refuse("an even size")
    alpha, beta, bias = node.get("alpha", 1e-4), node.get("beta", 0.75), node.get("bias", 1.0)
    return functional.local_response_norm(value, size, alpha, beta, bias)


@operations("Resize", "Upsample", host=(1, 2, 3))
def resize(
    node: Node, value: Tensor, roi: Host | None = None, scales: Host | None = None, sizes: Host | None = None
) -> Tensor:
    """Return (n, c, places...) at another size, by the nearest values or between them."""
    old = node.kind == "Upsample" or node.version < 11
    if old:
        roi, scales = None, roi
    if node.get("axes", None) is not None or node.get("antialias", 0):
        raise node.refuse("axes of its own, or antialias")
    factors = [float(each) for each in (scales if scales is not None else node.get("scales", []))]
    exact = [size * factor for size, factor in zip(value.shape, factors, strict=False)]
    target = integers(sizes) if sizes is not None else [round(size) for size in exact]
    if target is None or target[:2] != list(value.shape[:2]) or (exact and max(map(_beside, exact)) > 1e-4):
        raise node.refuse("other axes than those of places, or a factor that gives no whole size")
    mode = node.get("mode", "nearest")
    where = node.get("coordinate_transformation_mode", "asymmetric" if old else "half_pixel")
    rounding = node.get("nearest_mode", "floor" if old else "round_prefer_floor")
    whole = all(new % size == 0 for new, size in zip(target, value.shape, strict=True))
    if mode == "nearest" and whole and (where, rounding) in NEAREST:
        return functional.interpolate(value, target[2:], mode="nearest")
    # Of one value, where it is taken from is a matter of definition.
    if mode == "linear" and where in MIDDLES and value.ndim in LINEAR and min(target[2:]) > 1:
        known: dict[str, Any] = {"align_corners": where == "align_corners", "mode": LINEAR[value.ndim]}
        return functional.interpolate(value, target[2:], **known)
    raise node.refuse(f"{mode}, {where}, {rounding}")


def _beside(size: float) -> float:
    return abs(size - round(size))


MIDDLES = ("half_pixel", "pytorch_half_pixel", "align_corners")
LINEAR = {3: "linear", 4: "bilinear", 5: "trilinear"}
# By whole factors, these all repeat each value as often.
NEAREST = (("asymmetric", "floor"), ("half_pixel", "round_prefer_floor"), ("half_pixel", "round_prefer_ceil"))
