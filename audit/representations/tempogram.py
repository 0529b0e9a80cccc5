"""Which pulses the onsets of a clip keep to, from moment to moment."""

from __future__ import annotations

from typing import Literal

import scipy.fft
import torch
from torch import Tensor
from torch.nn.functional import pad

from audit.kinds import representation
from audit.representations.melspectrogram import melspectrogram
from audit.representations.spectrum import energy_of, frame_axes, norm_bounds, normalised, window_of


@representation(bounds=norm_bounds, axes=frame_axes)
def tempogram(
    waveforms: Tensor,
    sampling_rate: int,
    *,
    win_length: int = 384,
    hop_length: int = 512,
    n_fft: int = 2048,
    n_mels: int = 128,
    window: str = "hann",
    norm: float | Literal["max"] | None = "max",
) -> Tensor:
    """Return (n, 1, win_length, 1 + samples // hop_length), equal to librosa's tempogram, in [0, 1] where normalised.

    Row k says how alike the onset strengths about a moment are to themselves k frames later; its pulse has
    60 sampling_rate / (hop_length k) beats a minute. `win_length` is in frames, `window` (nowhere below 0) their
    weight; `norm` is what each moment is divided by: `max`, which is row 0, the norm of that order, or null for none.
    Onset strengths are those of librosa: rises of the mel-spectrogram in dB from frame to frame, averaged over `n_mels`
    bands of frames of `n_fft` samples. Gradients pass; those of what falls are 0.
    Grosche, Müller and Kurth (2010), Cyclic tempogram: a mid-level tempo representation for music signals.
    Raises ModelError for a norm below 1.
    """
    onsets = onset_strength(waveforms, sampling_rate, n_fft, hop_length, n_mels)
    frames = onsets.shape[-1]
    windows = _ramped(onsets, win_length // 2).unfold(-1, win_length, 1)[:, :frames]
    windows = windows * window_of(window, win_length, waveforms.dtype).to(waveforms.device)
    # Room for the longest lag: the transform's own autocorrelation is cyclic.
    size = scipy.fft.next_fast_len(2 * win_length - 1, real=True)
    alike = torch.fft.irfft(energy_of(torch.fft.rfft(windows, n=size)), n=size)[..., :win_length]
    return normalised(alike.transpose(1, 2), norm).unsqueeze(1)


def onset_strength(waveforms: Tensor, sampling_rate: int, n_fft: int, hop_length: int, n_mels: int) -> Tensor:
    """Return how much louder each frame is than the one before it, in dB averaged over mel bands, (n, frames)."""
    level = melspectrogram(
        waveforms, sampling_rate, n_fft=n_fft, hop_length=hop_length, n_mels=n_mels, ref=1.0, scaling="decibel"
    )[:, 0]
    rises = (level[..., 1:] - level[..., :-1]).clamp_min(0.0).mean(dim=1)
    # A frame hears an onset half its length before its middle gets there.
    return pad(rises, (1 + n_fft // (2 * hop_length), 0))[:, : level.shape[-1]]


def _ramped(onsets: Tensor, width: int) -> Tensor:
    """Return (n, frames + 2 width), falling off to 0 in a straight line at both ends."""
    ramp = torch.arange(width, dtype=onsets.dtype, device=onsets.device) / max(width, 1)
    return torch.cat([onsets[:, :1] * ramp, onsets, onsets[:, -1:] * ramp.flip(0)], dim=1)
