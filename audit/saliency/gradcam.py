"""Grad-CAM: the last feature maps, weighted by how much the target logit depends on each."""

from __future__ import annotations

import torch
from captum.attr import LayerGradCam
from torch import Tensor, nn
from torch.export.unflatten import InterpreterModule
from torch.nn import functional

from audit.attribution import Attribution
from audit.errors import MethodError, did_you_mean
from audit.kinds import saliency
from audit.loaders.called import Called, in_parts
from audit.loaders.feature_map import FeatureMap
from audit.model import Model
from audit.randomness import SampleRng


@saliency()
def gradcam(model: Model, inputs: Tensor, targets: Tensor, rng: SampleRng, *, layer: str | None = None) -> Attribution:
    """Return the positive part of the class activation map, interpolated to the inputs' size, (n, ...).

    `layer` is a module's dotted name; without it, the last module that puts out feature maps with room in them.
    Selvaraju et al. (2017), Grad-CAM. Computed by captum's LayerGradCam.
    Raises MethodError where there is no torch module, one whose layers torch does not show, or no convolutional feature
    map.
    """
    del rng
    if model.module is None:
        raise MethodError(f"gradcam needs a torch module, and model {model.name!r} has none; use lime")
    if any(isinstance(layer, torch.jit.ScriptModule) for layer in model.module.modules()):
        raise MethodError(
            f"gradcam watches layers, and torch shows none of a ScriptModule, as model {model.name!r} is one; use the "
            "network itself, its export to .pt2, or smoothgrad or lime"
        )
    rows_last = _rows_last(model)
    chosen = _named(model.module, layer) if layer else _last_feature_map(model.module, inputs[:1])
    cam = LayerGradCam(model.module, chosen)

    def mapped(indices: Tensor) -> Tensor:
        leaf = inputs[indices].detach().requires_grad_(True)
        return cam.attribute(leaf, targets[indices], relu_attributions=True).detach()

    # A network that takes batches of one size alone must be watched in just such ones.
    size = next((m.size for m in model.module.modules() if isinstance(m, Called) and m.fixed), None)
    with model.ledger.passes(forward=len(inputs), backward=len(inputs)):
        map_ = in_parts(mapped, torch.arange(len(inputs), device=inputs.device), size, fixed=True)
    return Attribution(_fitted(map_, inputs, rows_last=rows_last))


def _fitted(map_: Tensor, inputs: Tensor, *, rows_last: bool) -> Tensor:
    """Return a map (n, 1, columns) or (n, 1, rows, columns) of features as one of inputs; channels share it."""
    if map_.ndim == 3:
        values = functional.interpolate(map_, size=inputs.shape[-1], mode="linear", align_corners=False)
        # Over time alone: of a spectrogram, every frequency of a moment counts the same.
        values = values.unsqueeze(-2) if inputs.ndim == 4 else values
    else:
        map_ = map_.transpose(-1, -2) if rows_last else map_
        values = functional.interpolate(map_, size=inputs.shape[-2:], mode="bilinear", align_corners=False)
    return values.expand_as(inputs).contiguous() if inputs.ndim > 2 else values.reshape(inputs.shape)


def _rows_last(model: Model) -> bool:
    """Return whether the network has columns before rows, as with `order: ntf1`; raises MethodError for chunks."""
    if model.chunked:
        raise MethodError(f"gradcam cannot put the maps of pieces together, and model {model.name!r} takes chunks")
    places = [letter for letter in model.order or "" if letter in "fthw"]
    return places in (["t", "f"], ["w", "h"])


def _named(module: nn.Module, name: str) -> nn.Module:
    layers = dict(module.named_modules())
    layers |= {layer.name: layer for layer in layers.values() if isinstance(layer, FeatureMap)}
    if name not in layers:
        raise MethodError(f"gradcam: the model has no layer {name!r}{did_you_mean(name, layers)}")
    return layers[name]


def _last_feature_map(module: nn.Module, example: Tensor) -> nn.Module:
    """Return the last module, in order of execution, whose output is a feature map that convolutions made."""
    ahead = getattr(module, "ahead", None)
    rank = 4 if (ahead(example) if isinstance(ahead, nn.Module) else example).ndim == 4 else 3
    places = [layer for layer in module.modules() if isinstance(layer, FeatureMap)]
    seen: list[nn.Module] = []

    def note(layer: nn.Module, _: object, output: object) -> None:
        if layer is module or not isinstance(output, Tensor) or output.ndim != rank:
            return
        # Before any convolution there is no feature map; one cell alone says nothing of where.
        convolved = bool(seen) or isinstance(layer, FeatureMap) or any(map(_convolves, layer.modules()))
        if convolved and output.shape[1] > 1 and output.shape[2:].numel() > 1:
            seen.append(layer)

    handles = [layer.register_forward_hook(note) for layer in places or module.modules()]
    try:
        with torch.no_grad():
            module(example)
    finally:
        for handle in handles:
            handle.remove()
    if not seen:
        raise MethodError(
            "gradcam found no convolutional feature map in this model (torch shows no layers of TorchScript); "
            "name one with `layer`, or use lrp or lime"
        )
    return seen[-1]


def _convolves(layer: nn.Module) -> bool:
    # A layer of an exported program is known by the name of what it was.
    was = layer.type_name() or "" if isinstance(layer, InterpreterModule) else ""
    return isinstance(layer, nn.Conv1d | nn.Conv2d) or was.endswith((".Conv1d", ".Conv2d"))
