"""A video of which the sound is missing for a time."""

from __future__ import annotations

import torch
from torch import Tensor

from audit.audiovisual_input import AudiovisualInput
from audit.errors import MethodError
from audit.input_spec import InputSpec
from audit.kinds import corruption
from audit.randomness import SampleRng
from audit.scaling import fitted


@corruption(modality="audiovisual")
def missing_sound(inputs: Tensor, spec: InputSpec, rng: SampleRng, *, share: float) -> Tensor:
    """Return inputs (n, cells) with one stretch of the sound silent: a microphone that drops out.

    The stretch is `share` of the sound's samples, 0 to 1, and begins anywhere in it, at random; 1 is all of it.
    Raises MethodError for any other share.
    """
    assert isinstance(spec, AudiovisualInput)
    gone = stretch(inputs, spec.sound.samples, share, rng, "missing_sound")
    changed = inputs.clone()
    heard, _ = spec.parts
    changed[:, heard] = torch.where(gone, fitted(spec.floor, inputs)[heard], inputs[:, heard])
    return changed


def stretch(inputs: Tensor, length: int, share: float, rng: SampleRng, method: str) -> Tensor:
    """Return which of `length` moments lie in one stretch of `share` of them, drawn for each input, (n, length)."""
    if not 0.0 <= share <= 1.0:
        raise MethodError(f"{method}: share is {share:g}; from 0, nothing, to 1, all of it, is due")
    count = round(share * length)
    first = (rng.uniform(inputs[:, :1]) * (length - count + 1)).long().clamp_max(length - count)
    moments = torch.arange(length, device=inputs.device)
    return (moments >= first) & (moments < first + count)
