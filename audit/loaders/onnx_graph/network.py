"""A converted graph as a network of torch: a module for each of its operations, called in the graph's order."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from audit.loaders.onnx_graph.table import Host, Node, NotConvertedError, Operation, Value

Values = dict[str, Value]
# As ONNX numbers its types.
DOUBLE = 11
FLOATING = (1, 10, 11, 16)


class Layer(nn.Module):
    """One operation; inputs that are constants are its own, and `forward` takes the others in their order."""

    def __init__(self, node: Node, operation: Operation, constants: Mapping[int, Host], places: int) -> None:
        super().__init__()
        self.node, self.operation, self.places = node, operation, places
        self.fixed: dict[int, Host] = {}
        for place, value in constants.items():
            if place in operation.host:
                self.fixed[place] = value
                continue
            tensor = torch.from_numpy(np.array(value))
            if tensor.is_floating_point() and tensor.ndim:
                self.register_parameter(f"input{place}", nn.Parameter(tensor, requires_grad=False))
            else:
                self.register_buffer(f"input{place}", tensor)

    def forward(self, *given: Value) -> Any:
        """Return what the operation makes of its inputs, one tensor or a tuple of them."""
        remaining = iter(given)
        values = [self._own(place, remaining) for place in range(self.places)]
        device = next((value.device for value in values if isinstance(value, Tensor)), None)
        return self.operation.function(
            self.node,
            *(
                torch.from_numpy(np.array(value)).to(device)
                if isinstance(value, np.ndarray) and place not in self.operation.host
                else value
                for place, value in enumerate(values)
            ),
        )

    def _own(self, place: int, remaining: Any) -> Value:
        if place in self.fixed:
            return self.fixed[place]
        name = f"input{place}"
        return getattr(self, name) if name in self._parameters or name in self._buffers else next(remaining)

    def extra_repr(self) -> str:
        """Return the operation's name, which a printed network shows."""
        return self.node.kind


@dataclass(frozen=True)
class Step:
    """What is computed of which values, by name; an input of '' is left out.

    `compute` is the name of a layer, a function of numpy arrays, or, where it depends on a size which steps are taken,
    those that are where the one input is true, and those where it is not, each with the values that they end in.
    `is_map` says that the output is a feature map, (n, channels, places...), as far as it has places.
    """

    compute: str | Callable[[Sequence[Any]], Sequence[Host]] | tuple[Branch, Branch]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    is_map: bool = False


@dataclass(frozen=True)
class Branch:
    """Steps, and the names of the values that they end in."""

    steps: tuple[Step, ...]
    outputs: tuple[str, ...]


class Network(nn.Module):
    """A graph of one input and one output, from (n, ...) to (n, ...); `numbers` are values known from the start."""

    def __init__(
        self,
        layers: Mapping[str, nn.Module],
        steps: Sequence[Step],
        numbers: Mapping[str, Host],
        *,
        ends: tuple[str, str],
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleDict(layers)
        self.steps, self.numbers = tuple(steps), dict(numbers)
        self.source, self.output = ends
        self._dropped = _dropped(self.steps, self.output)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the output for inputs (n, ...)."""
        values: Values = {self.source: inputs, "": None, **self.numbers}
        for step, dropped in zip(self.steps, self._dropped, strict=True):
            self._take(step, values)
            for name in dropped:
                values.pop(name, None)
        output = values[self.output]
        if not isinstance(output, Tensor):
            raise NotConvertedError("an output that does not depend on the input")
        return output

    def _take(self, step: Step, values: Values) -> None:
        given = [values[name] for name in step.inputs]
        found: Any
        if isinstance(step.compute, tuple):
            branch = step.compute[0 if bool(np.asarray(given[0]).item()) else 1]
            for inner in branch.steps:
                self._take(inner, values)
            found = [values[name] for name in branch.outputs]
        elif isinstance(step.compute, str):
            layer = self.layers[step.compute]
            # A hook sees feature maps alone: of other axes, GradCAM would take one for channels.
            found = layer(*given) if step.is_map else layer.forward(*given)
        else:
            found = step.compute(given)
        parts = found if isinstance(found, tuple | list) else (found,)
        values.update({name: part for name, part in zip(step.outputs, parts, strict=False) if name})


def doubled(network: Network) -> Network:
    """Return a copy that computes in double precision throughout, where the graph casts to another one as well."""
    twin = copy.deepcopy(network).double()
    for layer in twin.layers.values():
        if isinstance(layer, Layer) and layer.node.kind == "Cast" and layer.node.attributes["to"] in FLOATING:
            layer.node = replace(layer.node, attributes={**layer.node.attributes, "to": DOUBLE})
    return twin


def _dropped(steps: Sequence[Step], output: str) -> list[tuple[str, ...]]:
    """Return, for each step, the values that none after it needs."""
    needed, found = {output}, []
    for step in reversed(steps):
        used = set(used_by(step))
        found.append(tuple(sorted((used | set(step.outputs)) - needed - {""})))
        needed |= used
    return found[::-1]


def used_by(step: Step) -> Iterator[str]:
    """Yield the names of the values that a step reads, in its branches as well."""
    yield from step.inputs
    for branch in step.compute if isinstance(step.compute, tuple) else ():
        yield from branch.outputs
        for inner in branch.steps:
            yield from used_by(inner)
