"""The mel-spectrogram in decibels, scaled as the model was trained on it."""

from __future__ import annotations

from functools import cache
from typing import Literal

import librosa
import numpy as np
import torch
from scipy.signal import get_window
from torch import Tensor

from audit.errors import ModelError
from audit.input_spec import Axes
from audit.kinds import representation


def _bounds(
    *, scaling: str = "unit", top_db: float | None = 80.0, ref: float | str = "max", **_: object
) -> tuple[float, float]:
    if scaling == "unit":
        return 0.0, 1.0
    if scaling == "decibel" and ref == "max":
        return -(top_db if top_db is not None else float("inf")), 0.0
    return (0.0 if scaling == "power" else -float("inf")), float("inf")


def _axes(
    samples: int,
    sampling_rate: int,
    *,
    n_mels: int = 128,
    fmin: float = 0.0,
    fmax: float | None = None,
    hop_length: int = 512,
    mel_scale: str = "slaney",
    **_: object,
) -> Axes:
    # The filters' edges, of which the inner ones are their centres.
    edges = librosa.mel_frequencies(n_mels + 2, fmin=fmin, fmax=fmax or sampling_rate / 2, htk=mel_scale == "htk")
    return Axes(seconds=np.arange(1 + samples // hop_length) * hop_length / sampling_rate, hertz=edges[1:-1])


@representation(bounds=_bounds, axes=_axes)
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
    if scaling == "unit" and top_db is None:
        raise ModelError("scaling: unit is from top_db below the maximum up to it; give top_db, or scaling: decibel")
    kernel = _window(window, win_length or n_fft, waveforms.dtype).to(waveforms.device)
    spectrum = torch.stft(
        waveforms,
        n_fft,
        hop_length,
        win_length or n_fft,
        kernel,
        center=True,
        pad_mode="constant",
        return_complex=True,
    )
    # Squared parts, not abs()**2: the gradient of abs is undefined in silent cells.
    energy = spectrum.real.square() + spectrum.imag.square()
    if power != 2.0:
        energy = energy.clamp_min(torch.finfo(energy.dtype).tiny).pow(power / 2)
    filters = _filters(sampling_rate, n_fft, n_mels, fmin, fmax, mel_scale, norm, waveforms.dtype).to(waveforms.device)
    mel = torch.matmul(filters, energy).unsqueeze(1)
    if scaling == "power":
        return mel
    level = 10.0 * torch.log10(mel.clamp_min(amin))
    peak = level.amax(dim=(1, 2, 3), keepdim=True)
    level = level - (peak if ref == "max" else 10.0 * float(np.log10(max(amin, float(ref)))))
    if top_db is None:
        return level
    level = torch.maximum(level, level.amax(dim=(1, 2, 3), keepdim=True) - top_db)
    return (level / top_db + 1.0).clamp(0.0, 1.0) if scaling == "unit" else level


# Made outside inference mode, whoever asks first: a cached inference tensor could never take part in a gradient.
@cache
@torch.inference_mode(mode=False)
def _window(name: str, length: int, dtype: torch.dtype) -> Tensor:
    return torch.from_numpy(get_window(name, length, fftbins=True)).to(dtype)


@cache
@torch.inference_mode(mode=False)
def _filters(
    sampling_rate: int,
    n_fft: int,
    n_mels: int,
    fmin: float,
    fmax: float | None,
    mel_scale: str,
    norm: Literal["slaney"] | None,
    dtype: torch.dtype,
) -> Tensor:
    bank = librosa.filters.mel(
        sr=sampling_rate,
        n_fft=n_fft,
        n_mels=n_mels,
        fmin=fmin,
        fmax=fmax,
        htk=mel_scale == "htk",
        norm=norm,
        dtype=np.float64,
    )
    return torch.from_numpy(bank).to(dtype)
