"""A video's frames side by side on one sheet."""

from __future__ import annotations

import math

import numpy as np

from audit.rendering.level import Floats


def sheet(frames: Floats, blank: float = 0.0) -> Floats:
    """Return frames (frames, rows, columns) as one plane: from left to right, row by row, about twice as wide as high.

    Places that no frame fills are `blank`.
    """
    count, height, width = frames.shape
    across = columns(frames.shape)
    down = -(-count // across)
    filled = np.concatenate([frames, np.full((down * across - count, height, width), blank, frames.dtype)])
    rows = filled.reshape(down, across, height, width).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(rows.reshape(down * height, across * width))


def columns(shape: tuple[int, ...]) -> int:
    """Return how many frames stand beside each other, of (frames, rows, columns): where possible, all rows are full."""
    count, height, width = shape
    usual = max(1, min(count, round(math.sqrt(2.0 * count * height / width))))
    full = [each for each in range(usual, min(count, 2 * usual) + 1) if count % each == 0]
    return full[0] if full else usual
