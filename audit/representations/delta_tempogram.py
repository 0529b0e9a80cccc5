"""How the pulses of a clip change from moment to moment."""

from __future__ import annotations

from functools import cache
from typing import Literal

import numpy as np
import torch
from scipy.signal import savgol_coeffs, savgol_filter
from torch import Tensor

from audit.errors import ModelError
from audit.kinds import representation
from audit.representations.spectrum import INFINITY, frame_axes
from audit.representations.tempogram import tempogram


def _bounds(*, width: int = 9, order: int = 1, norm: float | str | None = "max", **_: object) -> tuple[float, float]:
    if norm is None:
        return -INFINITY, INFINITY
    # The coefficients sum to 0, and a tempogram is in [0, 1].
    most = float(np.abs(savgol_coeffs(width, order, deriv=order)).sum()) / 2
    return -most, most


@representation(bounds=_bounds, axes=frame_axes)
def delta_tempogram(
    waveforms: Tensor,
    sampling_rate: int,
    *,
    width: int = 9,
    order: int = 1,
    win_length: int = 384,
    hop_length: int = 512,
    n_fft: int = 2048,
    n_mels: int = 128,
    window: str = "hann",
    norm: float | Literal["max"] | None = "max",
) -> Tensor:
    """Return (n, 1, win_length, 1 + samples // hop_length), equal to librosa's delta of its tempogram, per frame.

    The derivative of that `order` over `width` frames, by least squares, of `tempogram`, whose parameters the others
    are. Where that is normalised it swings about 0, with a width of 9 in [-1/6, 1/6].
    Furui (1986), Speaker-independent isolated word recognition using dynamic features of speech spectrum, for the
    derivative; Savitzky and Golay (1964) for its filter.
    Raises ModelError for a width that is even, below 3 or above the number of frames, and an order not in [1, width).
    """
    whole = tempogram(
        waveforms,
        sampling_rate,
        win_length=win_length,
        hop_length=hop_length,
        n_fft=n_fft,
        n_mels=n_mels,
        window=window,
        norm=norm,
    )
    frames = whole.shape[-1]
    if width < 3 or width % 2 == 0 or width > frames:
        raise ModelError(f"width: {width} is not allowed; give an odd number from 3 to {frames}, the clip's frames")
    if not 1 <= order < width:
        raise ModelError(f"order: {order} is not allowed; give 1 or more, and less than the width")
    return torch.matmul(whole, _derivative(frames, width, order, whole.dtype).to(whole.device))


@cache
@torch.inference_mode(mode=False)
def _derivative(frames: int, width: int, order: int, dtype: torch.dtype) -> Tensor:
    """Return the matrix (frames, frames) that derives rows of as many frames."""
    return torch.from_numpy(savgol_filter(np.eye(frames), width, order, deriv=order, axis=1)).to(dtype)
