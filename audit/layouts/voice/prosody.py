"""How each emotion changes the voice: the directions are the literature's, the sizes are chosen here.

Murray and Arnott (1993), Banse and Scherer (1996), Schröder (2001), Juslin and Laukka (2003): anger is loud, bright,
high and abrupt; fear high, fast, narrow and irregular; happiness high, wide, fast and regular; sadness slow, soft,
dark, low, narrow and falling; surprise high and wide with a steep late rise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np


class Prosody(NamedTuple):
    """A manner of speaking, beside the speaker's own habits."""

    level: float
    """Mean pitch, semitones."""
    span: float
    """Spread of the syllables' pitch, semitones."""
    slope: float
    """Rise of the pitch over the phrase, semitones."""
    bend: float
    """Further rise towards the phrase's end, semitones."""
    lift: float
    """Arch of the pitch over one syllable, semitones."""
    gain: float
    """Loudness, dB."""
    swing: float
    """Spread of the syllables' loudness, dB."""
    tilt: float
    """Spectral tilt, dB per octave."""
    rate: float
    """Syllables a second, as a factor."""
    jitter: float
    """Irregularity of the pitch from period to period, semitones."""
    tremor: float
    """Depth of a trembling of pitch at 6 to 9 Hz, semitones."""
    breath: float
    """Noise beside the pulses, dB."""
    attack: float
    """Time in which a vowel reaches its loudness, seconds."""


PROSODY: Mapping[str, Prosody] = {
    #                  level span slope bend lift gain swing tilt rate jitter tremor breath attack
    "anger": Prosody(4.0, 2.6, -1.0, 0.0, -2.0, 6.0, 3.0, 3.0, 1.20, 0.25, 0.0, 2.0, 0.012),
    "fear": Prosody(7.0, 0.7, 1.0, 0.0, 0.0, -1.0, 2.5, -1.0, 1.35, 0.50, 1.0, 6.0, 0.025),
    "happiness": Prosody(4.5, 2.6, 0.5, 0.0, 4.0, 3.0, 2.0, 1.5, 1.15, 0.08, 0.0, -2.0, 0.020),
    "neutral": Prosody(0.0, 1.2, -1.0, 0.0, 0.5, 0.0, 1.5, 0.0, 1.00, 0.12, 0.0, 0.0, 0.030),
    "sadness": Prosody(-2.5, 0.5, -4.0, 0.0, 0.0, -7.0, 1.0, -3.5, 0.60, 0.22, 0.2, 5.0, 0.070),
    "surprise": Prosody(4.0, 1.2, 3.0, 8.0, 0.5, 2.0, 1.5, 0.5, 0.90, 0.10, 0.0, 2.0, 0.025),
}
SPREAD = Prosody(1.7, 0.5, 1.2, 1.2, 0.9, 2.0, 0.5, 1.2, 0.10, 0.05, 0.12, 2.5, 0.006)
LEAST = Prosody(-12.0, 0.1, -12.0, -12.0, -12.0, -20.0, 0.0, -12.0, 0.4, 0.02, 0.0, -30.0, 0.006)


def drawn(emotion: str, rng: np.random.Generator) -> Prosody:
    """Return one speaker's rendering of an emotion: its prosody, more or less strongly acted, and chance around it.

    The draws are the same for every emotion.
    """
    neutral = np.array(PROSODY["neutral"])
    strength = rng.uniform(0.75, 1.25)
    chance = np.array(SPREAD) * rng.uniform(-1.0, 1.0, len(neutral))
    meant = neutral + strength * (np.array(PROSODY[emotion]) - neutral)
    return Prosody(*np.maximum(meant + chance, LEAST).tolist())
