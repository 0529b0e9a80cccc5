"""The same recording after another gain, re-encoding, a little noise, a shift in time, or trimming.

Peaks of the spectrogram are paired into landmarks (two frequencies and the time between them); two recordings of the
same sound share landmarks that all lie the same time apart (Wang 2003, An industrial-strength audio search algorithm).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter

from audit.screening import Decoded

Ints = NDArray[np.int64]
RATE = 8000
WINDOW = 512
HOP = 64
AROUND = 21
"""A peak is the highest of so many frames and bins around it."""
BELOW_LOUDEST_DB = 55.0
FAN = 8
FURTHEST = 96
RISE = 64
COARSE = 2
"""Time between two peaks is told to so many frames: noise and another framing move peaks by one."""
APART = FURTHEST // COARSE + 1
LATEST = 1 << 20


@dataclass(frozen=True)
class Landmarks:
    """What is kept of a clip: every landmark's name and the frame it begins at, (n,) each."""

    names: NDArray[np.int32]
    frames: NDArray[np.int32]


@dataclass(frozen=True)
class Match:
    """Clip `one` holds landmarks of `other`: those in step, the share of all that could be, and how much later."""

    one: int
    other: int
    shared: int
    share: float
    seconds: float


def landmarks(recording: Decoded) -> Landmarks:
    """Return a clip's landmarks; none of one that is silent or too short."""
    waveform = recording.values.astype(np.float32)
    if recording.rate != RATE:
        waveform = soxr.resample(waveform, recording.rate, RATE)
    times, bins = _peaks(np.pad(waveform, WINDOW))
    names, starts = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    taken = np.zeros(len(times), np.int64)
    for step in range(1, len(times)):
        apart, rise = times[step:] - times[:-step], bins[step:] - bins[:-step]
        if apart.min() > FURTHEST:
            break
        near = (apart > 1) & (apart <= FURTHEST) & (np.abs(rise) < RISE) & (taken[:-step] < FAN)
        taken[:-step] += near
        first = np.flatnonzero(near)
        names.append((bins[first] * 2 * RISE + rise[first] + RISE) * APART + apart[first] // COARSE)
        starts.append(times[first])
    return Landmarks(np.concatenate(names).astype(np.int32), np.concatenate(starts).astype(np.int32))


def in_step(questioned: Sequence[Landmarks], others: Sequence[Landmarks]) -> Iterator[Match]:
    """Yield, for every questioned clip that shares landmarks with others, the one it shares most with, as a share."""
    counts = np.array([len(each.names) for each in others], np.int64)
    if not counts.sum():
        return
    names = np.concatenate([each.names for each in others])
    order = np.argsort(names, kind="stable")
    names, frames = names[order], np.concatenate([each.frames for each in others])[order]
    owners = np.repeat(np.arange(len(others)), counts)[order]
    for one, clip in enumerate(questioned):
        first, end = np.searchsorted(names, clip.names, "left"), np.searchsorted(names, clip.names, "right")
        hits = end - first
        if not hits.sum():
            continue
        # Every landmark of the clip beside every one of that name.
        own = np.repeat(np.arange(len(hits)), hits)
        there = np.arange(hits.sum()) - np.repeat(np.cumsum(hits) - hits, hits) + first[own]
        later = clip.frames[own].astype(np.int64) - frames[there]
        keys, together = np.unique(owners[there] * LATEST + later + LATEST // 2, return_counts=True)
        shared = _beside(keys, together)
        share = shared / np.minimum(len(clip.names), counts[keys // LATEST])
        best = int(share.argmax())
        offset = int(keys[best] % LATEST) - LATEST // 2
        yield Match(one, int(keys[best] // LATEST), int(shared[best]), float(share[best]), offset * HOP / RATE)


def _peaks(waveform: NDArray[np.float32]) -> tuple[Ints, Ints]:
    """Return the frames and bins of the spectrogram's local peaks, in the order of time."""
    frames = np.lib.stride_tricks.sliding_window_view(waveform, WINDOW)[::HOP]
    magnitude = np.abs(np.fft.rfft(frames * np.hanning(WINDOW).astype(np.float32), axis=1))
    level = 20.0 * np.log10(np.maximum(magnitude, 1e-7))
    peak = (level == maximum_filter(level, AROUND)) & (level > level.max() - BELOW_LOUDEST_DB) & (magnitude > 1e-6)
    times, bins = np.nonzero(peak)
    return times, bins


def _beside(keys: Ints, counts: Ints) -> Ints:
    """Return the counts with those of the neighbouring offsets, which an offset between two frames falls into."""
    shared = counts.copy()
    neighbours = np.diff(keys) == 1
    shared[1:][neighbours] += counts[:-1][neighbours]
    shared[:-1][neighbours] += counts[1:][neighbours]
    return shared
