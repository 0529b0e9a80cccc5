"""Operations that move values, pick some of them, or put them together."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from audit.loaders.onnx_graph.table import Host, Node, Table, integers, number

operations = Table()


@operations("Reshape", host=(1,))
def reshape(node: Node, value: Tensor, shape: Host | None = None) -> Tensor:
    """Return the values in another shape; 0 keeps a size, -1 is what remains."""
    sizes = integers(shape, node.get("shape", None)) or []
    if not node.get("allowzero", 0):
        sizes = [value.shape[axis] if size == 0 else size for axis, size in enumerate(sizes)]
    return value.reshape(sizes)


@operations("Flatten")
def flatten(node: Node, value: Tensor) -> Tensor:
    """Return a matrix: the axes before `axis` as one, the others as one."""
    axis = node.get("axis", 1)
    return value.reshape(math.prod(value.shape[: axis + value.ndim if axis < 0 else axis]), -1)


@operations("Transpose")
def transpose(node: Node, value: Tensor) -> Tensor:
    """Return the axes in another order, backwards where none is given."""
    return value.permute(node.get("perm", list(range(value.ndim))[::-1]))


@operations("Squeeze", host=(1,))
def squeeze(node: Node, value: Tensor, given: Host | None = None) -> Tensor:
    """Return the values without axes of one."""
    axes = integers(given, node.get("axes", None))
    return value.squeeze() if axes is None else value.squeeze(tuple(axes))


@operations("Unsqueeze", host=(1,))
def unsqueeze(node: Node, value: Tensor, given: Host | None = None) -> Tensor:
    """Return the values with further axes of one, counted in the result."""
    axes = integers(given, node.get("axes", None)) or []
    for axis in sorted(axis % (value.ndim + len(axes)) for axis in axes):
        value = value.unsqueeze(axis)
    return value


@operations("Concat")
def concat(node: Node, *values: Tensor) -> Tensor:
    """Return several as one along an axis."""
    return torch.cat(values, dim=node.attributes["axis"])


@operations("Split", host=(1,))
def split(node: Node, value: Tensor, given: Host | None = None) -> tuple[Tensor, ...]:
    """Return the values in parts along an axis, equal ones where no sizes are given."""
    axis = node.get("axis", 0)
    sizes = integers(given, node.get("split", None))
    if sizes is None:
        size = -(-value.shape[axis] // node.outputs)
        sizes = [size] * (node.outputs - 1) + [value.shape[axis] - size * (node.outputs - 1)]
    return torch.split(value, sizes, dim=axis)


@operations("Slice", host=(1, 2, 3, 4))
def slice_(
    node: Node,
    value: Tensor,
    starts: Host | None = None,
    ends: Host | None = None,
    axes: Host | None = None,
    steps: Host | None = None,
) -> Tensor:
    """Return every so many values from a start to before an end, for each of some axes."""
    firsts = integers(starts, node.get("starts", None)) or []
    lasts = integers(ends, node.get("ends", None)) or []
    along = integers(axes, node.get("axes", None)) or list(range(len(firsts)))
    by = integers(steps) or [1] * len(firsts)
    for first, last, axis, step in zip(firsts, lasts, along, by, strict=True):
        # Python's own rules for what lies outside, and for counting from the end, are ONNX's.
        chosen = range(value.shape[axis])[first:last:step]
        if step > 0:
            value = value.narrow(axis, chosen.start if chosen else 0, max(chosen.stop - chosen.start, 0))
            if step > 1:
                value = value.index_select(axis, torch.arange(0, value.shape[axis], step, device=value.device))
        else:
            value = value.index_select(axis, torch.tensor(list(chosen), dtype=torch.int64, device=value.device))
    return value


@operations("Gather")
def gather(node: Node, value: Tensor, indices: Tensor) -> Tensor:
    """Return slices along an axis, by their places; negative ones count from the end."""
    axis = node.get("axis", 0)
    axis = axis + value.ndim if axis < 0 else axis
    places = torch.where(indices < 0, indices + value.shape[axis], indices).to(torch.int64)
    picked = value.index_select(axis, places.reshape(-1))
    return picked.reshape(*value.shape[:axis], *indices.shape, *value.shape[axis + 1 :])


@operations("GatherElements")
def gather_elements(node: Node, value: Tensor, indices: Tensor) -> Tensor:
    """Return, for every place in `indices`, the value that lies there along an axis."""
    axis = node.get("axis", 0)
    return torch.gather(value, axis, torch.where(indices < 0, indices + value.shape[axis], indices).to(torch.int64))


@operations("GatherND")
def gather_nd(node: Node, value: Tensor, indices: Tensor) -> Tensor:
    """Return what lies where the last axis of `indices` says, as a place along each of the first axes."""
    if node.get("batch_dims", 0):
        raise node.refuse("batch_dims")
    places = indices.to(torch.int64).unbind(-1)
    return value[
        tuple(torch.where(each < 0, each + size, each) for each, size in zip(places, value.shape, strict=False))
    ]


@operations("Expand", host=(1,))
def expand(_: Node, value: Tensor, shape: Host) -> Tensor:
    """Return the values repeated to a shape, as two of them are when they are added."""
    return value.expand(torch.broadcast_shapes(value.shape, integers(shape) or []))


@operations("Tile", host=(1,))
def tile(_: Node, value: Tensor, repeats: Host) -> Tensor:
    """Return the values repeated along each axis."""
    return value.repeat(integers(repeats) or [])


@operations("Pad", host=(1, 2, 3))
def pad(node: Node, value: Tensor, given: Host | None = None, constant: Any = None, axes: Host | None = None) -> Tensor:
    """Return the values with a margin: of a constant, of what they are at the edge, or of their mirror image."""
    sizes = integers(given, node.get("pads", node.get("paddings", None))) or []
    along = integers(axes) or list(range(len(sizes) // 2))
    margins = {axis % value.ndim: (sizes[i], sizes[i + len(along)]) for i, axis in enumerate(along)}
    widths = [size for axis in reversed(range(value.ndim)) for size in margins.get(axis, (0, 0))]
    mode = node.get("mode", "constant")
    if mode == "constant":
        return functional.pad(value, widths, value=number(constant, node.get("value", 0.0)))
    # Of the other modes, torch leaves batch and channels alone.
    inner, outer = widths[: 2 * (value.ndim - 2)], widths[2 * (value.ndim - 2) :]
    if mode not in ("reflect", "edge") or any(outer) or not inner or min(inner) < 0:
        raise node.refuse(f"mode {mode} and {sizes}")
    return functional.pad(value, inner, mode="replicate" if mode == "edge" else mode)


@operations("DepthToSpace")
def depth_to_space(node: Node, value: Tensor) -> Tensor:
    """Return channels laid out as blocks of rows and columns."""
    n, c, h, w = value.shape
    size = node.attributes["blocksize"]
    if node.get("mode", "DCR") == "CRD":
        return functional.pixel_shuffle(value, size)
    parts = value.reshape(n, size, size, c // size**2, h, w).permute(0, 3, 4, 1, 5, 2)
    return parts.reshape(n, c // size**2, h * size, w * size)


@operations("SpaceToDepth")
def space_to_depth(node: Node, value: Tensor) -> Tensor:
    """Return blocks of rows and columns laid out as channels."""
    n, c, h, w = value.shape
    size = node.attributes["blocksize"]
    if node.get("mode", "DCR") == "CRD":
        return functional.pixel_unshuffle(value, size)
    parts = value.reshape(n, c, h // size, size, w // size, size).permute(0, 3, 5, 1, 2, 4)
    return parts.reshape(n, c * size**2, h // size, w // size)


@operations("Trilu", host=(1,))
def trilu(node: Node, value: Tensor, diagonal: Any = None) -> Tensor:
    """Return the values on and above a diagonal, or on and below it, and zeros elsewhere."""
    place = int(number(diagonal, 0))
    return value.triu(place) if node.get("upper", 1) else value.tril(place)
