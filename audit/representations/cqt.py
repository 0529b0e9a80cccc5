"""The constant-Q transform in decibels: a spectrogram whose rows are as far apart as notes are."""

from __future__ import annotations

from typing import Literal

import numpy as np
from torch import Tensor

from audit.input_spec import Axes
from audit.kinds import representation
from audit.representations.constant_q import ConstantQ, energies
from audit.representations.spectrum import level_bounds, raised, scaled


def _axes(
    samples: int,
    sampling_rate: int,
    *,
    hop_length: int = 512,
    fmin: float | None = None,
    n_bins: int = 84,
    bins_per_octave: int = 12,
    tuning: float | None = 0.0,
    filter_scale: float = 1.0,
    window: str = "hann",
    **_: object,
) -> Axes:
    transform = ConstantQ(hop_length, fmin, n_bins, bins_per_octave, tuning, filter_scale, window=window)
    frames = transform.frames(samples, sampling_rate)
    return Axes(seconds=np.arange(frames) * hop_length / sampling_rate, hertz=transform.hertz)


@representation(bounds=level_bounds, axes=_axes)
def cqt(
    waveforms: Tensor,
    sampling_rate: int,
    *,
    hop_length: int = 512,
    fmin: float | None = None,
    n_bins: int = 84,
    bins_per_octave: int = 12,
    tuning: float | None = 0.0,
    filter_scale: float = 1.0,
    norm: float | None = 1.0,
    sparsity: float = 0.01,
    window: str = "hann",
    scale: bool = True,
    power: float = 2.0,
    ref: float | Literal["max"] = "max",
    amin: float = 1e-10,
    top_db: float | None = 80.0,
    scaling: Literal["unit", "decibel", "power"] = "unit",
) -> Tensor:
    """Return (n, 1, n_bins, 1 + samples // hop_length), equal to librosa's cqt and amplitude_to_db.

    Rows begin at `fmin` (Hz; null for C1, 32.7 Hz), `bins_per_octave` to an octave; `tuning` is in fractions of a bin,
    null estimates it of each clip, and gradients take that as given. `filter_scale` shortens or lengthens the filters,
    `sparsity` is the share of their Fourier magnitudes that is dropped, `scale` divides by the root of their lengths.
    `power` is the exponent of the magnitudes; `ref`, `amin`, `top_db` and `scaling` are those of `melspectrogram`, and
    `scaling: power` with `power: 1` is librosa's magnitude. Lower octaves are computed at halved sampling rates, by the
    response of soxr's filter.
    Brown (1991), Calculation of a constant Q spectral transform; Schörkhuber and Klapuri (2010), Constant-Q transform
    toolbox for music processing.
    Raises ModelError where the filters reach beyond half the sampling rate, and for `scaling: unit` without top_db.
    """
    transform = ConstantQ(
        hop_length, fmin, n_bins, bins_per_octave, tuning, filter_scale, norm, sparsity, window, scale
    )
    energy = raised(energies(waveforms, sampling_rate, transform), power).unsqueeze(1)
    return scaled(energy, ref=ref, amin=amin, top_db=top_db, scaling=scaling)
