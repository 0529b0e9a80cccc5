"""Grad-CAM: the last feature maps, weighted by how much the target logit depends on each."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from audit.attribution import Attribution
from audit.errors import MethodError
from audit.kinds import saliency
from audit.model import Model, differentiably
from audit.randomness import SampleRng
from audit.saliency.feature_maps import FeatureMaps, first_map, named, watching
from audit.saliency.places import Places


@saliency()
def gradcam(model: Model, inputs: Tensor, targets: Tensor, rng: SampleRng, *, layer: str | None = None) -> Attribution:
    """Return the positive part of the class activation map, interpolated to the inputs' size, (n, ...).

    `layer` is a module's dotted name; without it, the last module that puts out feature maps along both of the input's
    axes, or else along one: of a recurrent layer or a transformer, every frequency of a moment counts the same. Which
    axes of its output are channels, rows and columns is found by changing noise band by band and seeing what moves.
    Selvaraju et al. (2017), Grad-CAM: visual explanations from deep networks via gradient-based localization.
    Raises MethodError where there is no torch module, one whose layers torch does not show, no feature map whose axes
    can be told, or one for every frame of a video, and for a video with its sound.
    """
    del rng
    if model.module is None or not model.differentiable:
        raise MethodError(f"gradcam needs a torch module, and model {model.name!r} has none; use lime")
    if any(isinstance(part, torch.jit.ScriptModule) for part in model.module.modules()):
        raise MethodError(
            f"gradcam watches layers, and torch shows none of a ScriptModule, as model {model.name!r} is one; use the "
            "network itself, its export to .pt2, or smoothgrad or lime"
        )
    if model.chunked:
        raise MethodError(f"gradcam cannot put the maps of pieces together, and model {model.name!r} takes chunks")
    if model.spec.modality == "audiovisual":
        raise MethodError(
            f"gradcam finds no place for a layer's maps in an input of sound and picture, as model {model.name!r} "
            "takes it; use smoothgrad, occlusion or lime, or audit its members by themselves"
        )
    maps = FeatureMaps(model, inputs.shape[1:])
    chosen, places = _chosen(maps, layer)

    def mapped(indices: Tensor) -> Tensor:
        return _class_activation(maps.network, chosen, places, inputs[indices], targets[indices])

    with model.ledger.passes(forward=len(inputs), backward=len(inputs)):
        map_ = maps.watched(mapped, torch.arange(len(inputs), device=inputs.device))
    return Attribution(_fitted(map_, inputs))


def _chosen(maps: FeatureMaps, name: str | None) -> tuple[nn.Module, Places]:
    if name is not None:
        layer = named(maps.network, name)
        places = maps.places(layer)
        if places is None:
            raise MethodError(f"gradcam: of layer {name!r} it cannot be told which axes are places and which channels")
        return layer, places
    found = maps.last()
    if found is None:
        raise MethodError(
            "gradcam found no convolutional feature map in this model, nor one of another kind that the answer depends "
            "on and whose axes can be told (torch shows no layers of TorchScript); name one with `layer`, or use lrp "
            "or lime"
        )
    return found


def _class_activation(network: nn.Module, layer: nn.Module, places: Places, inputs: Tensor, targets: Tensor) -> Tensor:
    """Return ReLU(sum over channels of weight x map), a weight the mean gradient over places, (n, rows, columns)."""
    put_out: list[Tensor] = []

    def keep(_: nn.Module, __: Any, output: Any) -> Any:
        first = first_map(output)
        if first is None:
            return None
        put_out.append(first)
        # What follows may work in place, and gets a copy.
        return first.clone() if first is output else type(output)([first.clone(), *output[1:]])

    leaf = inputs.detach().requires_grad_(True)
    with watching([layer], keep), differentiably(network, leaf):
        logits = network(leaf)
    chosen, gradient = logits.gather(1, targets[:, None]).sum(), None
    if chosen.requires_grad:
        (gradient,) = torch.autograd.grad(chosen, put_out[-1], allow_unused=True)
    if gradient is None:
        raise MethodError("gradcam: the answer does not depend on what this layer puts out; name another with `layer`")
    count = len(places.view(gradient))
    if count != len(inputs):
        raise MethodError(
            f"gradcam: this layer puts out {count} maps for {len(inputs)} inputs, as one that looks at each frame of a "
            "video by itself; whose they are cannot be told: use smoothgrad, occlusion or lime"
        )
    weights = places.view(gradient).mean((2, 3), keepdim=True)
    return functional.relu((weights * places.view(put_out[-1].detach())).sum(1))


def _fitted(map_: Tensor, inputs: Tensor) -> Tensor:
    """Return maps (n, rows, columns) of features as ones of inputs (n, ...); channels share them."""
    plane = inputs.shape[-2:] if inputs.ndim > 3 else (1, inputs.shape[-1])
    map_ = map_ if plane[0] > 1 else map_.mean(1, keepdim=True)
    # What has one row says the same of every one, to the last bit.
    size = [there if here > 1 else 1 for there, here in zip(plane, map_.shape[1:], strict=True)]
    values = functional.interpolate(map_[:, None], size=size, mode="bilinear", align_corners=False)
    values = values.expand(-1, -1, *plane)
    values = values if inputs.ndim > 3 else values.view(len(inputs), *[1] * (inputs.ndim - 2), inputs.shape[-1])
    return values.expand_as(inputs).contiguous()
