"""Gradient x input: how far each cell, as large as it is, moves the target logit."""

from __future__ import annotations

from torch import Tensor

from audit.attribution import Attribution
from audit.kinds import saliency
from audit.model import Model
from audit.randomness import SampleRng
from audit.saliency.logit_gradient import logit_gradient


@saliency()
def gradient_times_input(model: Model, inputs: Tensor, targets: Tensor, rng: SampleRng) -> Attribution:
    """Return each cell times the target logit's gradient with respect to it, (n, ...).

    A cell of zero gets none: it says what a piecewise linear network owes to each cell counted from zero.
    Shrikumar, Greenside, Shcherbina and Kundaje (2016), Not just a black box: learning important features through
    propagating activation differences.
    Raises MethodError where the model gives no gradients.
    """
    del rng
    return Attribution(inputs * logit_gradient(model, inputs, targets, "gradient_times_input"))
