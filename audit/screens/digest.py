"""A short name of a recording's content, equal for equal pixels or samples."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np

from audit.screening import Decoded, Item

SAME = {
    "face": "same pixels as",
    "speech": "same waveform as",
    "video": "same frames as",
    "audiovisual": "same sound and frames as",
}


def digest(recording: Decoded) -> bytes:
    """Return 16 bytes that follow from the size, the sampling rate and every decoded pixel or sample alone."""
    if recording.is_picture:
        values = np.rint(recording.values * 255.0).astype(np.uint8)
    else:
        # Adding nothing makes one of the two zeros that floating point has.
        values = recording.values.astype("<f4") + np.float32(0.0)
    hashed = hashlib.blake2b(f"{values.shape} {recording.rate} ".encode(), digest_size=16)
    hashed.update(np.ascontiguousarray(values).data)
    return hashed.digest()


def by_content(items: Iterable[Item]) -> dict[bytes, list[Item]]:
    """Return the items that share a digest, in their order."""
    found: dict[bytes, list[Item]] = {}
    for item in items:
        found.setdefault(item.kept, []).append(item)
    return found
