"""Operations on each number by itself."""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor

from audit.loaders.onnx_graph.table import Node, Table, number

operations = Table()
operations.plain(
    Abs=torch.abs,
    Neg=torch.neg,
    Sqrt=torch.sqrt,
    Reciprocal=torch.reciprocal,
    Exp=torch.exp,
    Log=torch.log,
    Sign=torch.sign,
    Floor=torch.floor,
    Ceil=torch.ceil,
    Round=torch.round,
    Sin=torch.sin,
    Cos=torch.cos,
    Tan=torch.tan,
    Asin=torch.asin,
    Acos=torch.acos,
    Atan=torch.atan,
    Sinh=torch.sinh,
    Cosh=torch.cosh,
    Asinh=torch.asinh,
    Acosh=torch.acosh,
    Atanh=torch.atanh,
    Erf=torch.erf,
    IsNaN=torch.isnan,
    Equal=torch.eq,
    Greater=torch.gt,
    Less=torch.lt,
    GreaterOrEqual=torch.ge,
    LessOrEqual=torch.le,
    And=torch.logical_and,
    Or=torch.logical_or,
    Xor=torch.logical_xor,
    Not=torch.logical_not,
    Where=torch.where,
    Identity=lambda value: value,
)
# The numbers that ONNX gives its types; those of fewer than 16 bits, and complex ones, are not converted.
DTYPES = {
    1: torch.float32,
    2: torch.uint8,
    3: torch.int8,
    5: torch.int16,
    6: torch.int32,
    7: torch.int64,
    9: torch.bool,
    10: torch.float16,
    11: torch.float64,
    16: torch.bfloat16,
}


def _refuse_old_broadcasting(node: Node) -> None:
    if node.version < 7 and node.get("broadcast", 0):
        raise node.refuse("the broadcasting of operator sets before 7")


@operations("Add")
def add(node: Node, left: Tensor, right: Tensor) -> Tensor:
    """Return left + right."""
    _refuse_old_broadcasting(node)
    return left + right


@operations("Sub")
def sub(node: Node, left: Tensor, right: Tensor) -> Tensor:
    """Return left - right."""
    _refuse_old_broadcasting(node)
    return left - right


@operations("Mul")
def mul(node: Node, left: Tensor, right: Tensor) -> Tensor:
    """Return left * right."""
    _refuse_old_broadcasting(node)
    return left * right


@operations("Div")
def div(node: Node, left: Tensor, right: Tensor) -> Tensor:
    """Return left / right, of integers cut off towards zero."""
    _refuse_old_broadcasting(node)
    return left / right if left.is_floating_point() else torch.div(left, right, rounding_mode="trunc")


@operations("Pow")
def power(node: Node, base: Tensor, exponent: Tensor) -> Tensor:
    """Return base ** exponent, in the type of the base."""
    _refuse_old_broadcasting(node)
    return torch.pow(base, exponent).to(base.dtype)


@operations("Mod")
def mod(node: Node, left: Tensor, right: Tensor) -> Tensor:
    """Return the remainder, with the sign of `left` where `fmod` is set, else of `right`."""
    return torch.fmod(left, right) if node.get("fmod", 0) else torch.remainder(left, right)


@operations("Max")
def largest(_: Node, *values: Tensor) -> Tensor:
    """Return the largest of several, cell by cell."""
    return functools.reduce(torch.maximum, values)


@operations("Min")
def smallest(_: Node, *values: Tensor) -> Tensor:
    """Return the smallest of several, cell by cell."""
    return functools.reduce(torch.minimum, values)


@operations("Sum")
def total(_: Node, *values: Tensor) -> Tensor:
    """Return the sum of several, cell by cell."""
    return functools.reduce(torch.add, values)


@operations("Mean")
def mean(_: Node, *values: Tensor) -> Tensor:
    """Return the mean of several, cell by cell."""
    return functools.reduce(torch.add, values) / len(values)


@operations("Clip", host=(1, 2))
def clip(node: Node, value: Tensor, low: Any = None, high: Any = None) -> Tensor:
    """Return values brought into [low, high]; either end may be left out."""
    least, most = number(low, node.get("min", None)), number(high, node.get("max", None))
    return value if least is None and most is None else torch.clamp(value, least, most)


@operations("Cast")
def cast(node: Node, value: Tensor) -> Tensor:
    """Return values in another type."""
    to = int(node.attributes["to"])
    if to not in DTYPES:
        raise node.refuse(f"type {to}")
    return value.to(DTYPES[to])


@operations("CastLike")
def cast_like(_: Node, value: Tensor, like: Tensor) -> Tensor:
    """Return values in the type of others."""
    return value.to(like.dtype)


@operations("Dropout", host=(1, 2))
def dropout(node: Node, value: Tensor, ratio: Any = None, training: Any = None) -> Tensor:
    """Return values unchanged, as ever but in training."""
    del ratio
    if node.wanted > 1 or number(training, False):
        raise node.refuse("training mode" if node.wanted == 1 else "its mask as an output")
    return value


@operations("Einsum")
def einsum(node: Node, *values: Tensor) -> Tensor:
    """Return the sum of products that the equation describes."""
    return torch.einsum(node.attributes["equation"], *values)
