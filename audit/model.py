"""What is judged: a model from inputs to logits, and the description of its inputs."""

from __future__ import annotations

import hashlib
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from audit.errors import MethodError, ModelError
from audit.kinds import find
from audit.ledger import Ledger


@dataclass(frozen=True)
class Axes:
    """What an input's last two axes mean: Hz per row (None where rows are no frequencies), seconds per column."""

    seconds: NDArray[np.float64]
    hertz: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class InputSpec:
    """How a recording becomes the model's input.

    A clip is resampled to `sampling_rate` (Hz), cut to `seconds` from `offset` (both in seconds), padded,
    and turned into the `representation`, whose keyword arguments are `parameters`.
    """

    modality: str
    sampling_rate: int
    seconds: float
    representation: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    offset: float = 0.0
    pad: str = "end"

    @property
    def samples(self) -> int:
        """Waveform samples in one input."""
        return round(self.seconds * self.sampling_rate)

    @property
    def bounds(self) -> tuple[float, float]:
        """Lowest and highest value an input cell may take."""
        return self._fact("bounds")(**self.parameters)

    @property
    def axes(self) -> Axes:
        """Hz and seconds of the input's rows and columns."""
        return self._fact("axes")(self.samples, self.sampling_rate, **self.parameters)

    def represent(self, waveforms: Tensor) -> Tensor:
        """Turn waveforms (n, samples) in [-1, 1] into inputs (n, ...); differentiable."""
        method = find("representation", self.representation)
        return method.load()(waveforms, self.sampling_rate, **self.parameters)

    def fit(self, waveform: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cut or pad a mono waveform at this sampling rate to exactly `samples` values."""
        start = round(self.offset * self.sampling_rate)
        clip = waveform[start : start + self.samples]
        missing = self.samples - len(clip)
        if missing <= 0:
            return clip
        if self.pad == "repeat":
            return np.resize(clip, self.samples)
        left = {"end": 0, "start": missing, "center": missing // 2}[self.pad]
        return np.pad(clip, (left, missing - left))

    def _fact(self, name: str) -> Callable[..., Any]:
        return find("representation", self.representation).facts[name]


class Model(ABC):
    """A trained model: inputs (n, ...) to logits (n, emotions), in the order of `emotions`."""

    name: str
    spec: InputSpec
    emotions: tuple[str, ...]
    differentiable: bool
    module: nn.Module | None = None
    """The network itself where there is one: GradCAM looks for its layers, LRP for its graph."""
    loader: str = "memory"
    weights: Path | None = None
    """The file the weights came from."""

    def __init__(self) -> None:
        self.ledger = Ledger()

    @abstractmethod
    def _logits(self, inputs: Tensor) -> Tensor:
        """Return (n, emotions) for inputs (n, ...)."""

    @property
    def device(self) -> torch.device:
        """Where inputs must lie."""
        parameter = next(self.module.parameters(), None) if self.module is not None else None
        return parameter.device if parameter is not None else torch.device("cpu")

    def logits(self, inputs: Tensor) -> Tensor:
        """Return logits (n, emotions), booked in the ledger, backward passes included.

        Raises ModelError for a wrong shape, NaN or infinite logits.
        """
        start = time.perf_counter()
        logits = self._logits(inputs)
        self.ledger.add(forward=len(inputs), seconds=time.perf_counter() - start)
        if logits.shape != (len(inputs), len(self.emotions)):
            raise ModelError(
                f"model {self.name!r} returned logits of shape {tuple(logits.shape)} for {len(inputs)} inputs; "
                f"its manifest names {len(self.emotions)} emotions, so ({len(inputs)}, {len(self.emotions)}) is due"
            )
        if not bool(torch.isfinite(logits).all()):
            raise ModelError(
                f"model {self.name!r} returned NaN or infinite logits; check its weights and input scaling"
            )
        if logits.requires_grad and inputs.requires_grad and inputs.is_leaf:
            self._time_backward(inputs, logits)
        return logits

    def _time_backward(self, inputs: Tensor, logits: Tensor) -> None:
        started: list[float] = []
        logits.register_hook(lambda _: started.append(time.perf_counter()))

        def booked(_: Tensor) -> None:
            if started:
                self.ledger.add(backward=len(inputs), seconds=time.perf_counter() - started.pop())

        inputs.register_hook(booked)

    def digest(self) -> str:
        """Return the SHA-256 of the weights' file, or of the parameters' names and values where there is no file."""
        digest = hashlib.sha256()
        if self.weights is not None:
            digest.update(self.weights.read_bytes())
        elif self.module is not None:
            for name, value in sorted(self.module.state_dict().items()):
                digest.update(name.encode())
                digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()

    def view_from_waveform(self) -> Model:
        """Return the same model taking waveforms (n, samples): the front end becomes part of it."""
        return _FromWaveform(self)


class _FromWaveform(Model):
    def __init__(self, inner: Model) -> None:
        self.inner, self.ledger = inner, inner.ledger
        self.name, self.emotions, self.differentiable = inner.name, inner.emotions, inner.differentiable
        self.spec = replace(inner.spec, representation="waveform", parameters={})

    @property
    def device(self) -> torch.device:
        return self.inner.device

    def _logits(self, inputs: Tensor) -> Tensor:
        return self.inner._logits(self.inner.spec.represent(inputs))


class TorchModel(Model):
    """A `torch.nn.Module` that maps inputs to logits."""

    differentiable = True

    def __init__(self, module: nn.Module, spec: InputSpec, emotions: tuple[str, ...], *, name: str = "model") -> None:
        super().__init__()
        self.module, self.spec, self.emotions, self.name = module, spec, emotions, name

    def _logits(self, inputs: Tensor) -> Tensor:
        assert self.module is not None
        return self.module(inputs)


@contextmanager
def as_found(model: Model, device: str = "cpu") -> Iterator[Model]:
    """Lend a model out in evaluation mode on `device`, and leave it as it came, whatever happens.

    Restored: train or evaluation mode of every submodule, hooks, `requires_grad`, `grad`, buffers' device and values.
    """
    module = model.module
    if module is None:
        yield model
        return
    modes = {m: m.training for m in module.modules()}
    hooks = {m: {name: dict(getattr(m, name)) for name in _HOOKS} for m in modes}
    asked = {p: (p.requires_grad, p.grad) for p in module.parameters()}
    buffers = {name: b.detach().clone() for name, b in module.named_buffers()}
    home = model.device
    try:
        module.to(device).eval()
        for parameter in module.parameters():
            parameter.requires_grad_(False)
        yield model
    finally:
        module.to(home)
        for m, training in modes.items():
            m.training = training
            for name, before in hooks[m].items():
                table = getattr(m, name)
                table.clear()
                table.update(before)
        for parameter, (requires_grad, grad) in asked.items():
            parameter.requires_grad_(requires_grad)
            parameter.grad = grad
        with torch.no_grad():
            for name, buffer in module.named_buffers():
                buffer.copy_(buffers[name])


_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def gradient(model: Model, inputs: Tensor, targets: Tensor) -> Tensor:
    """Return the gradient of the cross-entropy at `targets` with respect to each input, (n, ...).

    Raises MethodError where the model has no gradients.
    """
    if not model.differentiable:
        raise MethodError(f"model {model.name!r} gives no gradients; use a method that needs none")
    leaf = inputs.detach().requires_grad_(True)
    loss = nn.functional.cross_entropy(model.logits(leaf), targets, reduction="sum")
    return torch.autograd.grad(loss, leaf)[0]
