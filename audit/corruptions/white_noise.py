"""White noise on the waveform at a stated signal-to-noise ratio."""

from __future__ import annotations

from torch import Tensor

from audit.input_spec import InputSpec
from audit.kinds import corruption
from audit.randomness import SampleRng


@corruption(space="waveform")
def white_noise(inputs: Tensor, spec: InputSpec, rng: SampleRng, *, snr_db: float) -> Tensor:
    """Return waveforms (n, samples) with white Gaussian noise added at `snr_db` decibels.

    The ratio is of mean powers over the whole clip, padding included; the noise is scaled so that it is met exactly.
    """
    noise = rng.normal(inputs)
    signal_power = inputs.square().mean(dim=-1, keepdim=True)
    noise_power = noise.square().mean(dim=-1, keepdim=True)
    return inputs + noise * (signal_power / noise_power).sqrt() * 10.0 ** (-snr_db / 20.0)
