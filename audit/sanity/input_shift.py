"""Input shift: a constant that the network takes off again ought to change no map."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, is_dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from audit.explained import Explained
from audit.kinds import sanity
from audit.model import Model
from audit.randomness import SampleRng
from audit.scaling import Scaling


@sanity(alike=True)
def input_shift(
    explained: Explained, rng: SampleRng, *, shift: float = 0.5, least: float = 0.9
) -> Iterator[tuple[float, Tensor]]:
    """Yield 1 and the method's maps of inputs raised by a constant, of a network that takes the constant off first.

    The network answers as before, so that what matters to it is where it was. `shift` counts in the width of the
    input's bounds, or in standard deviations where it has none; the bounds move along. `least` is the smallest mean
    similarity to the method's own maps that passes.
    Kindermans et al. (2019), The (un)reliability of saliency methods.
    """
    del rng
    low, high = explained.model.spec.bounds
    width = high - low if math.isfinite(high - low) else float(explained.inputs.std())
    constant = shift * width
    yield 1.0, explained.explain(_Shifted(explained.model, constant), explained.inputs + constant, 0)


class _Shifted(Model):
    """The same model, of inputs that are higher by a constant."""

    def __init__(self, inner: Model, constant: float) -> None:
        self.inner, self.constant, self.ledger = inner, constant, inner.ledger
        self.name, self.emotions, self.differentiable = inner.name, inner.emotions, inner.differentiable
        self.loader, self.note = inner.loader, inner.note
        self.order, self.chunked = inner.order, inner.chunked
        assert is_dataclass(inner.spec)
        self.spec = replace(inner.spec, scaling=_Raised(inner.spec.scaling, constant))
        self.module = None if inner.module is None else _shifted(inner.module, constant)

    @property
    def device(self) -> torch.device:
        return self.inner.device

    def _logits(self, inputs: Tensor) -> Tensor:
        return self.inner._logits(inputs - self.constant)


def _shifted(network: nn.Module, constant: float) -> nn.Module:
    """Return a module that shares all a network has, the names of its layers included, and takes the constant off."""
    if isinstance(network, torch.jit.ScriptModule):
        return _ShiftedScript(network, constant)
    kind, own = type(network), network.__dict__.get("forward")

    def forward(self: nn.Module, inputs: Tensor) -> Any:
        return own(inputs - constant) if own else kind.forward(self, inputs - constant)

    shifted: nn.Module = object.__new__(type(kind.__name__, (kind,), {"forward": forward}))
    shifted.__dict__.update({name: value for name, value in network.__dict__.items() if name != "forward"})
    return shifted


class _ShiftedScript(nn.Module):
    def __init__(self, inner: nn.Module, constant: float) -> None:
        super().__init__()
        self.inner, self.constant = inner, constant
        self.training = inner.training

    def forward(self, inputs: Tensor) -> Any:
        return self.inner(inputs - self.constant)


@dataclass(frozen=True)
class _Raised(Scaling):
    """What the inner scaling does, and a constant on top."""

    inner: Scaling | None
    constant: float

    def apply(self, inputs: Tensor) -> Tensor:
        return (self.inner.apply(inputs) if self.inner else inputs) + self.constant

    def bounds(self, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        ends = self.inner.bounds(low, high) if self.inner else (low, high)
        return ends[0] + self.constant, ends[1] + self.constant
