"""The constant-Q transform as librosa computes it, octave by octave, of fixed filters: gradients pass."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any

import librosa
import numpy as np
import soxr
import torch
from torch import Tensor
from torch.nn.functional import pad

from audit.errors import ModelError
from audit.representations.spectrum import energy_of
from audit.representations.tuning import tuning_of

C1 = 32.70319566257483
# Beyond so many samples nothing is left of soxr's response but noise.
SPAN = 192
BLOCK = 256


@dataclass(frozen=True)
class ConstantQ:
    """What is transformed to, as librosa's cqt names it: `fmin` in Hz, None for C1; no `tuning` for each clip's own."""

    hop_length: int = 512
    fmin: float | None = None
    n_bins: int = 84
    bins_per_octave: int = 12
    tuning: float | None = 0.0
    filter_scale: float = 1.0
    norm: float | None = 1.0
    sparsity: float = 0.01
    window: str = "hann"
    scale: bool = True

    @property
    def hertz(self) -> np.ndarray:
        """Return the bins' frequencies."""
        return librosa.cqt_frequencies(
            self.n_bins, fmin=self.fmin or C1, bins_per_octave=self.bins_per_octave, tuning=self.tuning or 0.0
        )

    def frames(self, samples: int, sampling_rate: int) -> int:
        """Return the number of columns."""
        early = 2 ** _early(self, sampling_rate)
        return 1 + -(-samples // early) // (self.hop_length // early)


@dataclass(frozen=True)
class _Octave:
    hop_length: int
    n_fft: int
    filters: Tensor
    """Complex, (bins, 1 + n_fft // 2)."""


def energies(waveforms: Tensor, sampling_rate: int, transform: ConstantQ) -> Tensor:
    """Return squared magnitudes (n, n_bins, frames); raises ModelError where filters reach beyond half the rate."""
    if transform.tuning is None:
        found = [_tuned(clip, sampling_rate, transform) for clip in waveforms]
        return torch.cat([energies(clip[None], sampling_rate, own) for clip, own in zip(waveforms, found, strict=True)])
    heard = waveforms
    for _ in range(_early(transform, sampling_rate)):
        heard = _halved(heard)
        heard = heard if transform.scale else heard * 2.0**0.5
    parts: list[Tensor] = []
    octaves = _octaves(transform, sampling_rate, waveforms.dtype)
    for each, following in zip(octaves, (*octaves[1:], None), strict=True):
        ones = torch.ones(each.n_fft, dtype=heard.dtype, device=heard.device)
        spectrum = torch.stft(
            heard, each.n_fft, each.hop_length, window=ones, center=True, pad_mode="constant", return_complex=True
        )
        parts.insert(0, energy_of(torch.matmul(each.filters.to(heard.device), spectrum)))
        if following is not None and following.hop_length != each.hop_length:
            heard = _halved(heard)
    frames = min(part.shape[-1] for part in parts)
    return torch.cat([part[..., :frames] for part in parts], dim=1)


def _tuned(clip: Tensor, sampling_rate: int, transform: ConstantQ) -> ConstantQ:
    heard, bins = clip.detach().cpu().numpy(), transform.bins_per_octave
    return replace(transform, tuning=tuning_of(sampling_rate=sampling_rate, bins_per_octave=bins, y=heard))


def _bandwidth(transform: ConstantQ) -> float:
    step = 2.0 ** (2.0 / transform.bins_per_octave)
    return (step - 1) / (step + 1)


def _early(transform: ConstantQ, sampling_rate: int) -> int:
    """Return how often the waveform is halved before its highest octave."""
    _, highest = librosa.filters.wavelet_lengths(
        freqs=transform.hertz,
        sr=sampling_rate,
        window=transform.window,
        filter_scale=transform.filter_scale,
        alpha=_bandwidth(transform),
    )
    nyquist = sampling_rate / 2
    if highest > nyquist:
        raise ModelError(
            f"the constant-Q filters reach up to {highest:.0f} Hz, above the {nyquist:.0f} Hz that a sampling rate of "
            f"{sampling_rate} Hz holds; take fewer bins (or n_octaves), or a lower fmin"
        )
    octaves = -(-transform.n_bins // transform.bins_per_octave)
    twos = (transform.hop_length & -transform.hop_length).bit_length() - 1
    room = int(np.ceil(np.log2(nyquist / highest)) - 1) - 1
    return min(max(room, 0), max(twos - octaves + 1, 0))


@lru_cache(maxsize=32)
@torch.inference_mode(mode=False)
def _octaves(transform: ConstantQ, sampling_rate: int, dtype: torch.dtype) -> tuple[_Octave, ...]:
    """Return each octave's filters, the highest first; each is heard at half the rate of the one above it."""
    hertz, alpha = transform.hertz, _bandwidth(transform)
    early = 2 ** _early(transform, sampling_rate)
    first, hop = sampling_rate / early, transform.hop_length // early
    keys: dict[str, Any] = {"window": transform.window, "filter_scale": transform.filter_scale, "alpha": alpha}
    rate, found = first, []
    for top in range(len(hertz), 0, -transform.bins_per_octave):
        own = hertz[max(top - transform.bins_per_octave, 0) : top]
        basis, lengths = librosa.filters.wavelet(freqs=own, sr=rate, norm=transform.norm, **keys)
        n_fft = basis.shape[1]
        spectra = np.fft.fft(basis * (lengths[:, None] / n_fft), axis=1)[:, : n_fft // 2 + 1]
        filters = librosa.util.sparsify_rows(spectra, quantile=transform.sparsity).toarray() * np.sqrt(first / rate)
        if transform.scale:
            whole, _ = librosa.filters.wavelet_lengths(freqs=own, sr=first, **keys)
            filters = filters / np.sqrt(whole)[:, None]
        found.append(_Octave(hop, n_fft, torch.from_numpy(filters).to(dtype.to_complex())))
        if hop % 2 == 0:
            hop, rate = hop // 2, rate / 2
    return tuple(found)


def _halved(waveforms: Tensor) -> Tensor:
    """Return waveforms at half the sampling rate and the same energy, as soxr's high quality has them."""
    samples = waveforms.shape[-1]
    halved = -(-samples // 2)
    blocks = -(-halved // BLOCK)
    # Blocks by a matrix: torch's convolution takes far longer, and a Fourier transform fills silence with noise.
    whole = pad(waveforms, (SPAN, 2 * BLOCK * blocks + SPAN - 1 - samples))
    pieces = whole.unfold(-1, 2 * (BLOCK + SPAN) - 1, 2 * BLOCK)
    answers = torch.matmul(pieces, _half_band(waveforms.dtype).to(waveforms.device))
    return answers.flatten(1)[:, :halved]


@cache
@torch.inference_mode(mode=False)
def _half_band(dtype: torch.dtype) -> Tensor:
    """Return the matrix (2 (BLOCK + SPAN) - 1, BLOCK) that halves a block of samples with SPAN more on either side."""
    # An impulse at an even sample, and one at an odd one: every other value of soxr's response each.
    impulses = np.zeros((8 * SPAN, 2))
    impulses[4 * SPAN, 0] = impulses[4 * SPAN + 1, 1] = 1.0
    answers = soxr.resample(impulses, 2, 1, quality="soxr_hq")
    response = np.zeros(2 * SPAN + 1)
    response[::2] = answers[2 * SPAN - SPAN // 2 : 2 * SPAN + SPAN // 2 + 1, 0]
    response[1::2] = answers[2 * SPAN - SPAN // 2 + 1 : 2 * SPAN + SPAN // 2 + 1, 1]
    response = (response + response[::-1]) * 0.5**0.5
    rows, columns = np.indices((2 * (BLOCK + SPAN) - 1, BLOCK))
    places = rows - 2 * columns
    matrix = np.where((places >= 0) & (places <= 2 * SPAN), response[places.clip(0, 2 * SPAN)], 0.0)
    return torch.from_numpy(matrix).to(dtype)
