"""The spectrogram parted into what lasts (harmonic) and what strikes (percussive)."""

from __future__ import annotations

import math
from typing import Literal

import librosa
import numpy as np
import torch
from torch import Tensor

from audit.errors import ModelError
from audit.input_spec import Axes
from audit.kinds import representation
from audit.representations.spectrum import (
    frame_seconds,
    level_bounds,
    magnitude,
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
    hop_length: int = 512,
    n_mels: int | None = 128,
    fmin: float = 0.0,
    fmax: float | None = None,
    mel_scale: str = "slaney",
    **_: object,
) -> Axes:
    return Axes(
        seconds=frame_seconds(samples, sampling_rate, hop_length, n_fft),
        hertz=librosa.fft_frequencies(sr=sampling_rate, n_fft=n_fft)
        if n_mels is None
        else mel_centres(sampling_rate, n_mels, fmin, fmax, mel_scale),
    )


@representation(bounds=level_bounds, axes=_axes)
def hpss(
    waveforms: Tensor,
    sampling_rate: int,
    *,
    component: Literal["harmonic", "percussive", "both"] = "both",
    kernel_size: int = 31,
    mask_power: float = 2.0,
    margin: float = 1.0,
    n_fft: int = 1024,
    hop_length: int = 512,
    win_length: int | None = None,
    window: str = "hann",
    n_mels: int | None = 128,
    fmin: float = 0.0,
    fmax: float | None = None,
    mel_scale: Literal["slaney", "htk"] = "slaney",
    norm: Literal["slaney"] | None = "slaney",
    ref: float | Literal["max"] = "max",
    amin: float = 1e-10,
    top_db: float | None = 80.0,
    scaling: Literal["unit", "decibel", "power"] = "unit",
) -> Tensor:
    """Return (n, 1 or 2, n_mels, 1 + samples // hop_length), equal to librosa's decompose.hpss, mel and power_to_db.

    The magnitudes of the short-time Fourier transform are weighed by soft masks, (n, 2, ...) where both components are
    asked for, harmonic first: together they hold all of the clip, so that is the default. `kernel_size` is the length
    of the median filters, in frames along time and in bins along frequency; `mask_power` the exponent of the masks
    (librosa's `power`, `.inf` for hard ones); with a `margin` above 1 what is neither goes to none. `n_mels: null`
    leaves the bins as rows, (n, 1 or 2, 1 + n_fft // 2, frames). `ref`, `amin`, `top_db` and `scaling` are those of
    `melspectrogram`; the maximum is that of all channels. Gradients pass through medians as through the value chosen.
    FitzGerald (2010), Harmonic/percussive separation using median filtering; Driedger, Müller and Disch (2014),
    Extending harmonic-percussive separation of audio, for the margin.
    Raises ModelError for a margin below 1, a mask_power or kernel_size not above 0, `scaling: unit` without top_db.
    """
    if margin < 1.0:
        raise ModelError(f"margin: {margin:g} is not allowed; give 1, or more to leave out what is neither")
    if not mask_power > 0.0 or kernel_size < 1:
        raise ModelError(f"mask_power: {mask_power:g} and kernel_size: {kernel_size} must be above 0")
    whole = magnitude(power_spectrum(waveforms, n_fft, hop_length, win_length, window))
    lasting = _median(whole, kernel_size)
    striking = _median(whole.transpose(1, 2), kernel_size).transpose(1, 2)
    parts = {"harmonic": (lasting, striking), "percussive": (striking, lasting)}
    chosen = list(parts) if component == "both" else [component]
    split = 0.5 if margin == 1.0 else 0.0
    masks = [_mask(parts[name][0], parts[name][1] * margin, mask_power, split) for name in chosen]
    energy = torch.stack([(whole * mask).square() for mask in masks], dim=1)
    if n_mels is not None:
        filters = mel_filters(sampling_rate, n_fft, n_mels, fmin, fmax, mel_scale, norm, waveforms.dtype)
        energy = torch.matmul(filters.to(waveforms.device), energy)
    return scaled(energy, ref=ref, amin=amin, top_db=top_db, scaling=scaling)


def _median(values: Tensor, size: int) -> Tensor:
    """Return (n, rows, columns) filtered along the columns, mirrored at the ends as by scipy's median_filter."""
    mirrored = np.pad(np.arange(values.shape[-1]), (size // 2, size - 1 - size // 2), mode="symmetric")
    windows = values[..., torch.from_numpy(mirrored).to(values.device)].unfold(-1, size, 1)
    # Clip by clip: a whole batch of windows would leave the processor's cache.
    return torch.stack([each.kthvalue(size // 2 + 1, dim=-1).values for each in windows])


def _mask(values: Tensor, others: Tensor, power: float, split: float) -> Tensor:
    """Return the share of the one in both, in [0, 1]; `split` where both are silent."""
    if math.isinf(power):
        return (values > others).to(values.dtype)
    larger = torch.maximum(values, others)
    silent = larger < torch.finfo(values.dtype).tiny
    larger = torch.where(silent, 1.0, larger)
    mine, theirs = (_raised(part / larger, power) for part in (values, others))
    return torch.where(silent, split, mine / torch.where(silent, 1.0, mine + theirs))


def _raised(share: Tensor, power: float) -> Tensor:
    # Below an exponent of 1 the gradient at 0 is infinite.
    return share.square() if power == 2.0 else share.clamp_min(torch.finfo(share.dtype).tiny).pow(power)
