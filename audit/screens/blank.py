"""Pictures with nothing, or next to nothing, on them."""

from __future__ import annotations

from collections.abc import Iterator

from audit.kinds import screen
from audit.screening import Decoded, Finding, Items


def contrast_of(recording: Decoded) -> float:
    """Return the standard deviation of a picture's grey values, 0 to 0.5."""
    return float(recording.values.mean(axis=2, dtype="float64").std())


@screen(modality="face", reads=contrast_of)
def blank(items: Items, *, contrast: float = 0.01) -> Iterator[Finding]:
    """Find pictures whose grey values (0 to 1) have a standard deviation below `contrast`."""
    for item in items.all:
        if item.kept < contrast:
            yield Finding(item, f"blank: its grey values differ by {item.kept:.4f} (standard deviation, of 1)")
