"""How far the peaks of the spectrum stand out of its valleys, octave by octave."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import librosa
import numpy as np
import torch
from scipy.signal import get_window
from torch import Tensor

from audit.errors import ModelError
from audit.input_spec import Axes
from audit.kinds import representation
from audit.representations.spectrum import frame_seconds, magnitude, power_spectrum, scaled

FAINTEST = 1e-10


def _bounds(
    *, n_fft: int = 2048, win_length: int | None = None, window: str = "hann", scaling: str = "unit", **_: object
) -> tuple[float, float]:
    if scaling == "unit":
        return 0.0, 1.0
    # No bin of a waveform in [-1, 1] is larger than the sum of the window.
    largest = float(np.abs(get_window(window, win_length or n_fft, fftbins=True)).sum())
    return 0.0, largest if scaling == "linear" else 10.0 * float(np.log10(largest / FAINTEST))


def _axes(
    samples: int,
    sampling_rate: int,
    *,
    n_fft: int = 2048,
    hop_length: int = 512,
    fmin: float = 200.0,
    n_bands: int = 6,
    **_: object,
) -> Axes:
    edges = np.minimum(fmin * 2.0 ** np.arange(n_bands + 1), sampling_rate / 2)
    return Axes(
        seconds=frame_seconds(samples, sampling_rate, hop_length, n_fft),
        hertz=np.concatenate([[fmin / 2], np.sqrt(edges[:-1] * edges[1:])]),
    )


@representation(bounds=_bounds, axes=_axes)
def spectral_contrast(
    waveforms: Tensor,
    sampling_rate: int,
    *,
    n_fft: int = 2048,
    hop_length: int = 512,
    win_length: int | None = None,
    window: str = "hann",
    fmin: float = 200.0,
    n_bands: int = 6,
    quantile: float = 0.02,
    most_db: float = 60.0,
    scaling: Literal["unit", "decibel", "linear"] = "unit",
) -> Tensor:
    """Return (n, 1, n_bands + 1, 1 + samples // hop_length), equal to librosa's spectral_contrast.

    The first row is the band below `fmin` (Hz), each next one an octave above it, the last also all that is higher.
    The contrast is that of the mean magnitude of the loudest `quantile` of a band's bins with that of its faintest.
    `scaling`: `decibel` is the difference of their levels in dB (10 log10 of magnitudes, as librosa has it), `linear`
    that of the magnitudes, `unit` maps [0, most_db] dB to [0, 1] and clips.
    Jiang, Lu, Zhang, Tao and Cai (2002), Music type classification by spectral contrast feature.
    Raises ModelError where a band holds no bin, and for a quantile outside (0, 1).
    """
    if not 0.0 < quantile < 1.0:
        raise ModelError(f"quantile: {quantile:g} is not allowed; give a share between 0 and 1")
    spectrum = magnitude(power_spectrum(waveforms, n_fft, hop_length, win_length, window))
    peaks, valleys = [], []
    for bins, count in _bands(sampling_rate, n_fft, fmin, n_bands, quantile):
        ordered = spectrum[:, bins].sort(dim=1).values
        peaks.append(ordered[:, -count:].mean(dim=1))
        valleys.append(ordered[:, :count].mean(dim=1))
    peak, valley = torch.stack(peaks, dim=1).unsqueeze(1), torch.stack(valleys, dim=1).unsqueeze(1)
    if scaling == "linear":
        return peak - valley
    high, low = (scaled(part, ref=1.0, amin=FAINTEST, top_db=80.0, scaling="decibel") for part in (peak, valley))
    return ((high - low) / most_db).clamp(0.0, 1.0) if scaling == "unit" else high - low


def _bands(sampling_rate: int, n_fft: int, fmin: float, n_bands: int, quantile: float) -> list[tuple[slice, int]]:
    """Return each band's bins, and how many of them are its peak and its valley."""
    hertz = librosa.fft_frequencies(sr=sampling_rate, n_fft=n_fft)
    edges = np.concatenate([[0.0], fmin * 2.0 ** np.arange(n_bands + 1)])
    found = []
    for band, (low, high) in enumerate(pairwise(edges)):
        inside = np.flatnonzero((hertz >= low) & (hertz <= high))
        last = band == n_bands
        if low >= sampling_rate / 2 or not len(inside):
            raise ModelError(
                f"spectral_contrast: no bin of {sampling_rate / n_fft:.3g} Hz lies in band {band}, {low:.6g} to "
                f"{high:.6g} Hz, at {sampling_rate} Hz; take fewer n_bands, another fmin, or a longer n_fft"
            )
        # As librosa has it: a band begins a bin early and, but for the last, ends one early; all its bins are counted.
        first = max(inside[0] - 1, 0) if band else 0
        end = len(hertz) if last else inside[-1] + 1
        count = max(int(np.rint(quantile * (end - first))), 1)
        found.append((slice(first, end if last else max(end - 1, first + 1)), count))
    return found
