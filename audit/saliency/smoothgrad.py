"""SmoothGrad: the gradient averaged over noisy copies of the input."""

from __future__ import annotations

import torch
from torch import Tensor

from audit.attribution import Attribution
from audit.errors import MethodError
from audit.kinds import saliency
from audit.model import Model
from audit.randomness import SampleRng
from audit.saliency.logit_gradient import logit_gradient


@saliency()
def smoothgrad(
    model: Model, inputs: Tensor, targets: Tensor, rng: SampleRng, *, samples: int = 25, noise: float = 0.15
) -> Attribution:
    """Return the magnitude of the target logit's mean gradient over `samples` noisy copies, (n, ...).

    `noise` is the standard deviation as a share of each input's range; copies are not clipped, as in the paper.
    Smilkov et al. (2017), SmoothGrad: removing noise by adding noise.
    Raises MethodError where the model gives no gradients, or for fewer samples than 1.
    """
    if samples < 1:
        raise MethodError(f"smoothgrad: {samples} samples; at least 1 is due")
    flat = inputs.flatten(1)
    spread = (flat.amax(1) - flat.amin(1)).view(-1, *[1] * (inputs.ndim - 1)) * noise
    total = torch.zeros_like(inputs)
    for _ in range(samples):
        total += logit_gradient(model, inputs + spread * rng.normal(inputs), targets, "smoothgrad")
    return Attribution((total / samples).abs())
