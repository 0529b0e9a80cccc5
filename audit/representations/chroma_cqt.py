"""The magnitude of each pitch class, whatever its octave, of a constant-Q transform."""

from __future__ import annotations

from functools import cache
from typing import Literal

import librosa
import numpy as np
import torch
from torch import Tensor

from audit.input_spec import Axes
from audit.kinds import representation
from audit.representations.constant_q import ConstantQ, energies
from audit.representations.spectrum import magnitude, norm_bounds, normalised


def _axes(
    samples: int,
    sampling_rate: int,
    *,
    hop_length: int = 512,
    fmin: float | None = None,
    tuning: float | None = 0.0,
    n_octaves: int = 7,
    bins_per_octave: int = 36,
    **_: object,
) -> Axes:
    transform = ConstantQ(hop_length, fmin, n_octaves * bins_per_octave, bins_per_octave, tuning)
    return Axes(seconds=np.arange(transform.frames(samples, sampling_rate)) * hop_length / sampling_rate)


@representation(bounds=norm_bounds, axes=_axes)
def chroma_cqt(
    waveforms: Tensor,
    sampling_rate: int,
    *,
    hop_length: int = 512,
    fmin: float | None = None,
    tuning: float | None = 0.0,
    n_chroma: int = 12,
    n_octaves: int = 7,
    bins_per_octave: int = 36,
    threshold: float = 0.0,
    norm: float | Literal["max"] | None = "max",
) -> Tensor:
    """Return (n, 1, n_chroma, 1 + samples // hop_length), equal to librosa's chroma_cqt, in [0, 1] where normalised.

    Row 0 is C. The magnitudes of `cqt` from `fmin` (Hz; null for C1) over `n_octaves` are summed for each pitch class,
    those below `threshold` are 0; `tuning` is in fractions of a bin, null estimates it of each clip, librosa's default,
    and gradients take that as given. `norm` is what each frame is divided by: `max`, the norm of that order, or null.
    Frames of digital silence are 0, where librosa normalises what is left of its resampling, some 1e-9.
    Brown (1991), Calculation of a constant Q spectral transform; Fujishima (1999), Realtime chord recognition.
    Raises ModelError where the filters reach beyond half the sampling rate, and for a norm below 1.
    """
    transform = ConstantQ(hop_length, fmin, n_octaves * bins_per_octave, bins_per_octave, tuning)
    found = magnitude(energies(waveforms, sampling_rate, transform))
    bank = _filters(n_octaves * bins_per_octave, bins_per_octave, n_chroma, fmin, found.dtype).to(found.device)
    classes = torch.matmul(bank, found)
    return normalised(torch.where(classes < threshold, 0.0, classes), norm).unsqueeze(1)


@cache
@torch.inference_mode(mode=False)
def _filters(n_bins: int, bins_per_octave: int, n_chroma: int, fmin: float | None, dtype: torch.dtype) -> Tensor:
    bank = librosa.filters.cq_to_chroma(
        n_bins, bins_per_octave=bins_per_octave, n_chroma=n_chroma, fmin=fmin, dtype=np.float64
    )
    return torch.from_numpy(bank).to(dtype)
