"""Clips to listen to: with cells of the input silenced, or changed as a perturbation changed them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray

from audit.data import Waveform
from audit.errors import MethodError
from audit.input_spec import SpeechInput
from audit.rendering.level import Floats, decibels, settings

LARGEST_CHANGE_DB = 40.0
Bits = Literal[16, 24]


def masked_clip(waveform: Waveform, spec: SpeechInput, keep: NDArray[np.bool_]) -> Waveform:
    """Return the clip (samples,) without the cells where `keep` (rows, columns) is False; its phase stays.

    Every bin of a short-time Fourier transform with the representation's window length belongs to the row and column
    nearest to it, so sound beyond the lowest and highest row goes with that row. Where rows are no frequencies, each
    moment keeps the share of its rows that is kept. With nothing hidden the clip comes back within 1e-5. A hidden band
    or segment falls silent (by 28 dB and more on speech), but a hidden cell among kept ones loses only about 3 dB, for
    windows overlap and its neighbours sound on in it. Raises MethodError where columns are no moments.
    """
    hertz, moments = spec.axes.hertz, _moments(spec)
    if hertz is None:
        return _gained_over_time(waveform, spec.sampling_rate, moments, keep.mean(axis=0))
    bins, frames = _bins(spec)
    rows = np.abs(hertz[:, None] - bins).argmin(axis=0)
    columns = np.abs(moments[:, None] - frames).argmin(axis=0)
    return _gained(waveform, spec, keep[rows][:, columns].astype(np.float32))


def perturbed_clip(waveform: Waveform, spec: SpeechInput, clean: Floats, perturbed: Floats) -> Waveform:
    """Return the clip (samples,) as the perturbed input would have it sound.

    `clean` and `perturbed` are one input each, as the representation puts it out, before any scaling. Exact where the
    input is the waveform. Of a spectrogram it is approximate: each cell's change in level, in dB and at most 40,
    becomes the gain of the Fourier bins around it, interpolated between the cells' centres as the triangular filters
    do, and the clean phase stays. No clip has exactly the perturbed spectrogram, for neighbouring cells share sound: a
    change that is smooth over a few cells arrives within 0.2 dB, one drawn anew for every cell correlates at about 0.5
    with what arrives. Digital silence stays silent, and what lies under the floor is raised from where it is.
    Raises MethodError where the representation has no levels.
    """
    hertz = spec.axes.hertz
    if clean.size == spec.samples and hertz is None:
        return np.ascontiguousarray(perturbed.reshape(-1), dtype=np.float32)
    change = decibels(perturbed, spec) - decibels(clean, spec)
    assert hertz is not None
    bins, frames = _bins(spec)
    over_rows = _interpolation(hertz, bins) @ change.clip(-LARGEST_CHANGE_DB, LARGEST_CHANGE_DB)
    over_cells = over_rows @ _interpolation(_moments(spec), frames).T
    # A level counts 10 log10 of magnitude^power, whatever the power.
    gain = 10.0 ** (over_cells / (10.0 * float(settings(spec).get("power", 2.0))))
    return _gained(waveform, spec, gain.astype(np.float32))


def quantised(waveform: Waveform, bits: Bits = 16) -> NDArray[np.int32]:
    """Return the clip in whole steps of 2^(1-bits); one beyond full scale is made quieter as a whole, never clipped."""
    full = 2.0 ** (bits - 1)
    peak = float(np.abs(waveform).max(initial=0.0))
    steps = np.rint(waveform.astype(np.float64) * (full / max(peak, 1.0)))
    return steps.clip(-full, full - 1).astype(np.int32)


def write_flac(path: Path, waveform: Waveform, sampling_rate: int, bits: Bits = 16) -> None:
    """Write the clip (samples,) losslessly; `sampling_rate` in Hz.

    An attack of epsilon 3e-5 is a single step of 16 bits: what must be exact takes 24, as fine as a float near 1.
    """
    # soundfile keeps the upper bits of its 32.
    soundfile.write(path, quantised(waveform, bits) << (32 - bits), sampling_rate, format="FLAC", subtype=f"PCM_{bits}")


def _length(spec: SpeechInput) -> int:
    given = settings(spec)
    return int(given.get("win_length") or given.get("n_fft") or 1024)


def _hop(length: int) -> int:
    # A quarter of the window: changed frames still overlap smoothly, and the last samples lie inside a frame.
    return max(1, length // 4)


def _bins(spec: SpeechInput) -> tuple[Floats, Floats]:
    """Return the Hz of the Fourier bins and the seconds of the frames."""
    length = _length(spec)
    frames = np.arange(1 + spec.samples // _hop(length))
    return np.fft.rfftfreq(length, 1.0 / spec.sampling_rate), frames * (_hop(length) / spec.sampling_rate)


def _gained(waveform: Waveform, spec: SpeechInput, gain: Floats) -> Waveform:
    length = _length(spec)
    window = torch.hann_window(length)
    spectrum = torch.stft(
        torch.from_numpy(waveform), length, _hop(length), length, window, pad_mode="constant", return_complex=True
    )
    changed = spectrum * torch.from_numpy(gain)
    return torch.istft(changed, length, _hop(length), length, window, length=len(waveform)).numpy()


def _gained_over_time(waveform: Waveform, sampling_rate: int, moments: Floats, gain: Floats) -> Waveform:
    seconds = np.arange(len(waveform)) / sampling_rate
    return np.asarray(waveform * np.interp(seconds, moments, gain), dtype=np.float32)


def _moments(spec: SpeechInput) -> Floats:
    seconds = spec.axes.seconds
    if seconds is None:
        raise MethodError(f"the columns of {spec.representation} are no moments; nothing of it can be heard")
    return seconds


def _interpolation(known: Floats, wanted: Floats) -> Floats:
    """Return weights (wanted, known) of linear interpolation; beyond the ends the nearest counts."""
    weights = np.zeros((len(wanted), len(known)))
    position = np.interp(wanted, known, np.arange(len(known)))
    below = np.minimum(position.astype(int), max(len(known) - 2, 0))
    share = position - below
    np.add.at(weights, (np.arange(len(wanted)), below), 1.0 - share)
    np.add.at(weights, (np.arange(len(wanted)), np.minimum(below + 1, len(known) - 1)), share)
    return weights
