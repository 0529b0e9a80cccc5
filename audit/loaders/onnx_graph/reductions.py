"""Operations that make one number of many along axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from audit.loaders.onnx_graph.table import Host, Node, Operation, Table, integers, number

operations = Table()
Reduction = Callable[[Tensor, list[int], bool], Tensor]


def _product(value: Tensor, axes: list[int], keepdim: bool) -> Tensor:
    for axis in sorted((axis % value.ndim for axis in axes), reverse=True):
        value = value.prod(axis, keepdim=keepdim)
    return value


def _reducing(reduce: Reduction) -> Operation:
    def function(node: Node, value: Tensor, given: Host | None = None) -> Tensor:
        axes = integers(given, node.get("axes", None))
        if not axes:
            if node.get("noop_with_empty_axes", 0):
                # Each number by itself: of a sum of squares, its square.
                return reduce(value.unsqueeze(-1), [-1], False)
            axes = list(range(value.ndim))
        return reduce(value, axes, bool(node.get("keepdims", 1)))

    return Operation(function, frozenset({1}))


REDUCTIONS: dict[str, Reduction] = {
    "ReduceSum": lambda value, axes, keep: value.sum(axes, keepdim=keep),
    "ReduceMean": lambda value, axes, keep: value.mean(axes, keepdim=keep),
    "ReduceMax": lambda value, axes, keep: value.amax(axes, keepdim=keep),
    "ReduceMin": lambda value, axes, keep: value.amin(axes, keepdim=keep),
    "ReduceProd": _product,
    "ReduceL1": lambda value, axes, keep: value.abs().sum(axes, keepdim=keep),
    "ReduceL2": lambda value, axes, keep: torch.linalg.vector_norm(value, dim=axes, keepdim=keep),
    "ReduceLogSum": lambda value, axes, keep: value.sum(axes, keepdim=keep).log(),
    "ReduceLogSumExp": lambda value, axes, keep: value.logsumexp(axes, keepdim=keep),
    "ReduceSumSquare": lambda value, axes, keep: (value * value).sum(axes, keepdim=keep),
}
operations.update({kind: _reducing(reduce) for kind, reduce in REDUCTIONS.items()})


def _largest_at(node: Node, value: Tensor, pick: Callable[..., Tensor]) -> Tensor:
    if node.get("select_last_index", 0):
        raise node.refuse("select_last_index")
    return pick(value, dim=node.get("axis", 0), keepdim=bool(node.get("keepdims", 1)))


@operations("ArgMax")
def arg_max(node: Node, value: Tensor) -> Tensor:
    """Return where the largest value along an axis is."""
    return _largest_at(node, value, torch.argmax)


@operations("ArgMin")
def arg_min(node: Node, value: Tensor) -> Tensor:
    """Return where the smallest value along an axis is."""
    return _largest_at(node, value, torch.argmin)


@operations("CumSum", host=(1,))
def cum_sum(node: Node, value: Tensor, axis: Any) -> Tensor:
    """Return running sums along an axis."""
    if node.get("exclusive", 0) or node.get("reverse", 0):
        raise node.refuse("exclusive or reverse")
    return torch.cumsum(value, int(number(axis, 0)))
