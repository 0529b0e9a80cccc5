"""From a score to sound: a band-limited pulse train and breath, filtered by moving formants."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NODE_SECONDS = 0.004
NODES_PER_FRAME = 4
BANDWIDTHS = (70.0, 100.0, 140.0, 220.0)
FADE_SECONDS = 0.012


@dataclass(frozen=True)
class Score:
    """What a phrase does over time: one value per node, NODE_SECONDS apart.

    `pitch` in Hz, `loudness` and `breath` as amplitudes (`breath` beside the pulses), `formants` (4, nodes) in Hz;
    `tilt` in dB per octave for the whole phrase.
    """

    pitch: Floats
    loudness: Floats
    breath: float
    formants: Floats
    tilt: float


def nodes(samples: int, sampling_rate: int) -> Floats:
    """Return the times, in seconds, at which a score of `samples` is due."""
    step = _step(sampling_rate)
    frames = -(-samples // (step * NODES_PER_FRAME)) + 1
    return np.arange((frames - 1) * NODES_PER_FRAME + 1) * step / sampling_rate


def sing(
    score: Score, samples: int, sampling_rate: int, band: tuple[float, float], room: Floats, rng: np.random.Generator
) -> Floats:
    """Return the phrase as sound, (samples,), silent at both ends and outside `band` (Hz).

    `room` holds the gain at 0 Hz, and at every further 50 Hz.
    The source-filter model of Fant (1960), its formants as in Klatt (1980), applied frame by frame.
    """
    step = _step(sampling_rate)
    hop = step * NODES_PER_FRAME
    width = 2 * hop
    count = (len(score.pitch) - 1) // NODES_PER_FRAME + 1
    source = np.zeros((count + 1) * hop)
    source[hop : hop + samples] = _source(score, samples, sampling_rate, band[1], rng)
    window = np.sin(np.pi * (np.arange(width) + 0.5) / width)
    frames = np.lib.stride_tricks.sliding_window_view(source, width)[::hop] * window
    spectra = np.fft.rfft(frames, axis=1)
    hertz = np.arange(hop + 1) * sampling_rate / width
    kept = hertz < band[1]
    spectra[:, ~kept] = 0.0
    hertz = hertz[kept]
    spectra[:, kept] *= _resonance(score.formants[:, ::NODES_PER_FRAME], hertz)
    spectra[:, kept] *= _tilt(hertz, score.tilt) * _skirts(hertz, band) * np.interp(hertz, ROOM_HERTZ, room)
    parts = np.fft.irfft(spectra, width, axis=1) * window
    sound = np.zeros((count + 1, hop))
    sound[:-1] += parts[:, :hop]
    sound[1:] += parts[:, hop:]
    return _fade(sound.reshape(-1)[hop : hop + samples], sampling_rate)


def pulses(pitch: Floats, sampling_rate: int, highest: float, phase: float) -> Floats:
    """Return a pulse train (samples,) of equal harmonics up to a tenth above `highest` Hz, of equal power at any pitch.

    `pitch` in Hz per sample, `phase` in periods.
    """
    half = np.pi * (np.cumsum(pitch) / sampling_rate + phase)
    # Counted past the band's edge, so that a harmonic that comes or goes is not heard.
    count = np.floor(1.1 * highest / pitch)
    # The sum of cos(k * 2 * half), k = 1..count, in closed form; at phase zero its limit is their number.
    below = np.sin(half)
    near = np.abs(below) < 1e-9
    train = 0.5 * (np.sin((2.0 * count + 1.0) * half) / np.where(near, 1.0, below) - 1.0)
    return np.where(near, count, train) * np.sqrt(pitch / 4000.0)


ROOM_HERTZ = np.arange(0.0, 24001.0, 50.0)


def _step(sampling_rate: int) -> int:
    return round(NODE_SECONDS * sampling_rate)


def _source(score: Score, samples: int, sampling_rate: int, highest: float, rng: np.random.Generator) -> Floats:
    at = np.arange(samples) / _step(sampling_rate)
    node = np.arange(len(score.pitch))
    pitch = np.interp(at, node, score.pitch)
    voiced = pulses(pitch, sampling_rate, highest, rng.random())
    return np.interp(at, node, score.loudness) * (voiced + score.breath * rng.standard_normal(samples))


def _resonance(formants: Floats, hertz: Floats) -> NDArray[np.complex128]:
    below = np.ones((formants.shape[1], len(hertz)), dtype=np.complex128)
    for centre, bandwidth in zip(formants, BANDWIDTHS, strict=True):
        square = centre[:, None] ** 2
        below *= 1.0 - hertz**2 / square + 1j * bandwidth * hertz / square
    above = 1.0 / below
    # Open vowels resound far more than close ones do in people, who make up for it; two thirds are made up for here.
    power = np.mean(above.real**2 + above.imag**2, axis=1, keepdims=True)
    return above * power ** (-1.0 / 3.0)


def _tilt(hertz: Floats, tilt: float) -> Floats:
    return 10.0 ** (tilt / 20.0 * np.log2(np.maximum(hertz, 100.0) / 500.0))


def _skirts(hertz: Floats, band: tuple[float, float]) -> Floats:
    low, high = band
    rise = np.clip((hertz - low) / 40.0, 0.0, 1.0)
    fall = np.clip((high - hertz) / 300.0, 0.0, 1.0)
    return np.sin(0.5 * np.pi * rise) ** 2 * np.sin(0.5 * np.pi * fall) ** 2


def _fade(sound: Floats, sampling_rate: int) -> Floats:
    edge = round(FADE_SECONDS * sampling_rate)
    rise = np.sin(0.5 * np.pi * np.arange(edge) / edge) ** 2
    sound[:edge] *= rise
    sound[-edge:] *= rise[::-1]
    return sound
