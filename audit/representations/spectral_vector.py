"""One short vector for a clip: means of cepstral coefficients, of the spectrum's centroid and of its contrast."""

from __future__ import annotations

import librosa
import torch
from torch import Tensor

from audit.input_spec import Axes
from audit.kinds import representation
from audit.representations.mfcc import mfcc
from audit.representations.spectral_contrast import spectral_contrast
from audit.representations.spectrum import INFINITY, magnitude, normalised, power_spectrum


def _bounds(**_: object) -> tuple[float, float]:
    return -INFINITY, INFINITY


def _axes(*_: object, **__: object) -> Axes:
    return Axes()


@representation(bounds=_bounds, axes=_axes)
def spectral_vector(
    waveforms: Tensor,
    sampling_rate: int,
    *,
    n_mfcc: int = 44,
    n_bands: int = 6,
    n_fft: int = 2048,
    hop_length: int = 512,
    n_mels: int = 128,
    fmin: float = 200.0,
) -> Tensor:
    """Return (n, 1, n_mfcc + 1 + n_bands + 1, 1), by default 52 numbers: librosa's features averaged over the frames.

    `n_mfcc` coefficients as of `mfcc`, in dB; the spectral centroid in Hz; the contrast of `n_bands` octaves above
    `fmin` (Hz) and of the band below, in dB as of `spectral_contrast`. The units differ: let the manifest scale each
    row, `scaling: {file: ...}`.
    Davis and Mermelstein (1980) for the coefficients; Grey and Gordon (1978) for the centroid; Jiang et al. (2002).
    Raises ModelError where a band holds no bin.
    """
    cepstrum = mfcc(
        waveforms, sampling_rate, n_mfcc=n_mfcc, n_fft=n_fft, hop_length=hop_length, n_mels=n_mels, mean=True
    )
    shares = normalised(magnitude(power_spectrum(waveforms, n_fft, hop_length)), 1.0)
    hertz = torch.from_numpy(librosa.fft_frequencies(sr=sampling_rate, n_fft=n_fft)).to(shares)
    centroid = torch.matmul(hertz, shares).mean(dim=-1)[:, None, None, None]
    contrast = spectral_contrast(
        waveforms, sampling_rate, n_fft=n_fft, hop_length=hop_length, fmin=fmin, n_bands=n_bands, scaling="decibel"
    )
    return torch.cat([cepstrum, centroid, contrast.mean(dim=-1, keepdim=True)], dim=2)
