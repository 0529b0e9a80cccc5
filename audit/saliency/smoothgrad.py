"""SmoothGrad: the gradient averaged over noisy copies of the input."""

from __future__ import annotations

import torch
from torch import Tensor

from audit.attribution import Attribution
from audit.errors import MethodError
from audit.kinds import saliency
from audit.model import Model
from audit.randomness import SampleRng


@saliency()
def smoothgrad(
    model: Model, inputs: Tensor, targets: Tensor, rng: SampleRng, *, samples: int = 25, noise: float = 0.15
) -> Attribution:
    """Return the magnitude of the target logit's mean gradient over `samples` noisy copies, (n, ...).

    `noise` is the standard deviation as a share of each input's range; copies are not clipped, as in the paper.
    Smilkov et al. (2017), SmoothGrad: removing noise by adding noise.
    """
    if not model.differentiable:
        raise MethodError(f"smoothgrad needs gradients, and model {model.name!r} gives none; use lime")
    flat = inputs.flatten(1)
    spread = (flat.amax(1) - flat.amin(1)).view(-1, *[1] * (inputs.ndim - 1)) * noise
    total = torch.zeros_like(inputs)
    for _ in range(samples):
        copy = (inputs + spread * rng.normal(inputs)).detach().requires_grad_(True)
        chosen = model.logits(copy).gather(1, targets[:, None]).sum()
        total += torch.autograd.grad(chosen, copy)[0]
    return Attribution((total / samples).abs())
