"""The gradient of each clip's target logit with respect to its input."""

from __future__ import annotations

from torch import Tensor

from audit.errors import MethodError
from audit.model import Model, slope


def logit_gradient(model: Model, inputs: Tensor, targets: Tensor, method: str) -> Tensor:
    """Return the gradient, (n, ...), of the logit at `targets` (n,).

    Raises MethodError, naming the method that asks, where the model gives no gradients, or keeps them from its input.
    """
    if not model.differentiable:
        raise MethodError(f"{method} needs gradients, and model {model.name!r} gives none; use lime")
    leaf = inputs.detach().requires_grad_(True)
    chosen = model.logits(leaf).gather(1, targets[:, None]).sum()
    return slope(chosen, leaf)
