"""A network's parameters: the layers that hold them, put in another order, and put back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from audit.errors import MethodError
from audit.model import Model
from audit.seeds import stream_seed

Named = tuple[str, nn.Parameter]


@contextmanager
def as_it_was(model: Model) -> Iterator[nn.Module]:
    """Give the model's module, and leave it as it came: values, gradients, what needs them, and modes.

    Raises MethodError for a model without a module or parameters.
    """
    module = model.module
    if module is None or not any(p.is_floating_point() for p in module.parameters()):
        raise MethodError(f"model {model.name!r} shows no parameters")
    values = [
        (part, name, tensor, tensor.detach().clone())
        for part in module.modules()
        for name, tensor in (*part.named_parameters(recurse=False), *part.named_buffers(recurse=False))
    ]
    asked = [(parameter, parameter.requires_grad, parameter.grad) for parameter in module.parameters()]
    modes = {part: part.training for part in module.modules()}
    try:
        yield module
    finally:
        with torch.no_grad():
            for part, name, tensor, value in values:
                tensor.copy_(value)
                # A network of one's own may have put another tensor in its place.
                if getattr(part, name, None) is not tensor:
                    setattr(part, name, tensor)
        for parameter, requires_grad, gradient in asked:
            parameter.requires_grad_(requires_grad)
            parameter.grad = gradient
        for part, training in modes.items():
            part.training = training


def layers(module: nn.Module, model: Model, example: Tensor) -> list[list[Named]]:
    """Return the parameters of every layer that has any of its own, in order of execution; unused ones come first."""
    own = {
        part: [(f"{name}.{each}", p) for each, p in part.named_parameters(recurse=False) if p.is_floating_point()]
        for name, part in module.named_modules()
    }
    holders = [part for part, parameters in own.items() if parameters]
    seen: dict[nn.Module, None] = {}

    def note(part: nn.Module, *_: object) -> None:
        seen.setdefault(part)

    # A ScriptModule's parts cannot be watched: there the order of definition stands.
    watched = [part for part in holders if not isinstance(part, torch.jit.ScriptModule)]
    handles = [part.register_forward_hook(note) for part in watched]
    try:
        with torch.no_grad():
            model.logits(example)
    finally:
        for handle in handles:
            handle.remove()
    unseen = [part for part in holders if part not in seen]
    return [own[part] for part in (*unseen, *seen)]


def shuffle(parameters: Sequence[Named], seed: int) -> None:
    """Put the numbers of each parameter in an order that its name and the seed decide."""
    for name, parameter in parameters:
        generator = torch.Generator().manual_seed(stream_seed(seed, name))
        order = torch.randperm(parameter.numel(), generator=generator).to(parameter.device)
        with torch.no_grad():
            parameter.copy_(parameter.flatten()[order].view_as(parameter))
