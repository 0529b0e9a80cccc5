"""Speakers of the generated clips: what stays the same from clip to clip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np


@dataclass(frozen=True)
class Speaker:
    """One speaker's habits.

    `pitch` in Hz; `tract` scales the formants of an adult man; `tilt` in dB per octave, net of radiation; `breath` is
    the noise in dB beside the pulses; `rate` in syllables a second; `liveliness` scales the pitch movements.
    """

    name: str
    sex: Literal["female", "male"]
    pitch: float
    tract: float
    tilt: float
    breath: float
    rate: float
    liveliness: float

    @property
    def band(self) -> tuple[float, float]:
        """Lowest and highest frequency of the voice in Hz; friction lies above it."""
        return 50.0, 3600.0 * self.tract


def speaker(seed: int, index: int) -> Speaker:
    """Return speaker number `index` of a seed; even numbers are women, odd ones men."""
    rng = np.random.default_rng((seed, 0, index))
    woman = index % 2 == 0
    return Speaker(
        name=f"s{index:02d}",
        sex="female" if woman else "male",
        pitch=rng.uniform(175.0, 230.0) if woman else rng.uniform(95.0, 140.0),
        tract=rng.uniform(1.08, 1.20) if woman else rng.uniform(0.94, 1.05),
        tilt=rng.uniform(-8.5, -5.5),
        breath=rng.uniform(-26.0, -16.0),
        rate=rng.uniform(4.2, 5.4),
        liveliness=rng.uniform(0.8, 1.25),
    )
