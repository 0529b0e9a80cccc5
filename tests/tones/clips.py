"""Recordings whose every verdict is known: low tones, high tones, and low tones by another name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audit.data import Problem, Sample
from audit.kinds import layout

RATE = 8000
HERTZ = (200.0, 2000.0, 200.0)


def play(sample: Sample) -> tuple[NDArray[np.float32], int]:
    """Return a quarter of a second of the sample's tone."""
    time = np.arange(RATE // 4) / RATE
    return (0.5 * np.sin(2 * np.pi * float(sample.groups["hertz"]) * time)).astype(np.float32), RATE


@layout(read=play)
def tone_clips(
    root: Path | None = None, *, clips: int = 12, names: Sequence[str] = ("calm", "angry", "sad")
) -> Iterator[Sample | Problem]:
    """Yield `clips` tones per emotion."""
    for name, hertz in zip(names, HERTZ, strict=True):
        for number in range(clips):
            yield Sample(f"{name}-{number}", None, name, {"hertz": str(hertz + number), "speaker": f"s{number % 3}"})
