"""A video of which the picture is missing for a time."""

from __future__ import annotations

import torch
from torch import Tensor

from audit.audiovisual_input import AudiovisualInput
from audit.corruptions.missing_sound import stretch
from audit.input_spec import InputSpec
from audit.kinds import corruption
from audit.randomness import SampleRng
from audit.scaling import fitted


@corruption(modality="audiovisual")
def missing_picture(inputs: Tensor, spec: InputSpec, rng: SampleRng, *, share: float) -> Tensor:
    """Return inputs (n, cells) with frames in a row black: a camera that is covered, a picture that freezes dark.

    They are `share` of all frames, 0 to 1, rounded to whole frames, and begin with any of them, at random; 1 is all.
    Raises MethodError for any other share.
    """
    assert isinstance(spec, AudiovisualInput)
    gone = stretch(inputs, spec.frames, share, rng, "missing_picture")
    changed = inputs.clone()
    _, seen = spec.parts
    cells = gone.repeat_interleave(spec.height * spec.width, dim=1)
    changed[:, seen] = torch.where(cells, fitted(spec.floor, inputs)[seen], inputs[:, seen])
    return changed
