"""Networks that look robust to an attack by gradients and are not: each hides the gradient in a way that happens."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn


class Rounded(nn.Module):
    """The input is brought to a few levels first, as by a lossy codec or a defence by bit depth: zero gradient."""

    def __init__(self, inner: nn.Module, levels: int = 64) -> None:
        super().__init__()
        self.inner, self.levels = inner, levels

    def forward(self, inputs: Tensor) -> Tensor:
        return self.inner(torch.round(inputs * self.levels) / self.levels)


class Saturated(nn.Module):
    """Logits many times too large, as after training without end or distillation at a temperature."""

    def __init__(self, inner: nn.Module, factor: float = 1e4) -> None:
        super().__init__()
        self.inner, self.factor = inner, factor

    def forward(self, inputs: Tensor) -> Tensor:
        return self.factor * self.inner(inputs)


class Softmaxed(nn.Module):
    """Probabilities where logits are due: whoever takes them for logits divides by their sum once more."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, inputs: Tensor) -> Tensor:
        return self.inner(inputs).softmax(1)


class Randomised(nn.Module):
    """Noise is added to every input before it is looked at: no two answers, and no two gradients, are the same."""

    def __init__(self, inner: nn.Module, size: float = 0.2) -> None:
        super().__init__()
        self.inner, self.size = inner, size

    def forward(self, inputs: Tensor) -> Tensor:
        return self.inner(inputs + self.size * torch.randn_like(inputs))


class Shattered(nn.Module):
    """A fine ripple lies on every cell: the answers stay, and the gradient points anywhere."""

    def __init__(self, inner: nn.Module, height: float = 2e-3, period: float = 5e-4) -> None:
        super().__init__()
        self.inner, self.height, self.period = inner, height, period

    def forward(self, inputs: Tensor) -> Tensor:
        return self.inner(inputs + self.height * torch.sin(2 * torch.pi * inputs / self.period))


class Stepped(nn.Module):
    """A rectifier whose values are whole multiples of a step, as on hardware of few bits: zero gradient."""

    def __init__(self, step: float = 0.05) -> None:
        super().__init__()
        self.step = step

    def forward(self, values: Tensor) -> Tensor:
        return torch.round(values.relu() / self.step) * self.step


def quantised(inner: nn.Module, step: float = 0.05) -> nn.Module:
    """Return a copy of a sequential network with every rectifier stepped."""
    copied = deepcopy(inner)
    for name, layer in copied.named_children():
        if isinstance(layer, nn.ReLU):
            setattr(copied, name, Stepped(step))
    return copied


def masked(inner: nn.Module) -> dict[str, nn.Module]:
    """Return all of them by name, around one network."""
    kinds: dict[str, nn.Module] = {
        "rounded": Rounded(inner),
        "saturated": Saturated(inner),
        "softmaxed": Softmaxed(inner),
        "randomised": Randomised(inner),
        "shattered": Shattered(inner),
        "quantised": quantised(inner),
    }
    return {name: module.eval().requires_grad_(False) for name, module in kinds.items()}
