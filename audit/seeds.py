"""Seeds that follow from the suite's seed and the name of what they are for."""

from __future__ import annotations

import hashlib


def stream_seed(seed: int, *names: object) -> int:
    """Return a 63-bit seed from the suite's seed and the names of what the stream is for."""
    text = "\x1f".join(str(part) for part in (seed, *names))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1
