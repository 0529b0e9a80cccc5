"""Pictures of faces as lossless PNG, pixel by pixel."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from audit.rendering.level import Floats

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB = 0, 2
UP = 2
EIGHT_BITS, SIXTEEN_BITS = 255, 65535
CLOSE = 1e-3
MOST_EXACT = 65536
"""Most values a picture of 16 bits holds: noise cannot be compressed, and a report has dozens of pictures."""


def png(values: Floats) -> bytes:
    """Return a picture (1 or 3, rows, columns) in [0, 1] as a PNG, grey or RGB, the first row at the top.

    8 bits a value where they hold it, as they do of every picture from a file; else 16: an epsilon of a thousandth is
    less than one step of 8 bits. A large picture is rounded to 8 bits even so; `holds` tells.
    """
    levels = values.transpose(1, 2, 0)
    if _fits_eight_bits(values) or values.size > MOST_EXACT:
        return _eight_bits(_rounded(levels))
    return _sixteen_bits(np.rint(levels * SIXTEEN_BITS).astype(">u2"))


def holds(values: Floats) -> bool:
    """Return whether the PNG of a picture holds its values to within a step of 16 bits."""
    return _fits_eight_bits(values) or values.size <= MOST_EXACT


def cut_png(values: Floats, kept: Floats) -> bytes:
    """Return a picture (1 or 3, rows, columns) in [0, 1] as a PNG, of which as much is left as `kept` (rows, columns).

    A pixel of which nothing is kept is transparent.
    """
    return _eight_bits(_rounded(np.concatenate([values, kept[None]]).transpose(1, 2, 0)))


def _fits_eight_bits(values: Floats) -> bool:
    levels = values * EIGHT_BITS
    return bool((np.abs(levels - np.rint(levels)) < CLOSE).all())


def _rounded(levels: Floats) -> NDArray[np.uint8]:
    return np.rint(levels * EIGHT_BITS).astype(np.uint8)


def _eight_bits(levels: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(levels.squeeze(2) if levels.shape[2] == 1 else levels)).save(
        buffer, "PNG", optimize=True
    )
    return buffer.getvalue()


def _sixteen_bits(levels: NDArray[np.uint16]) -> bytes:
    # Pillow writes no RGB of 16 bits.
    rows, columns, samples = levels.shape
    lines = np.ascontiguousarray(levels).view(np.uint8).reshape(rows, -1)
    above = np.concatenate([np.zeros_like(lines[:1]), lines[:-1]])
    filtered = np.concatenate([np.full((rows, 1), UP, np.uint8), lines - above], axis=1)
    header = struct.pack(">IIBBBBB", columns, rows, 16, GREY if samples == 1 else RGB, 0, 0, 0)
    body = zlib.compress(filtered.tobytes(), 9)
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
