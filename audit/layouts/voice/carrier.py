"""What the clips of one speaker and number share, whatever their emotion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audit.layouts.voice.room import colouring
from audit.layouts.voice.speaker import Speaker, speaker
from audit.layouts.voice.tract import Floats

PAUSE_SECONDS = 0.05
SHORTEST_PHRASE_SECONDS = 0.15


@dataclass(frozen=True, eq=False)
class Carrier:
    """The plan of a clip, `seconds` long: who speaks when, how loud, and in what room.

    `emotional` is the span of the emotional phrase in seconds, `others` those of the phrases around it.
    `loudness` is the RMS of the voice in the others, `hiss` the hiss beside it.
    """

    person: Speaker
    seconds: float
    sampling_rate: int
    emotional: tuple[float, float]
    others: tuple[tuple[float, float], ...]
    loudness: float
    hiss: float
    room: Floats
    keys: tuple[int, int, int]

    def rng(self, purpose: str, part: int = 0) -> np.random.Generator:
        """Return a stream of its own for one purpose, so that what one part draws shifts no other's."""
        seed, index, clip = self.keys
        return np.random.default_rng((seed, 1, index, clip, PURPOSES.index(purpose), part))


PURPOSES = ("plan", "rhythm", "manner", "score", "breath", "surroundings", "tone")


def carrier(seed: int, index: int, clip: int, seconds: float, sampling_rate: int) -> Carrier:
    """Return the plan of clip number `clip` of speaker number `index`; the same arguments, the same plan."""
    rng = np.random.default_rng((seed, 1, index, clip, PURPOSES.index("plan"), 0))
    length = rng.uniform(0.28, 0.40) * seconds
    start = rng.uniform(PAUSE_SECONDS, seconds - length - PAUSE_SECONDS)
    around = ((PAUSE_SECONDS, start - PAUSE_SECONDS), (start + length + PAUSE_SECONDS, seconds - PAUSE_SECONDS))
    return Carrier(
        person=speaker(seed, index),
        seconds=seconds,
        sampling_rate=sampling_rate,
        emotional=(start, start + length),
        others=tuple(span for span in around if span[1] - span[0] >= SHORTEST_PHRASE_SECONDS),
        loudness=0.02 * 10.0 ** (rng.uniform(-4.0, 4.0) / 20.0),
        hiss=10.0 ** (rng.uniform(-42.0, -26.0) / 20.0),
        room=colouring(rng),
        keys=(seed, index, clip),
    )
