"""Operations that take the largest or the mean of what lies close together."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from audit.loaders.onnx_graph.layers import margins, widths
from audit.loaders.onnx_graph.table import Node, Table

operations = Table()
LARGEST = {1: functional.max_pool1d, 2: functional.max_pool2d, 3: functional.max_pool3d}
MEANS = {1: functional.avg_pool1d, 2: functional.avg_pool2d, 3: functional.avg_pool3d}


@operations("MaxPool")
def max_pool(node: Node, value: Tensor) -> Tensor:
    """Return the largest value of each window of (n, c, places...)."""
    if node.wanted > 1:
        raise node.refuse("the places of the largest as an output")
    kernel = node.attributes["kernel_shape"]
    count = len(kernel)
    if count not in LARGEST:
        raise node.refuse(f"{count} axes of places")
    strides = node.get("strides", [1] * count)
    pads = margins(node, value.shape[2:], kernel, strides)
    padding = [before for before, _ in pads]
    if any(before != after or 2 * before > width for (before, after), width in zip(pads, kernel, strict=True)):
        value, padding = functional.pad(value, widths(pads), value=-torch.inf), [0] * count
    ceil = bool(node.get("ceil_mode", 0))
    return LARGEST[count](value, kernel, strides, padding, node.get("dilations", [1] * count), ceil_mode=ceil)


@operations("AveragePool")
def average_pool(node: Node, value: Tensor) -> Tensor:
    """Return the mean of each window of (n, c, places...), with or without the margin."""
    kernel = node.attributes["kernel_shape"]
    count = len(kernel)
    if count not in MEANS or any(each != 1 for each in node.get("dilations", [1])):
        raise node.refuse("dilations, or more than three axes of places")
    strides = node.get("strides", [1] * count)
    pads = margins(node, value.shape[2:], kernel, strides)
    counted, ceil = bool(node.get("count_include_pad", 0)), bool(node.get("ceil_mode", 0))
    padding = [before for before, _ in pads]
    if all(before == after and 2 * before <= width for (before, after), width in zip(pads, kernel, strict=True)):
        return MEANS[count](value, kernel, strides, padding, ceil_mode=ceil, count_include_pad=counted)
    if ceil:
        raise node.refuse("ceil_mode and uneven padding")
    found = MEANS[count](functional.pad(value, widths(pads)), kernel, strides)
    if counted:
        return found
    share = MEANS[count](functional.pad(torch.ones_like(value[:1, :1]), widths(pads)), kernel, strides)
    return found / share


@operations("GlobalAveragePool")
def global_average_pool(_: Node, value: Tensor) -> Tensor:
    """Return the mean over all places, each still an axis of one."""
    return value.mean(list(range(2, value.ndim)), keepdim=True)


@operations("GlobalMaxPool")
def global_max_pool(_: Node, value: Tensor) -> Tensor:
    """Return the largest value over all places, each still an axis of one."""
    return value.amax(list(range(2, value.ndim)), keepdim=True)
