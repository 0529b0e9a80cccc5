"""What representations are made of: frames, short-time Fourier transforms, mel filters, levels in decibels, norms."""

from __future__ import annotations

from functools import cache
from typing import Literal

import librosa
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import get_window
from torch import Tensor

from audit.errors import ModelError
from audit.input_spec import Axes

INFINITY = float("inf")


def frame_seconds(samples: int, sampling_rate: int, hop_length: int, length: int = 2) -> NDArray[np.float64]:
    """Return the middle, in seconds, of each frame of `length` samples, the first about the clip's first sample."""
    frames = 1 + (samples + 2 * (length // 2) - length) // hop_length
    return np.arange(frames) * hop_length / sampling_rate


def frame_axes(
    samples: int,
    sampling_rate: int,
    *,
    n_fft: int = 2048,
    hop_length: int = 512,
    frame_length: int | None = None,
    **_: object,
) -> Axes:
    """Return the axes of what has no frequencies; frames are of `frame_length` samples, or `n_fft`."""
    return Axes(seconds=frame_seconds(samples, sampling_rate, hop_length, frame_length or n_fft))


def mel_centres(
    sampling_rate: int, n_mels: int, fmin: float, fmax: float | None, mel_scale: str
) -> NDArray[np.float64]:
    """Return the filters' centres in Hz."""
    # The filters' edges, of which the inner ones are their centres.
    edges = librosa.mel_frequencies(n_mels + 2, fmin=fmin, fmax=fmax or sampling_rate / 2, htk=mel_scale == "htk")
    return edges[1:-1]


def power_spectrum(
    waveforms: Tensor,
    n_fft: int,
    hop_length: int,
    win_length: int | None = None,
    window: str = "hann",
    power: float = 2.0,
) -> Tensor:
    """Return the magnitudes of the short-time Fourier transform, to the `power`, (n, 1 + n_fft // 2, frames)."""
    kernel = window_of(window, win_length or n_fft, waveforms.dtype).to(waveforms.device)
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
    return raised(energy_of(spectrum), power)


def energy_of(spectrum: Tensor) -> Tensor:
    """Return the squared magnitudes of complex values."""
    # Squared parts, not abs()**2: the gradient of abs is undefined in silent cells.
    return spectrum.real.square() + spectrum.imag.square()


def raised(energy: Tensor, power: float) -> Tensor:
    """Return squared magnitudes as magnitudes to the `power`, with finite gradients in silent cells."""
    if power == 2.0:
        return energy
    return energy.clamp_min(torch.finfo(energy.dtype).tiny).pow(power / 2)


def magnitude(energy: Tensor) -> Tensor:
    """Return the square roots of squared magnitudes: exactly 0, with a gradient of 0, in silent cells."""
    tiny = torch.finfo(energy.dtype).tiny
    return torch.where(energy < tiny, 0.0, energy.clamp_min(tiny).sqrt())


def framed(waveforms: Tensor, length: int, hop_length: int, pad_mode: str = "constant") -> Tensor:
    """Return frames (n, frames, length) of waveforms padded by half a frame at both ends, as librosa centres them."""
    half = length // 2
    padded = torch.nn.functional.pad(waveforms.unsqueeze(1), (half, half), mode=pad_mode).squeeze(1)
    return padded.unfold(-1, length, hop_length)


def level_bounds(
    *, scaling: str = "unit", top_db: float | None = 80.0, ref: float | str = "max", **_: object
) -> tuple[float, float]:
    """Return the lowest and highest value that `scaled` can give."""
    if scaling == "unit":
        return 0.0, 1.0
    if scaling == "decibel" and ref == "max":
        return -(top_db if top_db is not None else INFINITY), 0.0
    return (0.0 if scaling == "power" else -INFINITY), INFINITY


def scaled(
    energy: Tensor,
    *,
    ref: float | Literal["max"],
    amin: float,
    top_db: float | None,
    scaling: Literal["unit", "decibel", "power"],
) -> Tensor:
    """Return energies (n, channels, rows, frames) as they are, in decibels as by librosa's power_to_db, or in [0, 1].

    `unit` maps [-top_db, 0] dB to [0, 1] and clips. Raises ModelError for `unit` without top_db.
    """
    if scaling == "unit" and top_db is None:
        raise ModelError("scaling: unit is from top_db below the maximum up to it; give top_db, or scaling: decibel")
    if scaling == "power":
        return energy
    level = 10.0 * torch.log10(energy.clamp_min(amin))
    peak = level.amax(dim=(1, 2, 3), keepdim=True)
    level = level - (peak if ref == "max" else 10.0 * float(np.log10(max(amin, float(ref)))))
    if top_db is None:
        return level
    level = torch.maximum(level, level.amax(dim=(1, 2, 3), keepdim=True) - top_db)
    return (level / top_db + 1.0).clamp(0.0, 1.0) if scaling == "unit" else level


def norm_bounds(*, norm: float | str | None = "max", **_: object) -> tuple[float, float]:
    """Return the lowest and highest value that `normalised` can give of what is nowhere below 0."""
    return 0.0, INFINITY if norm is None else 1.0


def normalised(values: Tensor, norm: float | Literal["max"] | None) -> Tensor:
    """Return (..., rows, frames) with every frame divided by its maximum, or by its `norm`; silent frames stay 0.

    Raises ModelError for a norm below 1.
    """
    if norm is None:
        return values
    size = values.abs()
    tiny = torch.finfo(values.dtype).tiny
    if norm == "max":
        length = size.amax(dim=-2, keepdim=True)
        return values / torch.where(length < tiny, 1.0, length)
    if norm < 1.0:
        raise ModelError(f"norm: {norm:g} is not allowed; give max, a number from 1 up, or null for none")
    total = size.pow(norm).sum(dim=-2, keepdim=True)
    # Replaced before the root: the gradient of a root of 0 is infinite.
    return values / torch.where(total < tiny, 1.0, total).pow(1.0 / norm)


# Made outside inference mode, whoever asks first: a cached inference tensor could never take part in a gradient.
@cache
@torch.inference_mode(mode=False)
def window_of(name: str, length: int, dtype: torch.dtype) -> Tensor:
    """Return scipy's window of that name, periodic."""
    return torch.from_numpy(get_window(name, length, fftbins=True)).to(dtype)


@cache
@torch.inference_mode(mode=False)
def mel_filters(
    sampling_rate: int,
    n_fft: int,
    n_mels: int,
    fmin: float,
    fmax: float | None,
    mel_scale: str,
    norm: Literal["slaney"] | None,
    dtype: torch.dtype,
) -> Tensor:
    """Return librosa's triangular filters, (n_mels, 1 + n_fft // 2)."""
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
