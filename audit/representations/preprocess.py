"""A function of the user's own in place of a representation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from audit.errors import ModelError, told
from audit.input_spec import Axes
from audit.kinds import representation
from audit.source import function_in


def _bounds(**_: object) -> tuple[float, float]:
    return -float("inf"), float("inf")


def _axes(*_: object, **__: object) -> Axes:
    return Axes()


@representation(bounds=_bounds, axes=_axes, modality="any", gradients=False)
def preprocess(recordings: Tensor, sampling_rate: int = 0, *, function: str) -> Tensor:
    """Return (n, ...): what `function` (file.py:name) makes of each recording, in numpy; no gradients pass.

    It is called as function(waveform, sampling_rate) with (samples,) in [-1, 1] and Hz, for faces as
    function(picture) with (channels, height, width) in [0, 1], and returns one array, of one shape for all.
    Raises ModelError where it is missing, fails, or returns arrays of several shapes.
    """
    file, _, name = function.rpartition(":")
    called = function_in(Path(file), name)
    rest = (sampling_rate,) if sampling_rate else ()
    made = []
    for recording in recordings.detach().cpu().numpy():
        try:
            made.append(np.asarray(called(recording.copy(), *rest), dtype=np.float32))
        except Exception as error:
            raise ModelError(f"preprocess {function} raised {told(error)}") from error
    shapes = sorted({array.shape for array in made})
    if len(shapes) > 1:
        raise ModelError(f"preprocess {function} returned arrays of several shapes: {shapes[0]}, {shapes[-1]}")
    return torch.from_numpy(np.stack(made)).to(recordings.device)
