"""The same picture after resizing, re-encoding, another brightness, mirroring, a small crop or shift.

Coarse to fine: every picture is kept as a small grey one. Parts of it, brought to 8 x 8 cells, normalised and
multiplied with those of all others, name a few candidates; each of these is laid over the picture by Lucas and Kanade's
(1981) alignment, inverse compositional (Baker and Matthews 2004), and judged by how well the detail then agrees, as a
whole and in its worst place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import uniform_filter

from audit.screening import Decoded

Floats = NDArray[np.float32]
SIDE = 32
CELLS = 8
CENTRE = 0.85
"""Of the other picture, only this much of its middle is looked for."""
VIEWS = ((0.85, 3), (0.94, 1), (0.94, 2), (0.77, 1), (0.77, 2))
"""Of the picture in question, windows of such a size at that many places along each axis."""
CANDIDATES = 8
LEAST_COARSE = 0.75
GRID = 22
STEPS = 8
BLOCK = 128
PAIRS = 4096
SHADE = 7
PLACES = 4
FAINT = 10.0
FLAT = 2.0
"""A window whose grey values (0 to 255) differ by less, as a standard deviation, shows nothing to go by."""


@dataclass(frozen=True)
class Pair:
    """Picture `one` of the questioned laid over `other`: the correlation of their detail, the misfit where worst."""

    one: int
    other: int
    correlation: float
    misfit: float


def small(recording: Decoded) -> NDArray[np.uint8]:
    """Return a picture as SIDE x SIDE grey values, 0 to 255."""
    image = Image.fromarray(np.rint(recording.values * 255.0).clip(0, 255).astype(np.uint8), "RGB").convert("L")
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BILINEAR))


def alike(questioned: NDArray[np.uint8], others: NDArray[np.uint8]) -> Iterator[Pair]:
    """Yield the candidates for every questioned picture (n, SIDE, SIDE) among `others`, with how alike they are."""
    if not len(others):
        return
    edge = (1.0 - CENTRE) / 2
    index = _windows(others.astype(np.float32), (edge, edge, CENTRE))
    for first in range(0, len(questioned), BLOCK):
        block = questioned[first : first + BLOCK].astype(np.float32)
        best, view = _compared(block, index)
        yield from _judged(block, others, first, best, view)


def _compared(block: Floats, index: Floats) -> tuple[Floats, NDArray[np.int16]]:
    """Return the best coarse correlation of every pair, and the number of the view that has it."""
    best = np.full((len(block), len(index)), LEAST_COARSE, np.float32)
    view = np.full(best.shape, -1, np.int16)
    for number, (top, left, size, mirrored) in enumerate(_views()):
        pictures = block[:, :, ::-1] if mirrored else block
        found = _windows(pictures, (top, left, size)) @ index.T
        better = found > best
        np.copyto(best, found, where=better)
        np.copyto(view, np.int16(number), where=better)
    return best, view


def _judged(
    block: Floats, others: NDArray[np.uint8], first: int, best: Floats, view: NDArray[np.int16]
) -> Iterator[Pair]:
    best = np.where(view >= 0, best, -1.0)
    kept = min(CANDIDATES, best.shape[1])
    chosen = np.argpartition(-best, kept - 1, axis=1)[:, :kept]
    rows, columns = np.repeat(np.arange(len(block)), kept), chosen.ravel()
    there = view[rows, columns] >= 0
    rows, columns = rows[there], columns[there]
    views = _views()
    for start in range(0, len(rows), PAIRS):
        ones, twos = rows[start : start + PAIRS], columns[start : start + PAIRS]
        began = np.array([views[number] for number in view[ones, twos]], dtype=np.float32).reshape(-1, 4)
        mirrored = began[:, 3] > 0
        pictures = np.where(mirrored[:, None, None], block[ones][:, :, ::-1], block[ones])
        correlations, worst = aligned(pictures, others[twos].astype(np.float32), began)
        for one, other, correlation, place in zip(ones, twos, correlations, worst, strict=True):
            yield Pair(first + int(one), int(other), float(correlation), float(place))


def aligned(pictures: Floats, others: Floats, began: Floats) -> tuple[Floats, Floats]:
    """Return, of pairs (n, SIDE, SIDE), the correlation once laid over each other, and the misfit in the worst place.

    `began` holds the view to begin from: (top, left, size), shares of the picture's side. The misfit is the energy of
    the difference there over what the picture's detail has in such a place on average, 0 for none.
    """
    edge = (1.0 - CENTRE) / 2 * SIDE
    line = (edge + (np.arange(GRID) + 0.5) * CENTRE * SIDE / GRID - 0.5).astype(np.float32)
    template = _sampled(others, line[None, :, None], line[None, None, :])
    down, across = np.gradient(template, line[1] - line[0], axis=(1, 2))
    middle = (SIDE - 1) / 2
    y, x = (line - middle)[None, :, None], (line - middle)[None, None, :]
    # Steepest descent of shift and zoom, and what gain and brightness explain.
    slopes = np.stack([down, across, down * y + across * x, template, np.ones_like(template)], axis=-1)
    slopes = slopes.reshape(len(others), -1, 5)
    normal = slopes.transpose(0, 2, 1) @ slopes + 1e-3 * np.eye(5, dtype=np.float32)
    inverse = np.linalg.inv(normal.astype(np.float64)).astype(np.float32)
    zoom = began[:, 2] / CENTRE
    top = (began[:, 0] + began[:, 2] / 2) * SIDE - 0.5
    left = (began[:, 1] + began[:, 2] / 2) * SIDE - 0.5
    best = np.full(len(pictures), -1.0, np.float32)
    worst = np.full(len(pictures), np.inf, np.float32)
    for _ in range(STEPS):
        rows, columns = top[:, None, None] + zoom[:, None, None] * y, left[:, None, None] + zoom[:, None, None] * x
        seen = _sampled(pictures, rows.astype(np.float32), columns.astype(np.float32))
        correlation, misfit = _fit(seen, template)
        better = correlation > best
        best, worst = np.where(better, correlation, best), np.where(better, misfit, worst)
        moved = _matvec(inverse, (seen.reshape(len(seen), 1, -1) @ slopes)[:, 0])
        gain = np.where(np.abs(moved[:, 3]) > 0.1, moved[:, 3], 0.1)
        shift = np.clip(moved[:, :3] / gain[:, None], -2.0, 2.0)
        scale = 1.0 - np.clip(shift[:, 2], -0.1, 0.1)
        # What the template would have to do, the picture does the other way round.
        top, left = top - zoom * shift[:, 0], left - zoom * shift[:, 1]
        zoom = np.clip(zoom * scale, 0.8, 1.25)
    return best, worst


def _fit(seen: Floats, template: Floats) -> tuple[Floats, Floats]:
    """Return the correlation of the pictures' detail, and the misfit in the worst of PLACES x PLACES places."""
    one, two = _detail(seen), _detail(template)
    difference = np.square(one - two).reshape(len(one), PLACES, one.shape[1] // PLACES, PLACES, -1).sum((2, 4))
    return (one * two).sum((1, 2)), difference.max((1, 2)) * PLACES**2


def _detail(pictures: Floats) -> Floats:
    """Return pictures without their light and shade, which most faces have in common, each of length one."""
    detail = (pictures - uniform_filter(pictures, (1, SHADE, SHADE), mode="nearest"))[:, 1:-1, 1:-1]
    detail = detail - detail.mean((1, 2), keepdims=True)
    return detail / np.maximum(np.sqrt(np.square(detail).sum((1, 2), keepdims=True)), FAINT)


def _sampled(pictures: Floats, rows: Floats, columns: Floats) -> Floats:
    """Return the pictures at these places, between pixels as their neighbours say; beyond the edge it goes on."""
    rows, columns = np.clip(rows, 0, SIDE - 1.001), np.clip(columns, 0, SIDE - 1.001)
    top, left = rows.astype(np.int64), columns.astype(np.int64)
    down, across = rows - top, columns - left
    flat = pictures.reshape(len(pictures), -1)
    shape = (len(pictures), GRID, GRID)
    start = np.broadcast_to(top * SIDE + left, shape).reshape(len(pictures), -1)

    def at(offset: int) -> Floats:
        return np.take_along_axis(flat, start + offset, axis=1).reshape(shape)

    upper = at(0) * (1 - across) + at(1) * across
    lower = at(SIDE) * (1 - across) + at(SIDE + 1) * across
    return upper * (1 - down) + lower * down


def _matvec(matrices: Floats, vectors: Floats) -> Floats:
    return (matrices @ vectors[..., None])[..., 0]


def _views() -> list[tuple[float, float, float, bool]]:
    found = []
    for size, count in VIEWS:
        places = np.linspace(0.0, 1.0 - size, count) if count > 1 else np.array([(1.0 - size) / 2])
        found += [(float(top), float(left), size, side) for top in places for left in places for side in (False, True)]
    return found


def _windows(pictures: Floats, window: tuple[float, float, float]) -> Floats:
    """Return one window (top, left, size) of every picture as normalised cells, (n, CELLS * CELLS)."""
    top, left, size = window
    cells = _means(top, size) @ pictures @ _means(left, size).T
    cells = (cells - cells.mean((1, 2), keepdims=True)).reshape(len(pictures), -1)
    length = np.linalg.norm(cells, axis=1, keepdims=True)
    return np.where(length > FLAT * CELLS, cells / np.maximum(length, 1e-6), 0.0).astype(np.float32)


def _means(start: float, size: float) -> Floats:
    """Return the matrix (CELLS, SIDE) that averages a stretch of a side into cells."""
    ends = SIDE * (start + size * np.arange(CELLS + 1) / CELLS)
    pixels = np.arange(SIDE)
    held = np.minimum(ends[1:, None], pixels + 1) - np.maximum(ends[:-1, None], pixels)
    held = np.maximum(held, 0.0)
    return (held / held.sum(1, keepdims=True)).astype(np.float32)
