"""Pictures to look at: spectrograms and waveforms, and saliency maps to lay over them."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from audit.rendering.level import Floats

# Twelve stops of cividis: Nunez, Anderton and Renslow (2018), Optimizing colormaps with consideration for color vision
# deficiency.
CIVIDIS = (
    *("00224e", "013271", "2f426d", "49536c", "5e636f", "727374"),
    *("878478", "9d9576", "b5a86f", "cebc63", "e7d150", "fee838"),
)
SUPPORTS, OPPOSES = (255, 75, 0), (0, 200, 255)
WAVE = (122, 132, 148)
LEVELS = 31
MOST_OPAQUE = 0.8
MOST_ROWS, MOST_COLUMNS = 256, 640
WAVE_ROWS = 96
ROUND_HERTZ = (125, 250, 500, 1000, 2000, 4000, 8000, 16000)
CLOSEST_TICKS = 0.06
TINY = float(np.finfo(np.float32).tiny)


def spectrogram_png(plane: Floats, low: float, high: float) -> bytes:
    """Return a PNG of a plane (rows, columns) in cividis, `low` to `high`, the lowest frequency at the bottom.

    One pixel per cell, at most 256 by 640; larger planes are averaged down.
    """
    shares = (reduced(plane) - low) / max(high - low, TINY)
    stops = np.array([tuple(bytes.fromhex(stop)) for stop in CIVIDIS], dtype=np.float64)
    shades = 4 * LEVELS
    at = np.linspace(0, len(stops) - 1, shades)
    palette = np.stack([np.interp(at, np.arange(len(stops)), stops[:, c]) for c in range(3)], axis=1)
    return _png(np.rint(shares.clip(0, 1) * (shades - 1)), palette, np.full(shades, 255.0))


def overlay_png(relevance: Floats) -> bytes:
    """Return a transparent PNG of relevance in [-1, 1], (rows, columns), to lay over the spectrogram.

    What supports the emotion is orange, what opposes it blue, and the more it counts the less shines through.
    """
    shares = np.linspace(-1, 1, 2 * LEVELS + 1)
    palette = np.where(shares[:, None] >= 0, SUPPORTS, OPPOSES).astype(np.float64)
    opacity = np.abs(shares) * (MOST_OPAQUE * 255)
    return _png(np.rint((reduced(relevance).clip(-1, 1) + 1) * LEVELS), palette, opacity)


def wave_png(waveform: Floats, peak: float) -> bytes:
    """Return a PNG of a waveform's (samples,) lowest and highest value over time, `peak` to the edge, on nothing."""
    return _png(_envelope(waveform, peak).astype(np.float64), np.array([WAVE, WAVE], np.float64), np.array([0.0, 255]))


def wave_overlay_png(waveform: Floats, peak: float, relevance: Floats) -> bytes:
    """Return a transparent PNG that colours a waveform (samples,) by its relevance in [-1, 1], (1, columns)."""
    return overlay_png(np.where(_envelope(waveform, peak), relevance, 0.0))


def scaled(relevance: Floats) -> Floats:
    """Return a map in [-1, 1]: a share of its own largest relevance, which the top hundredth of cells reaches.

    Methods count in units of their own (probability, logit, gradient), so only shares can be compared.
    """
    return _in_units(relevance, _unit(relevance))


def compared(before: Floats, after: Floats) -> dict[str, Floats]:
    """Return two maps, `clean` and `perturbed`, and their `difference`, in [-1, 1] of the largest relevance of all."""
    planes = {"clean": before, "perturbed": after, "difference": after - before}
    unit = max(_unit(plane) for plane in planes.values())
    return {name: _in_units(plane, unit) for name, plane in planes.items()}


def hertz_ticks(hertz: Floats) -> list[list[float]]:
    """Return [position, Hz] of round frequencies: 0 the bottom edge, 1 the top, for rows centred at `hertz`.

    Frequencies too close to the next higher one to be told apart in print are left out.
    """
    first, last = hertz[1] - hertz[0], hertz[-1] - hertz[-2]
    edges = np.concatenate([[hertz[0] - first / 2], (hertz[1:] + hertz[:-1]) / 2, [hertz[-1] + last / 2]])
    kept: list[list[float]] = []
    for frequency in reversed(ROUND_HERTZ):
        # Outermost rows hear up to a row beyond their centre; a tick there stands at the edge.
        heard = hertz[0] - first <= frequency <= hertz[-1] + last
        position = float(np.interp(frequency, edges, np.arange(len(edges)))) / len(hertz)
        if heard and (not kept or kept[-1][0] - position >= CLOSEST_TICKS):
            kept.append([round(position, 4), float(frequency)])
    return kept[::-1]


def _unit(relevance: Floats) -> float:
    magnitudes = np.abs(relevance)
    return float(np.percentile(magnitudes, 99)) or float(magnitudes.max(initial=0.0))


def _in_units(relevance: Floats, unit: float) -> Floats:
    return (relevance / unit).clip(-1, 1) if unit else np.zeros_like(relevance)


def reduced(plane: Floats) -> Floats:
    """Return the plane with no more cells than a picture shows, neighbours averaged."""
    for axis, most in ((0, MOST_ROWS), (1, MOST_COLUMNS)):
        size = plane.shape[axis]
        if size > most:
            edges = np.arange(most) * size // most
            counts = np.diff(np.append(edges, size))
            plane = np.add.reduceat(plane, edges, axis=axis) / (counts[:, None] if axis == 0 else counts)
    return plane


def _envelope(waveform: Floats, peak: float) -> NDArray[np.bool_]:
    """Return which pixels (rows, columns) lie between the lowest and the highest value of their moment."""
    columns = min(MOST_COLUMNS, len(waveform))
    edges = np.arange(columns) * len(waveform) // columns
    high = np.maximum.reduceat(waveform, edges) / max(peak, TINY)
    low = np.minimum.reduceat(waveform, edges) / max(peak, TINY)
    pixel = 2.0 / WAVE_ROWS
    heights = (np.arange(WAVE_ROWS) + 0.5) * pixel - 1.0
    # Half a pixel more on both sides: silence is a line, not nothing.
    return (heights[:, None] <= high + pixel / 2) & (heights[:, None] >= low - pixel / 2)


def _png(levels: Floats, palette: Floats, opacity: Floats) -> bytes:
    pixels = np.ascontiguousarray(levels[::-1], dtype=np.uint8)
    image = Image.frombytes("P", (pixels.shape[1], pixels.shape[0]), pixels.tobytes())
    image.putpalette(_bytes(palette.ravel()))
    buffer = io.BytesIO()
    if (opacity < 255).any():
        image.save(buffer, "PNG", optimize=True, transparency=_bytes(opacity))
    else:
        image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _bytes(values: Floats) -> bytes:
    return np.rint(values).astype(np.uint8).tobytes()
