"""A grey canvas in the face's own coordinates, and the distances from which shapes are filled without jagged edges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Canvas:
    """What is drawn so far: `grey` (size, size), reflectance in [0, 1].

    `u` and `v` (size, size) are each pixel's place to the right of and below the middle of the face, whose half height
    is 1. `edge` is the width of an edge in those units: one pixel, or more where the picture is out of focus.
    """

    grey: Floats
    u: Floats
    v: Floats
    edge: float

    def copy(self) -> Canvas:
        """Return a canvas of its own that holds the same."""
        return Canvas(self.grey.copy(), self.u, self.v, self.edge)

    def fill(self, distance: Floats, level: float | Floats, opacity: float = 1.0, edge: float = 0.0) -> None:
        """Paint where `distance` to a shape's outline is negative; `edge` blurs this outline further."""
        cover = np.clip(0.5 - distance / (self.edge + edge), 0.0, 1.0) * opacity
        self.grey[...] += cover * (level - self.grey)


def ellipse(u: Floats, v: Floats, centre: tuple[float, float], half: tuple[float | Floats, float]) -> Floats:
    """Return about how far each place is outside an ellipse with the half axes `half`; negative inside."""
    right, down = u - centre[0], v - centre[1]
    radius = np.hypot(right / half[0], down / half[1])
    # First order in the distance to the outline, which is where it is looked at.
    slope = np.hypot(right / np.square(half[0]), down / half[1] ** 2)
    return radius * (radius - 1.0) / np.maximum(slope, 1e-6)


def stroke(u: Floats, v: Floats, points: Floats, widths: Floats) -> Floats:
    """Return the distance to a line through `points` (n, 2) that is `widths` (n,) wide at them, in half widths."""
    starts, steps = points[:-1, :, None, None], np.diff(points, axis=0)[..., None, None]
    right, down = u - starts[:, 0], v - starts[:, 1]
    lengths = np.maximum(np.sum(steps**2, axis=1), 1e-12)
    along = np.clip((right * steps[:, 0] + down * steps[:, 1]) / lengths, 0.0, 1.0)
    away = np.hypot(right - along * steps[:, 0], down - along * steps[:, 1])
    half = widths[:-1, None, None] + along * np.diff(widths)[:, None, None]
    return np.asarray((away - half).min(axis=0))


def bend(start: tuple[float, float], middle: tuple[float, float], end: tuple[float, float]) -> Floats:
    """Return nine points (9, 2) on the parabola from `start` to `end` that passes through `middle` half way."""
    at = np.linspace(0.0, 1.0, 9)[:, None]
    weights = (2 * (at - 0.5) * (at - 1.0), 4 * at * (1.0 - at), 2 * at * (at - 0.5))
    first, second, last = (np.array(point) for point in (start, middle, end))
    return np.asarray(weights[0] * first + weights[1] * second + weights[2] * last)
