"""The pictures of `toys` as a data set of its own: a bright blob in one quadrant tells the emotion."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audit.data import Problem, Sample
from audit.kinds import layout

SIZE = 16
EMOTIONS = ("anger", "fear", "joy", "neutral")


def paint(sample: Sample) -> tuple[NDArray[np.float32], int]:
    """Return the sample's picture (16, 16, 3) in [0, 1], always the same."""
    quadrant = EMOTIONS.index(sample.emotion)
    rng = np.random.default_rng([quadrant, int(sample.groups["number"])])
    picture = 0.3 * rng.random((SIZE, SIZE))
    top, left = rng.integers(1, 4, 2) + 8 * np.array(divmod(quadrant, 2))
    picture[top : top + 4, left : left + 4] += 0.6
    return np.repeat(picture[..., None], 3, axis=2).astype(np.float32), 0


@layout(modality="face", read=paint)
def blobs(root: Path | None = None, *, pictures: int = 10) -> Iterator[Sample | Problem]:
    """Yield `pictures` per emotion, of four people."""
    for emotion in EMOTIONS:
        for number in range(pictures):
            yield Sample(f"{emotion}-{number}", None, emotion, {"number": str(number), "person": f"p{number % 4}"})
