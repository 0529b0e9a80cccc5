"""The attacks of the torchattacks library, where they are right."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from audit.errors import AuditError, MethodError, did_you_mean, told
from audit.kinds import attack
from audit.model import Model
from audit.randomness import SampleRng

INSTALL = "pip install --no-deps torchattacks==3.5.1"
OURS = ("model", "eps", "seed", "n_classes", "verbose")
"""What the adapter sets itself."""
L2 = ("PGDL2", "PGDRSL2")


@attack(norm="linf")
def torchattacks(
    model: Model,
    inputs: Tensor,
    targets: Tensor,
    rng: SampleRng,
    *,
    epsilon: Sequence[float],
    name: str,
    settings: Mapping[str, int | float | str | bool] | None = None,
) -> Iterator[Tensor]:
    """Yield, per epsilon, what the class `name` of torchattacks (PGD, APGD, MIFGSM, ...) makes of each clip.

    `settings` are the class's own, such as {steps: 20}. Epsilon is in input units: inputs are brought from the model's
    bounds to [0, 1] and back, on one scale for all cells, and to four axes. A step `alpha` that is left out is
    2.5 epsilon / steps: the library's own is made for epsilon 8/255. `n_classes` and seeds are set. Clips are attacked
    one by one, so that none depends on another's random numbers; the library's own state stays out of the global one.
    Kim (2020), Torchattacks: a PyTorch repository for adversarial attacks.
    Raises MethodError where the library is missing or fails, for a name or setting it does not have, for an attack that
    no epsilon bounds or that is not in the l-infinity norm, and for a model whose inputs have no bounds.
    """
    library = _library()
    kind = _kind(library, name)
    given = _settings(kind, name, settings or {})
    if not model.differentiable:
        raise MethodError(f"model {model.name!r} gives no gradients; use a method that needs none")
    low, high = (model.spec.clip(torch.full_like(inputs[:1], end)) for end in (-torch.inf, torch.inf))
    scale = float((high - low).max())
    if not np.isfinite(scale):
        raise MethodError(f"torchattacks: the inputs of model {model.name!r} have no bounds, and it works in [0, 1]")
    seeds = [int(generator.integers(2**31)) for generator in rng.numpy()]
    for size in epsilon:
        network = _Network(model, low, scale)
        attacker = kind(network, eps=size / scale, **_filled(kind, given, model, size / scale))
        found = inputs.clone()
        for row in range(len(inputs)) if size > 0 else ():
            four = network.outward(model.spec.clip(inputs[row : row + 1]))
            with _fenced(seeds[row], inputs.device):
                if hasattr(attacker, "seed"):
                    attacker.seed = seeds[row]
                found[row] = network.inward(_attacked(attacker, name, four, targets[row : row + 1]))[0]
        yield found


class _Network(nn.Module):
    """The model as torchattacks takes one: inputs (n, channels, height, width) in [0, 1]."""

    def __init__(self, model: Model, low: Tensor, scale: float) -> None:
        super().__init__()
        self.audited, self.low, self.scale = model, low, scale
        # The library looks for the device of the first parameter.
        self.anchor = nn.Parameter(torch.zeros((), device=low.device), requires_grad=False)
        shape = low.shape[1:]
        self.planes = shape if len(shape) == 3 else torch.Size([1] * (3 - len(shape)) + list(shape))
        self.eval()

    def forward(self, inputs: Tensor) -> Tensor:
        if inputs.shape[1:] != self.planes:
            raise MethodError(
                f"torchattacks: it turned inputs of shape {tuple(self.planes)} into {tuple(inputs.shape[1:])}, as for "
                "square pictures; name another attack"
            )
        at = self.low + self.scale * inputs.reshape(-1, *self.low.shape[1:])
        # Straight through: where a cell's own bounds are narrower than [0, 1], it must find its way back.
        return self.audited.logits(at + (self.audited.spec.clip(at) - at).detach())

    def outward(self, inputs: Tensor) -> Tensor:
        """Return the model's inputs (n, ...) as (n, channels, height, width) in [0, 1]."""
        return ((inputs - self.low) / self.scale).clamp(0.0, 1.0).reshape(-1, *self.planes)

    def inward(self, inputs: Tensor) -> Tensor:
        """Return (n, channels, height, width) in [0, 1] as the model's inputs (n, ...), in their bounds."""
        return self.audited.spec.clip(self.low + self.scale * inputs.reshape(-1, *self.low.shape[1:]))


def _library() -> ModuleType:
    try:
        return importlib.import_module("torchattacks")
    except ImportError as error:
        raise MethodError(f"torchattacks is not installed ({error}); install it with: {INSTALL}") from error


def _kind(library: ModuleType, name: str) -> Any:
    kinds = {n: kind for n, kind in vars(library).items() if inspect.isclass(kind)}
    right = [n for n, kind in kinds.items() if "eps" in inspect.signature(kind).parameters and n not in L2]
    if name in right:
        return kinds[name]
    if name not in kinds:
        raise MethodError(f"torchattacks has no {name!r}{did_you_mean(name, right)} (it has: {', '.join(right)})")
    why = "it works in the l2 norm; use pgd_l2" if name in L2 else "no epsilon bounds what it does to a clip"
    raise MethodError(f"torchattacks: {name} cannot be used, {why} (those that can: {', '.join(right)})")


def _settings(kind: Any, name: str, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    own = [key for key in inspect.signature(kind).parameters if key not in OURS]
    for key, value in settings.items():
        if key not in own:
            raise MethodError(
                f"torchattacks: {name} takes no setting {key!r}{did_you_mean(key, own)} (it takes: {', '.join(own)})"
            )
        if key == "norm" and value != "Linf":
            raise MethodError(f"torchattacks: {name} in the norm {value!r}: epsilon is meant as Linf here")
    return settings


def _filled(kind: Any, settings: Mapping[str, Any], model: Model, size: float) -> Mapping[str, Any]:
    """Return the settings, with those that the library's own defaults get wrong."""
    signature = inspect.signature(kind).parameters
    filled: dict[str, Any] = {"n_classes": len(model.emotions)} if "n_classes" in signature else {}
    if "alpha" in signature:
        steps = settings.get("steps", signature["steps"].default) if "steps" in signature else 2
        if not isinstance(steps, int) or steps < 1:
            raise MethodError(f"torchattacks: steps must be a whole number of at least 1, not {steps!r}")
        filled["alpha"] = 2.5 * size / steps
    return {**filled, **settings}


def _attacked(attacker: Any, name: str, inputs: Tensor, targets: Tensor) -> Tensor:
    try:
        found: Tensor = attacker(inputs, targets)
    except AuditError:
        raise
    except Exception as error:
        raise MethodError(
            f"torchattacks: {name} fails on inputs of shape {tuple(inputs.shape)} ({told(error)})"
        ) from error
    return found.detach()


@contextmanager
def _fenced(seed: int, device: torch.device) -> Iterator[None]:
    """Let what is in it draw from the global generators, seeded, and leave them as they were."""
    state = np.random.get_state()
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        np.random.seed(seed)
        try:
            yield
        finally:
            np.random.set_state(state)
