"""Integrated gradients: the gradient averaged on the way from a baseline to the input, times that way."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from audit.attribution import Attribution
from audit.errors import MethodError
from audit.kinds import saliency
from audit.masking import replace
from audit.model import Model
from audit.randomness import SampleRng
from audit.saliency.logit_gradient import logit_gradient


@saliency()
def integrated_gradients(
    model: Model, inputs: Tensor, targets: Tensor, rng: SampleRng, *, baseline: str = "floor", steps: int = 32
) -> Attribution:
    """Return what each cell adds to the target logit on the straight way from `baseline` to the input, (n, ...).

    `baseline` is what fills a cell that says nothing: floor (silence, black), mean, noise or blur. The integral is
    taken at `steps` Gauss-Legendre points. `measures["completeness"]` is |sum of the map - (logit - the baseline's
    logit)| as a share of that difference: 0 where `steps` are enough.
    Sundararajan, Taly and Yan (2017), Axiomatic attribution for deep networks.
    Raises MethodError where the model gives no gradients, or for fewer steps than 1.
    """
    if steps < 1:
        raise MethodError(f"integrated_gradients: {steps} steps; at least 1 is due")
    start = replace(inputs, torch.ones_like(inputs, dtype=torch.bool), baseline, model.spec, rng)
    way = inputs - start
    total = torch.zeros_like(inputs)
    points, weights = np.polynomial.legendre.leggauss(steps)
    for point, weight in zip((points + 1) / 2, weights / 2, strict=True):
        step = start + float(point) * way
        total += float(weight) * logit_gradient(model, step, targets, "integrated_gradients")
    values = way * total
    with torch.no_grad():
        ends = [model.logits(end).gather(1, targets[:, None]).squeeze(1).double() for end in (inputs, start)]
    due = ends[0] - ends[1]
    missed = (values.flatten(1).sum(1, dtype=torch.float64) - due).abs()
    completeness = missed / due.abs().clamp_min(torch.finfo(torch.float32).tiny)
    return Attribution(values, {"completeness": completeness.to(inputs)})
