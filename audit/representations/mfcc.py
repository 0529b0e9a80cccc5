"""Mel-frequency cepstral coefficients, over time or averaged over the clip."""

from __future__ import annotations

from typing import Literal

import numpy as np
import scipy.fft
import torch
from torch import Tensor

from audit.input_spec import Axes
from audit.kinds import representation
from audit.representations.melspectrogram import melspectrogram
from audit.representations.spectrum import INFINITY, frame_seconds


def _bounds(**_: object) -> tuple[float, float]:
    return -INFINITY, INFINITY


def _axes(
    samples: int, sampling_rate: int, *, n_fft: int = 2048, hop_length: int = 512, mean: bool = False, **_: object
) -> Axes:
    return Axes() if mean else Axes(seconds=frame_seconds(samples, sampling_rate, hop_length, n_fft))


@representation(bounds=_bounds, axes=_axes)
def mfcc(
    waveforms: Tensor,
    sampling_rate: int,
    *,
    n_mfcc: int = 20,
    n_fft: int = 2048,
    hop_length: int = 512,
    win_length: int | None = None,
    window: str = "hann",
    n_mels: int = 128,
    fmin: float = 0.0,
    fmax: float | None = None,
    mel_scale: Literal["slaney", "htk"] = "slaney",
    norm: Literal["slaney"] | None = "slaney",
    ref: float | Literal["max"] = 1.0,
    amin: float = 1e-10,
    top_db: float | None = 80.0,
    lifter: float = 0.0,
    mean: bool = False,
) -> Tensor:
    """Return (n, 1, n_mfcc, frames), equal to librosa's mfcc; averaged over the frames where `mean`, (n, 1, n_mfcc, 1).

    The orthonormal discrete cosine transform of the mel-spectrogram in decibels, whose parameters are those of
    `melspectrogram`; `lifter` weighs coefficient k by 1 + lifter / 2 sin(pi (k + 1) / lifter).
    Davis and Mermelstein (1980), Comparison of parametric representations for monosyllabic word recognition.
    """
    level = melspectrogram(
        waveforms,
        sampling_rate,
        n_fft=n_fft,
        hop_length=hop_length,
        win_length=win_length,
        window=window,
        n_mels=n_mels,
        fmin=fmin,
        fmax=fmax,
        mel_scale=mel_scale,
        norm=norm,
        ref=ref,
        amin=amin,
        top_db=top_db,
        scaling="decibel",
    )
    basis = scipy.fft.dct(np.eye(n_mels), axis=0, type=2, norm="ortho")[:n_mfcc]
    if lifter > 0:
        basis = basis * (1 + lifter / 2 * np.sin(np.pi * np.arange(1, n_mfcc + 1) / lifter))[:, None]
    found = torch.matmul(torch.from_numpy(basis).to(level), level)
    return found.mean(dim=-1, keepdim=True) if mean else found
