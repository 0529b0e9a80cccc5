"""How the operations of ONNX are written down in torch: one function each, found by the operation's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Host = NDArray[Any]
"""Numbers that no gradient passes: sizes, axes, constants."""
Value = Tensor | Host | None
"""What an operation takes; None for an input that is left out."""


class NotConvertedError(Exception):
    """A graph does something that is not written down in torch; the message says what."""


@dataclass(frozen=True)
class Node:
    """One operation of a graph: `kind` is its name in ONNX, `version` that of the operator set it is meant in.

    It puts out `outputs`, of which none is read after the first `wanted`.
    """

    kind: str
    version: int
    attributes: Mapping[str, Any]
    outputs: int
    wanted: int

    def get(self, name: str, default: Any) -> Any:
        """Return an attribute, `default` where it is left out."""
        return self.attributes.get(name, default)

    def refuse(self, what: str) -> NotConvertedError:
        """Return the error that says that this operation is not converted with `what`."""
        return NotConvertedError(f"{self.kind} with {what}")


@dataclass(frozen=True)
class Operation:
    """`function(node, *inputs) -> Tensor`, or a tuple where there are more outputs; inputs at `host` are numpy's."""

    function: Callable[..., Any]
    host: frozenset[int] = frozenset()


class Table(dict[str, Operation]):
    """Operations by their names; `@table("Conv")` puts a function in."""

    def __call__(self, *kinds: str, host: tuple[int, ...] = ()) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Mark `function(node, *inputs)` as what `kinds` do."""

        def put(function: Callable[..., Any]) -> Callable[..., Any]:
            self.update(dict.fromkeys(kinds, Operation(function, frozenset(host))))
            return function

        return put

    def plain(self, **functions: Callable[..., Tensor]) -> None:
        """Put in functions of the inputs alone, which no attribute changes."""
        for kind, function in functions.items():
            self[kind] = Operation(_without_node(function))


def _without_node(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda _, *inputs: function(*inputs)


def integers(value: Host | None, attribute: Any = None) -> list[int] | None:
    """Return a list of integers given as an input, or, in older operator sets, as an attribute; None for neither."""
    given = value if value is not None else attribute
    return None if given is None else [int(each) for each in np.asarray(given).reshape(-1)]


def number(value: Host | None, otherwise: Any) -> Any:
    """Return the one number given as an input, `otherwise` where it is left out."""
    return otherwise if value is None else np.asarray(value).reshape(-1)[0].item()
