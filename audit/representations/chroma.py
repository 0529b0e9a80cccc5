"""The energy of each pitch class, whatever its octave, of a spectrogram."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import librosa
import numpy as np
import torch
from torch import Tensor

from audit.kinds import representation
from audit.representations.spectrum import frame_axes, norm_bounds, normalised, power_spectrum
from audit.representations.tuning import tuning_of


@representation(bounds=norm_bounds, axes=frame_axes)
def chroma(
    waveforms: Tensor,
    sampling_rate: int,
    *,
    n_fft: int = 2048,
    hop_length: int = 512,
    win_length: int | None = None,
    window: str = "hann",
    tuning: float | None = 0.0,
    n_chroma: int = 12,
    ctroct: float = 5.0,
    octwidth: float | None = 2.0,
    base_c: bool = True,
    norm: float | Literal["max"] | None = "max",
) -> Tensor:
    """Return (n, 1, n_chroma, 1 + samples // hop_length), equal to librosa's chroma_stft, in [0, 1] where normalised.

    Row 0 is C, or A without `base_c`. `tuning` is in fractions of a bin; null estimates it of each clip, librosa's
    default, and gradients take that as given. Octaves count by their distance from `ctroct`, by a Gaussian of width
    `octwidth`, null for all alike. `norm` is what each frame is divided by: `max`, the norm of that order, or null.
    Fujishima (1999), Realtime chord recognition of musical sound; Ellis (2007), Chroma feature analysis and synthesis.
    Raises ModelError for a norm below 1.
    """
    energy = power_spectrum(waveforms, n_fft, hop_length, win_length, window)
    if tuning is None:
        spectra = energy.detach().cpu().numpy()
        tunings = [tuning_of(sampling_rate=sampling_rate, bins_per_octave=n_chroma, S=each) for each in spectra]
    else:
        tunings = [tuning] * len(waveforms)
    banks = {
        each: _filters(sampling_rate, n_fft, n_chroma, each, ctroct, octwidth, base_c, energy.dtype)
        for each in set(tunings)
    }
    bank = torch.stack([banks[each] for each in tunings]) if len(banks) > 1 else next(iter(banks.values()))
    return normalised(torch.matmul(bank.to(energy.device), energy), norm).unsqueeze(1)


@lru_cache(maxsize=128)
@torch.inference_mode(mode=False)
def _filters(
    sampling_rate: int,
    n_fft: int,
    n_chroma: int,
    tuning: float,
    ctroct: float,
    octwidth: float | None,
    base_c: bool,
    dtype: torch.dtype,
) -> Tensor:
    bank = librosa.filters.chroma(
        sr=sampling_rate,
        n_fft=n_fft,
        tuning=tuning,
        n_chroma=n_chroma,
        ctroct=ctroct,
        octwidth=octwidth,
        base_c=base_c,
        dtype=np.float64,
    )
    return torch.from_numpy(bank).to(dtype)
