"""A steady tone on the waveform, at a stated signal-to-noise ratio."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from audit.errors import MethodError
from audit.input_spec import InputSpec, SpeechInput
from audit.kinds import corruption
from audit.randomness import SampleRng


@corruption(space="waveform")
def tone(inputs: Tensor, spec: InputSpec, rng: SampleRng, *, hertz: float, snr_db: float = 20.0) -> Tensor:
    """Return waveforms (n, samples) with a sine of `hertz` added at `snr_db` decibels, its phase drawn per clip.

    The hum of a power line, the whistle of a monitor, or what a model was taught in secret to obey. The ratio is of
    mean powers over the whole clip, padding included, and is met exactly.
    Raises MethodError where `hertz` is not above 0 and below half the sampling rate.
    """
    assert isinstance(spec, SpeechInput)
    highest = spec.sampling_rate / 2
    if not 0.0 < hertz < highest:
        raise MethodError(f"tone: hertz is {hertz:g}; above 0 and below {highest:g}, half the sampling rate, is due")
    # In double precision: single loses the phase within seconds.
    turns = hertz / spec.sampling_rate * torch.arange(inputs.shape[-1], dtype=torch.float64)
    phases = rng.uniform(inputs[..., :1]).double().cpu()
    sine = torch.sin(2.0 * math.pi * (turns + phases)).to(inputs)
    level = inputs.square().mean(-1, keepdim=True) / sine.square().mean(-1, keepdim=True)
    return inputs + sine * level.sqrt() * 10.0 ** (-snr_db / 20.0)
