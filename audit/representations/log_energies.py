"""Logarithms of the energies in triangular mel bands, of frames under a Hamming window."""

from __future__ import annotations

from functools import cache
from typing import Literal

import numpy as np
import torch
from scipy.signal.windows import general_hamming
from torch import Tensor

from audit.errors import ModelError
from audit.input_spec import Axes
from audit.kinds import representation
from audit.representations.spectrum import energy_of, level_bounds, mel_centres, mel_filters, raised, scaled


def _axes(
    samples: int,
    sampling_rate: int,
    *,
    frame_length: int = 1024,
    hop_length: int = 512,
    n_mels: int = 64,
    fmin: float = 0.0,
    fmax: float | None = None,
    mel_scale: str = "htk",
    **_: object,
) -> Axes:
    frames = 1 + (samples - frame_length) // hop_length
    return Axes(
        seconds=(np.arange(frames) * hop_length + frame_length / 2) / sampling_rate,
        hertz=mel_centres(sampling_rate, n_mels, fmin, fmax, mel_scale),
    )


@representation(bounds=level_bounds, axes=_axes)
def log_energies(
    waveforms: Tensor,
    sampling_rate: int,
    *,
    frame_length: int = 1024,
    hop_length: int = 512,
    n_fft: int | None = None,
    alpha: float = 0.53836,
    n_mels: int = 64,
    fmin: float = 0.0,
    fmax: float | None = None,
    power: float = 2.0,
    mel_scale: Literal["slaney", "htk"] = "htk",
    norm: Literal["slaney"] | None = None,
    ref: float | Literal["max"] = "max",
    amin: float = 1e-10,
    top_db: float | None = 80.0,
    scaling: Literal["unit", "decibel", "power"] = "unit",
) -> Tensor:
    """Return (n, 1, n_mels, 1 + (samples - frame_length) // hop_length).

    The clip is cut into frames of `frame_length` samples, a `hop_length` apart, that lie wholly within it; each is
    multiplied by alpha - (1 - alpha) cos(2 pi i / (frame_length - 1)), filled up with zeros to `n_fft` (None for no
    more), Fourier transformed, its squared magnitudes summed by triangular filters of height 1, and the logarithm is
    taken. `ref`, `amin`, `top_db` and `scaling` are those of `melspectrogram`; a natural logarithm is dB / 4.343.
    Davis and Mermelstein (1980), Comparison of parametric representations for monosyllabic word recognition; Harris
    (1978), On the use of windows for harmonic analysis with the discrete Fourier transform.
    Raises ModelError for clips shorter than a frame, n_fft below frame_length, and `scaling: unit` without top_db.
    """
    size = n_fft or frame_length
    if size < frame_length:
        raise ModelError(f"n_fft: {size} is shorter than frame_length: {frame_length}; leave it out, or raise it")
    if waveforms.shape[-1] < frame_length:
        raise ModelError(
            f"clips of {waveforms.shape[-1]} samples are shorter than frame_length: {frame_length}; hear more seconds, "
            "or take shorter frames"
        )
    kernel = _hamming(frame_length, alpha, waveforms.dtype).to(waveforms.device)
    frames = waveforms.unfold(-1, frame_length, hop_length) * kernel
    energy = raised(energy_of(torch.fft.rfft(frames, n=size)), power).transpose(1, 2)
    filters = mel_filters(sampling_rate, size, n_mels, fmin, fmax, mel_scale, norm, waveforms.dtype)
    bands = torch.matmul(filters.to(waveforms.device), energy).unsqueeze(1)
    return scaled(bands, ref=ref, amin=amin, top_db=top_db, scaling=scaling)


@cache
@torch.inference_mode(mode=False)
def _hamming(length: int, alpha: float, dtype: torch.dtype) -> Tensor:
    return torch.from_numpy(general_hamming(length, alpha, sym=True)).to(dtype)
