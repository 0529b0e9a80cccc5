"""What is on a recording beside the voice: friction of the consonants, colouring of the room, hiss."""

from __future__ import annotations

import numpy as np

from audit.layouts.voice.tract import ROOM_HERTZ, Floats

FRICTION_SECONDS = 0.09


def colouring(rng: np.random.Generator) -> Floats:
    """Return a room's gain at ROOM_HERTZ: a slope, a few soft peaks and dips, and one early reflection."""
    octaves = np.log2(np.maximum(ROOM_HERTZ, 50.0) / 1000.0)
    decibels = rng.uniform(-1.5, 1.5) * octaves
    for centre, height in zip(rng.uniform(-3.0, 3.0, 3), rng.uniform(-4.0, 4.0, 3), strict=True):
        decibels += height * np.exp(-0.5 * ((octaves - centre) / 0.4) ** 2)
    strength, delay = rng.uniform(0.0, 0.3), rng.uniform(0.001, 0.004)
    echo = np.abs(1.0 + strength * np.exp(-2j * np.pi * ROOM_HERTZ * delay))
    return echo * 10.0 ** (decibels / 20.0)


def surroundings(
    onsets: Floats,
    samples: int,
    sampling_rate: int,
    highest: float,
    hiss: float,
    room: Floats,
    rng: np.random.Generator,
) -> Floats:
    """Return friction noise above `highest` Hz after some of the `onsets` (seconds), and hiss throughout, (samples,).

    `hiss` is the hiss's amplitude near 1 kHz, beside a voice of 1.
    """
    voiceless = onsets[rng.random(len(onsets)) < 0.45]
    length = round(FRICTION_SECONDS * sampling_rate)
    burst = np.sin(np.pi * (np.arange(length) + 0.5) / length) ** 2
    friction = np.zeros(samples + length)
    for onset, decibels in zip(voiceless, rng.uniform(-10.0, 2.0, len(voiceless)), strict=True):
        first = round(onset * sampling_rate)
        friction[first : first + length] += 10.0 ** (decibels / 20.0) * burst * rng.standard_normal(length)
    hertz = np.fft.rfftfreq(samples, 1.0 / sampling_rate)
    spectrum = np.fft.rfft(friction[:samples])
    spectrum *= np.clip((hertz - highest) / 500.0, 0.0, 1.0) * np.interp(hertz, ROOM_HERTZ, room)
    # White noise of RMS 1 has bins of mean square `samples`; these two normals make 2.
    white = np.sqrt(samples / 2.0) * rng.standard_normal(2 * len(hertz)).view(np.complex128)
    spectrum += hiss * (np.maximum(hertz, 100.0) / 1000.0) ** -rng.uniform(0.0, 0.5) * white
    return np.fft.irfft(spectrum, samples)
