"""The raw waveform as the model's input."""

from __future__ import annotations

from typing import Literal

import numpy as np
from torch import Tensor

from audit.input_spec import Axes
from audit.kinds import representation


def _bounds(**_: object) -> tuple[float, float]:
    return -1.0, 1.0


def _axes(samples: int, sampling_rate: int, **_: object) -> Axes:
    return Axes(seconds=np.arange(samples) / sampling_rate)


@representation(bounds=_bounds, axes=_axes)
def waveform(waveforms: Tensor, sampling_rate: int, *, shape: Literal["samples", "channel"] = "samples") -> Tensor:
    """Return (n, samples) unchanged, or (n, 1, samples) where `shape` is `channel`; amplitude in [-1, 1]."""
    return waveforms.unsqueeze(1) if shape == "channel" else waveforms
