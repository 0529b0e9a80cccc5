"""The layers of a network whose outputs are feature maps with room in them, and what one of them puts out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.export.unflatten import InterpreterModule
from torch.utils.hooks import RemovableHandle

from audit.errors import MethodError, did_you_mean
from audit.loaders.called import Called, in_parts
from audit.loaders.feature_map import FeatureMap
from audit.model import Model, differentiably
from audit.saliency.places import Places, bands, locate

TOGETHER = 16
"""How many layers' outputs are kept at a time while their axes are looked for."""
FIRST = (
    nn.Conv1d,
    nn.Conv2d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.BatchNorm2d,
    nn.InstanceNorm2d,
    nn.MaxPool2d,
    nn.AvgPool2d,
    nn.Upsample,
)
"""Layers that have channels right after the batch, whatever comes in."""


@dataclass(frozen=True)
class Layer:
    """A layer that put out feature maps (its first output, of `shape` for one input)."""

    module: nn.Module
    shape: torch.Size
    gradient: Tensor


class FeatureMaps:
    """The feature maps of a model for inputs of one shape, in order of execution."""

    def __init__(self, model: Model, shape: torch.Size) -> None:
        assert model.module is not None
        self.network = model.module
        self.tried = bands(shape, model.spec.bounds, model.device)
        # A network that is called in parts must be watched in just such ones.
        self.size = next((m.size for m in self.network.modules() if isinstance(m, Called)), None)
        tries = len(self.tried.inputs)
        with model.ledger.passes(forward=1 + tries, backward=1):
            self.layers, self._given = self._trace(self.tried.inputs[:1])
            self._extra = self._extra_tokens()

    def last(self) -> tuple[nn.Module, Places] | None:
        """Return the last layer whose maps lie along most of the input's axes, None where no layer's are known."""
        due = sum(count > 0 for count in (self.tried.rows, self.tried.columns))
        best: tuple[int, nn.Module, Places] | None = None
        for start in range(len(self.layers), 0, -TOGETHER):
            some = self.layers[max(start - TOGETHER, 0) : start][::-1]
            for layer, places in zip(some, self._located([layer.module for layer in some]), strict=True):
                if places is None or not self._matters(layer, places):
                    continue
                reach = sum(name != "" for name in places.along)
                if best is None or reach > best[0]:
                    best = reach, layer.module, places
            if best is not None and best[0] == due:
                break
        return best and best[1:]

    def places(self, module: nn.Module) -> Places | None:
        """Return how to read one layer's output, None where it is no feature map or its axes cannot be told."""
        return self._located([module])[0]

    def watched(self, call: Callable[[Tensor], Tensor], indices: Tensor) -> Tensor:
        """Return what `call` says of the clips at `indices` (n,), in batches such as the network takes."""
        return in_parts(call, indices, self.size, fixed=True)

    def _trace(self, example: Tensor) -> tuple[list[Layer], list[nn.Module]]:
        """Return the layers with feature maps that matter to an answer, and every layer that is given sequences."""
        shown = [layer for layer in self.network.modules() if isinstance(layer, FeatureMap)]
        put_out: list[tuple[nn.Module, Tensor]] = []
        given: dict[nn.Module, None] = {}
        learned = bool(shown)

        def note(layer: nn.Module, arguments: tuple[Any, ...], output: Any) -> None:
            nonlocal learned
            learned = learned or any(parameter.ndim > 1 for parameter in layer.parameters())
            first = first_map(output)
            if first is not None and learned and layer is not self.network:
                put_out.append((layer, first))
            if given_sequence(arguments) is not None:
                given.setdefault(layer)

        leaf = example.detach().requires_grad_(True)
        with watching(shown or list(self.network.modules()), note), torch.enable_grad():
            with differentiably(self.network, leaf):
                outputs = in_parts(self.network, leaf, self.size, fixed=True)
            with_gradient = [pair for pair in put_out if pair[1].requires_grad] if outputs.requires_grad else []
            gradients = (
                torch.autograd.grad(outputs[:, 0].sum(), [kept for _, kept in with_gradient], allow_unused=True)
                if with_gradient
                else ()
            )
        found: dict[nn.Module, Layer] = {}
        for (layer, kept), gradient in zip(with_gradient, gradients, strict=True):
            if gradient is not None:
                found.pop(layer, None)
                found[layer] = Layer(layer, kept.shape, gradient)
        return list(found.values()), list(given)

    def _outputs(self, modules: Sequence[nn.Module], *, inputs_of: bool = False) -> list[Tensor | None]:
        """Return what some layers put out for the inputs that were tried, or what they were given."""
        kept: dict[nn.Module, Tensor] = {}

        def note(layer: nn.Module, arguments: tuple[Any, ...], output: Any) -> None:
            tensor = given_sequence(arguments) if inputs_of else first_map(output)
            if tensor is not None:
                kept[layer] = tensor.detach().clone()

        found: dict[nn.Module, list[Tensor]] = {module: [] for module in modules}

        def collected(inputs: Tensor) -> Tensor:
            # Without a gradient to take, torch runs some layers as one and calls none of their parts.
            with torch.enable_grad():
                answer = self.network(inputs.detach().requires_grad_(True)).detach()
            for module in modules:
                if module in kept:
                    found[module].append(kept[module])
            return answer

        with watching(modules, note):
            in_parts(collected, self.tried.inputs, self.size, fixed=True)
        return [torch.cat(parts)[: len(self.tried.inputs)] if parts else None for parts in found.values()]

    def _located(self, modules: Sequence[nn.Module]) -> list[Places | None]:
        found: list[Places | None] = []
        grids = {(layer.shape[-2], layer.shape[-1]) for layer in self.layers if len(layer.shape) == 4}
        for module, output in zip(modules, self._outputs(modules), strict=True):
            if output is None:
                found.append(None)
                continue
            batch = next((axis for axis in (0, 1) if output.shape[axis] == len(self.tried.inputs)), None)
            if batch is None:
                found.append(None)
                continue
            tokens = [(0, 0), *(self._extra[size] for size in output.shape if size in self._extra)][-1:]
            channels = 1 if _channels_first(module) else None
            found.append(locate(output, self.tried, channels=channels, batch=batch, grids=grids, tokens=tokens))
        return found

    def _extra_tokens(self) -> dict[int, tuple[int, int]]:
        """Return, by the length of a sequence, how many tokens at its ends no part of the input reaches at first."""
        found: dict[int, tuple[int, int]] = {}
        for given in self._outputs(self._given, inputs_of=True):
            if given is None or given.shape[0] != len(self.tried.inputs):
                continue
            answers = self.tried.answers(given)
            moved = torch.cat([answers["rows"], answers["columns"]]).sum((0, 2))
            if len(moved) < 3 or len(moved) in found or not bool(moved[1:-1].all()):
                continue
            found[len(moved)] = int(moved[0] == 0), int(moved[-1] == 0)
        return found

    @staticmethod
    def _matters(layer: Layer, places: Places) -> bool:
        """Return whether the answer depends on the maps where they have places, as it does not on all but a CLS."""
        seen = places.view(layer.gradient)
        return seen.shape[2:].numel() > 1 and bool(seen.any())


