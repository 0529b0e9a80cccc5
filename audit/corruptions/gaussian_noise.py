"""Gaussian noise on the model's input."""

from __future__ import annotations

from torch import Tensor

from audit.errors import MethodError
from audit.input_spec import InputSpec
from audit.kinds import corruption
from audit.randomness import SampleRng


@corruption(modality="any", space="input")
def gaussian_noise(inputs: Tensor, spec: InputSpec, rng: SampleRng, *, sigma: float) -> Tensor:
    """Return `clip(x + sigma N(0, 1))` for inputs (n, ...); `sigma` is in input units, the clip is to the bounds."""
    if sigma < 0.0:
        raise MethodError(f"gaussian_noise: sigma is {sigma}; a standard deviation of 0 or more is due")
    return spec.clip(inputs + sigma * rng.normal(inputs))
