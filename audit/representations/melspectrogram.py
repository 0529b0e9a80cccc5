"""The mel-spectrogram in decibels, scaled as the model was trained on it."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from audit.input_spec import Axes
from audit.kinds import representation
from audit.representations.spectrum import (
    frame_seconds,
    level_bounds,
    mel_centres,
    mel_filters,
    power_spectrum,
    scaled,
)


def _axes(
    samples: int,
    sampling_rate: int,
    *,
    n_fft: int = 1024,
    n_mels: int = 128,
    fmin: float = 0.0,
    fmax: float | None = None,
    hop_length: int = 512,
    mel_scale: str = "slaney",
    **_: object,
) -> Axes:
    return Axes(
        seconds=frame_seconds(samples, sampling_rate, hop_length, n_fft),
        hertz=mel_centres(sampling_rate, n_mels, fmin, fmax, mel_scale),
    )


@representation(bounds=level_bounds, axes=_axes)
def melspectrogram(
    waveforms: Tensor,
    sampling_rate: int,
    *,
    n_fft: int = 1024,
    hop_length: int = 512,
    win_length: int | None = None,
    window: str = "hann",
    n_mels: int = 128,
    fmin: float = 0.0,
    fmax: float | None = None,
    power: float = 2.0,
    mel_scale: Literal["slaney", "htk"] = "slaney",
    norm: Literal["slaney"] | None = "slaney",
    ref: float | Literal["max"] = "max",
    amin: float = 1e-10,
    top_db: float | None = 80.0,
    scaling: Literal["unit", "decibel", "power"] = "unit",
) -> Tensor:
    """Return (n, 1, n_mels, 1 + samples // hop_length), equal to librosa's melspectrogram and power_to_db.

    `n_fft`, `hop_length` and `win_length` are in samples; `fmin` and `fmax` in Hz. `ref` is 0 dB: the clip's own
    maximum, or a power. `top_db` is the floor below the clip's maximum, None for none but `amin`. `scaling`: `power`
    leaves the mel power, `decibel` its level in dB, `unit` maps [-top_db, 0] dB to [0, 1] and clips.
    Stevens, Volkmann and Newman (1937) for the scale; Slaney (1998) for the filters.
    Raises ModelError for `scaling: unit` without top_db.
    """
    energy = power_spectrum(waveforms, n_fft, hop_length, win_length, window, power)
    filters = mel_filters(sampling_rate, n_fft, n_mels, fmin, fmax, mel_scale, norm, waveforms.dtype)
    mel = torch.matmul(filters.to(waveforms.device), energy).unsqueeze(1)
    return scaled(mel, ref=ref, amin=amin, top_db=top_db, scaling=scaling)
