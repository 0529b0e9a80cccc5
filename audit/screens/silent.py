"""Clips in which nothing, or next to nothing, is heard."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from audit.kinds import screen
from audit.screening import Decoded, Finding, Items

FRAME_SECONDS = 0.02
FAINTEST = -200.0


def levels(recording: Decoded) -> tuple[float, list[float]]:
    """Return the level of the whole clip and of every 20 ms of it, in dB of full scale, from -200 up."""
    waveform = recording.values.astype(np.float64)
    length = max(1, round(FRAME_SECONDS * recording.rate))
    frames = waveform[: len(waveform) // length * length].reshape(-1, length)
    parts = np.mean(np.square(frames), axis=1)
    return float(_decibels(np.square(waveform).mean(keepdims=True))[0]), _decibels(parts).tolist()


@screen(modality="speech", reads=levels)
def silent(items: Items, *, loudness: float = -70.0, floor: float = -70.0, share: float = 0.9) -> Iterator[Finding]:
    """Find clips whose level is below `loudness`, or of which at least `share` lies below `floor`.

    Levels are root mean squares in dB of full scale: of a whole clip, and of its stretches of 20 ms.
    """
    for item in items.all:
        whole, parts = item.kept
        quiet = sum(part < floor for part in parts) / max(1, len(parts))
        if whole < loudness:
            yield Finding(item, f"nearly silent: {whole:.0f} dB of full scale in all")
        elif quiet >= share:
            yield Finding(item, f"mostly silent: {quiet:.0%} of it is below {floor:g} dB of full scale")


def _decibels(power: NDArray[np.float64]) -> NDArray[np.float64]:
    return 10.0 * np.log10(np.maximum(power, 10.0 ** (FAINTEST / 10.0)))