def first_map(output: Any) -> Tensor | None:
    """Return an output, or the first of a tuple of them, where it has room for places: a layer may serve twice."""
    first = output[0] if isinstance(output, tuple | list) and output else output
    return first if isinstance(first, Tensor) and first.ndim in (3, 4) else None


def given_sequence(arguments: tuple[Any, ...]) -> Tensor | None:
    """Return what a layer is given, where that is a sequence."""
    given = arguments[0] if arguments else None
    return given if isinstance(given, Tensor) and given.ndim == 3 else None


@contextmanager
def watching(modules: Sequence[nn.Module], hook: Callable[[nn.Module, tuple[Any, ...], Any], Any]) -> Iterator[None]:
    """Call `hook` after each of the modules, as torch's forward hooks are."""
    handles: list[RemovableHandle] = [module.register_forward_hook(hook) for module in modules]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def named(network: nn.Module, name: str) -> nn.Module:
    """Return the layer of a dotted name; raises MethodError naming the nearest."""
    layers = dict(network.named_modules())
    layers |= {layer.name: layer for layer in layers.values() if isinstance(layer, FeatureMap)}
    if name not in layers:
        raise MethodError(f"gradcam: the model has no layer {name!r}{did_you_mean(name, layers)}")
    return layers[name]


def _channels_first(layer: nn.Module) -> bool:
    # A layer of an exported program is known by the name of what it was.
    was = (layer.type_name() or "").rpartition(".")[2] if isinstance(layer, InterpreterModule) else ""
    return isinstance(layer, (*FIRST, FeatureMap)) or was in {kind.__name__ for kind in FIRST}
