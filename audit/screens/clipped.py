"""Recordings that were too loud or too bright for what recorded them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from audit.kinds import screen
from audit.screening import Decoded, Finding, Items


def saturated(recording: Decoded, *, level: float, run: int) -> float:
    """Return the share of samples in runs of `run` at full scale, or of pixels that are black or white all through."""
    values = recording.values
    if recording.is_picture:
        return float(((values <= 1.0 - level).all(axis=2) | (values >= level).all(axis=2)).mean())
    # The two ends are told apart: a square wave is clipped, noise that jumps between them is not one run.
    return float(sum(_in_runs(end, run).sum() for end in (values >= level, values <= -level)) / max(1, len(values)))


@screen(modality=("speech", "face"), reads=saturated)
def clipped(
    items: Items, *, samples: float = 0.001, pixels: float = 0.5, level: float = 0.999, run: int = 3
) -> Iterator[Finding]:
    """Find clips with a share of at least `samples` at full scale, and pictures with `pixels` black or white.

    A sample counts from `level` of full scale on, in a run of at least `run` of them: a peak that only touches it is
    not clipped. A pixel counts where all its colours lie within 1 - `level` of black, or of white.
    """
    limit, what = (
        (pixels, "pixels are black or white") if items.modality == "face" else (samples, "samples are clipped")
    )
    for item in items.all:
        if item.kept >= limit:
            yield Finding(item, f"{item.kept:.1%} of its {what}")


def _in_runs(there: NDArray[np.bool_], run: int) -> NDArray[np.bool_]:
    """Return which true values stand in a run of at least `run` of them."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], there.astype(np.int8), [0]])))
    inside = np.zeros(len(there), dtype=bool)
    for first, end in edges.reshape(-1, 2):
        inside[first:end] = end - first >= run
    return inside
