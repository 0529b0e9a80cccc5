"""What is judged: a model from inputs to logits."""

from __future__ import annotations

import hashlib
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from audit.errors import AuditError, MethodError, ModelError, ModelRaisedError, told
from audit.input_spec import InputSpec, SpeechInput
from audit.ledger import Ledger

Activation = Literal["none", "softmax", "log_softmax", "sigmoid"]


CHANGES_INPUTS = (
    "changes its inputs in place, so no prediction could be repeated; let it work on a copy (x = x.clone(), or no "
    "operation that ends in _)"
)


class Model(ABC):
    """A trained model: inputs (n, ...) to logits (n, emotions), in the order of `emotions`."""

    name: str
    spec: InputSpec
    emotions: tuple[str, ...]
    differentiable: bool
    module: nn.Module | None = None
    """The network itself where there is one: GradCAM looks for its layers, LRP for its graph."""
    loader: str = "memory"
    weights: tuple[Path, ...] = ()
    """The files the weights came from."""
    activation: Activation | None = None
    """What the outputs went through, where the loader knows it from the file."""
    softmax_left_out: bool = False
    """Whether a softmax was taken from the end, so that outputs are logits."""
    order: str | None = None
    chunked: bool = False
    """The axes as the network takes them, and whether in pieces, where that is not as the audit has them."""
    note: str = ""
    """A sentence for the report: how it was opened, why it gives no gradients."""
    members: Mapping[str, Callable[[Tensor], Tensor]] = MappingProxyType({})
    """Of an ensemble, what each member says by itself: inputs (n, ...) to logits (n, emotions), by its name."""

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

        Raises ModelError for a model that raises, a wrong shape, NaN or infinite logits.
        """
        start = time.perf_counter()
        try:
            logits = self._logits(inputs)
        except AuditError:
            raise
        except Exception as error:
            raise ModelRaisedError(
                f"model {self.name!r} fails on inputs of shape {tuple(inputs.shape)} ({told(error)})"
            ) from error
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
        """Return the SHA-256 of the weights' files, or of the parameters' names and values where there are none."""
        digest = hashlib.sha256()
        for path in self.weights:
            digest.update(path.read_bytes())
        if not self.weights and self.module is not None:
            for name, value in sorted(self.module.state_dict().items()):
                digest.update(name.encode())
                digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()

    def view_from_waveform(self) -> Model:
        """Return the same model taking waveforms (n, samples): the front end becomes part of it.

        Raises MethodError for a model of faces.
        """
        return _FromWaveform(self)


class _FromWaveform(Model):
    def __init__(self, inner: Model) -> None:
        if not isinstance(inner.spec, SpeechInput):
            seen = "pictures" if inner.spec.pictured else "sound and picture together"
            raise MethodError(f"model {inner.name!r} takes {seen}; there is no waveform to change by itself")
        self.inner, self.ledger = inner, inner.ledger
        self.name, self.emotions = inner.name, inner.emotions
        self.differentiable = inner.differentiable and inner.spec.differentiable
        self.spec = replace(inner.spec, representation="waveform", parameters={}, scaling=None)

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
        with differentiably(self.module, inputs):
            return self.module(inputs)


class BlackBox(Model):
    """A model that answers and gives no gradients: `answer` maps float32 arrays (n, ...) to (n, emotions)."""

    differentiable = False

    def __init__(
        self,
        answer: Callable[[NDArray[np.float32]], NDArray[Any]],
        spec: InputSpec,
        emotions: tuple[str, ...],
        *,
        name: str = "model",
    ) -> None:
        super().__init__()
        self.answer, self.spec, self.emotions, self.name = answer, spec, emotions, name

    def _logits(self, inputs: Tensor) -> Tensor:
        given = np.array(inputs.detach().cpu().numpy(), dtype=np.float32, order="C")
        found = np.asarray(self.answer(given))
        if found.dtype.kind not in "fiub":
            raise ModelError(f"model {self.name!r} answered with {found.dtype} values; numbers are due")
        return torch.from_numpy(np.array(found, dtype=np.float32)).to(inputs.device)


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


def differentiably(module: nn.Module, inputs: Tensor) -> AbstractContextManager[None]:
    """Return what to run the network in, so that a gradient can be taken with respect to these inputs.

    cuDNN's recurrent layers have gradients in training mode alone, where dropout and batch norm answer otherwise; torch
    has its own. They take more time, so that cuDNN is left out only where there is a gradient to take on CUDA.
    """
    if not (inputs.is_cuda and torch.is_grad_enabled() and inputs.requires_grad and recurrent(module)):
        return nullcontext()
    return torch.backends.cudnn.flags(enabled=False)


def recurrent(module: nn.Module) -> bool:
    """Return whether a network has recurrent layers, also where a program or a script holds them as operations."""
    for layer in module.modules():
        if isinstance(layer, nn.RNNBase):
            return True
        # A loader keeps a script beside its module, so that torch does not take it for a submodule.
        for part in (layer, *vars(layer).values()):
            if isinstance(part, nn.Module):
                graph = "inlined_graph" if isinstance(part, torch.jit.ScriptModule) else "graph"
                if any(call in str(getattr(part, graph, "")) for call in _RECURRENT):
                    return True
    return False


_RECURRENT = tuple(f"{name}{end}" for name in ("lstm", "gru", "rnn_tanh", "rnn_relu") for end in (".", "("))
_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def gradient(model: Model, inputs: Tensor, targets: Tensor) -> Tensor:
    """Return the gradient of the cross-entropy at `targets` with respect to each input, (n, ...), but for its length.

    It is that of the log odds, which the cross-entropy rises along everywhere: of a model that is sure of itself, the
    cross-entropy's own is zero in single precision, and an attack by its sign would not move.
    Raises MethodError where the model has no gradients, or keeps them from its input.
    """
    if not model.differentiable:
        raise MethodError(f"model {model.name!r} gives no gradients; use a method that needs none")
    leaf = inputs.detach().requires_grad_(True)
    return slope(log_odds(model.logits(leaf), targets).sum(), leaf)


def slope(value: Tensor, leaf: Tensor) -> Tensor:
    """Return the gradient of one `value` with respect to `leaf`.

    Raises MethodError where no gradient can pass from one to the other.
    """
    found = torch.autograd.grad(value, leaf, allow_unused=True)[0] if value.requires_grad else None
    if found is None:
        raise MethodError(
            "no gradient reaches the input: the answers do not depend on it, or the model cuts it off (detach, "
            "no_grad, argmax, numpy); mend that, or use a method that needs none (square, lime)"
        )
    return found


def log_odds(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the logarithm of the odds that it is any other emotion than the target, (n,).

    The cross-entropy is log(1 + exp of it).
    """
    others = logits.scatter(1, targets[:, None], -torch.inf).logsumexp(1)
    return others - logits.gather(1, targets[:, None]).squeeze(1)
