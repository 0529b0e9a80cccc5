"""Grad-CAM: the last feature maps, weighted by how much the target logit depends on each."""

from __future__ import annotations

import torch
from captum.attr import LayerGradCam
from torch import Tensor, nn
from torch.nn import functional

from audit.attribution import Attribution
from audit.errors import MethodError, did_you_mean
from audit.kinds import saliency
from audit.model import Model
from audit.randomness import SampleRng


@saliency()
def gradcam(model: Model, inputs: Tensor, targets: Tensor, rng: SampleRng, *, layer: str | None = None) -> Attribution:
    """Return the positive part of the class activation map, interpolated to the inputs' size, (n, ...).

    `layer` is a module's dotted name; without it, the last module that puts out feature maps with room in them.
    Selvaraju et al. (2017), Grad-CAM. Computed by captum's LayerGradCam.
    Raises MethodError where there is no torch module or no convolutional feature map.
    """
    del rng
    if model.module is None:
        raise MethodError(f"gradcam needs a torch module, and model {model.name!r} has none; use lime")
    chosen = _named(model.module, layer) if layer else _last_feature_map(model.module, inputs[:1])
    leaf = inputs.detach().requires_grad_(True)
    with model.ledger.passes(forward=len(inputs), backward=len(inputs)):
        map_ = LayerGradCam(model.module, chosen).attribute(leaf, targets, relu_attributions=True).detach()
    if map_.ndim == 3:
        values = functional.interpolate(map_, size=inputs.shape[-1], mode="linear", align_corners=False)
    else:
        values = functional.interpolate(map_, size=inputs.shape[-2:], mode="bilinear", align_corners=False)
    return Attribution(values.reshape(len(inputs), *inputs.shape[1:]))


def _named(module: nn.Module, name: str) -> nn.Module:
    layers = dict(module.named_modules())
    if name not in layers:
        raise MethodError(f"gradcam: the model has no layer {name!r}{did_you_mean(name, layers)}")
    return layers[name]


def _last_feature_map(module: nn.Module, example: Tensor) -> nn.Module:
    """Return the last module, in order of execution, whose output is a feature map that convolutions made."""
    rank = 4 if example.ndim == 4 else 3
    seen: list[nn.Module] = []

    def note(layer: nn.Module, _: object, output: object) -> None:
        if layer is module or not isinstance(output, Tensor) or output.ndim != rank:
            return
        # Before any convolution there is no feature map; one cell alone says nothing of where.
        convolved = bool(seen) or any(isinstance(m, nn.Conv1d | nn.Conv2d) for m in layer.modules())
        if convolved and output.shape[1] > 1 and output.shape[2:].numel() > 1:
            seen.append(layer)

    handles = [layer.register_forward_hook(note) for layer in module.modules()]
    try:
        with torch.no_grad():
            module(example)
    finally:
        for handle in handles:
            handle.remove()
    if not seen:
        raise MethodError(
            "gradcam found no convolutional feature map in this model; name one with `layer`, or use lrp or lime"
        )
    return seen[-1]
