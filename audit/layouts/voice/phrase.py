"""From a manner of speaking to a score: syllables, vowels, pitch and loudness over one phrase."""

from __future__ import annotations

import numpy as np

from audit.layouts.voice.prosody import Prosody
from audit.layouts.voice.speaker import Speaker
from audit.layouts.voice.tract import Floats, Score

# Mean formants of ten vowels of American men, Hz: Peterson and Barney (1952); the fourth is a common value.
VOWELS = np.array(
    [
        (270.0, 2290.0, 3010.0, 3500.0),
        (390.0, 1990.0, 2550.0, 3500.0),
        (530.0, 1840.0, 2480.0, 3500.0),
        (660.0, 1720.0, 2410.0, 3500.0),
        (730.0, 1090.0, 2440.0, 3500.0),
        (570.0, 840.0, 2410.0, 3500.0),
        (440.0, 1020.0, 2240.0, 3500.0),
        (300.0, 870.0, 2240.0, 3500.0),
        (640.0, 1190.0, 2390.0, 3500.0),
        (490.0, 1350.0, 1690.0, 3500.0),
    ]
)
LOWEST_PITCH, HIGHEST_PITCH = 70.0, 600.0


def syllables(seconds: float, rate: float, rng: np.random.Generator) -> Floats:
    """Return the syllables' boundaries in seconds, from 0 to `seconds`, at about `rate` a second."""
    count = max(1, round(seconds * rate))
    lengths = rng.uniform(0.7, 1.3, count)
    return np.concatenate([[0.0], np.cumsum(lengths)]) * seconds / lengths.sum()


def score(times: Floats, seconds: float, person: Speaker, manner: Prosody, rng: np.random.Generator) -> Score:
    """Return what a voice does at `times` (seconds) in a phrase that lasts `seconds`."""
    bounds = syllables(seconds, person.rate * manner.rate, rng)
    count = len(bounds) - 1
    index = np.clip(np.searchsorted(bounds, times, side="right") - 1, 0, count - 1)
    since = times - bounds[index]
    lengths = np.diff(bounds)
    within = np.clip(since / lengths[index], 0.0, 1.0)
    centres = bounds[:-1] + 0.55 * lengths

    accents = rng.standard_normal(count)
    accents -= accents.mean()
    course = np.clip(times / seconds, 0.0, 1.0)
    tremor = np.sin(2.0 * np.pi * (rng.uniform(6.0, 9.0) * times + rng.random()))
    moves = manner.span * np.interp(times, centres, accents) + manner.lift * (np.sin(np.pi * within) - 0.64)
    semitones = manner.level + person.liveliness * moves
    semitones += manner.slope * (course - 0.5) + manner.bend * (course**3 - 0.25)
    semitones += manner.tremor * tremor + manner.jitter * rng.standard_normal(len(times))
    pitch = np.clip(person.pitch * 2.0 ** (semitones / 12.0), LOWEST_PITCH, HIGHEST_PITCH)

    closure = rng.uniform(0.02, 0.06, count)[index]
    rise = np.clip((since - closure) / manner.attack, 0.0, 1.0)
    fall = np.clip((bounds[index + 1] - times) / 0.04, 0.0, 1.0)
    level = manner.gain + manner.swing * rng.uniform(-1.0, 1.0, count)[index] - 3.0 * within
    level += manner.tremor * tremor + 4.0 * manner.jitter * rng.standard_normal(len(times))
    loudness = (0.05 + 0.95 * np.sin(0.5 * np.pi * rise) ** 2 * np.sin(0.5 * np.pi * fall) ** 2) * 10.0 ** (
        level / 20.0
    )

    vowels = VOWELS[rng.integers(0, len(VOWELS), count)] * person.tract * rng.uniform(0.96, 1.04, (count, 1))
    # A vowel is held over the middle of its syllable; the formants glide between.
    knots = np.stack([bounds[:-1] + 0.4 * lengths, bounds[:-1] + 0.75 * lengths], axis=1).reshape(-1)
    formants = np.stack([np.interp(times, knots, np.repeat(vowels[:, k], 2)) for k in range(4)])
    return Score(
        pitch=pitch,
        loudness=np.where((times < 0.0) | (times > seconds), 0.0, loudness),
        breath=10.0 ** ((person.breath + manner.breath) / 20.0),
        formants=formants,
        tilt=person.tilt + manner.tilt,
    )
