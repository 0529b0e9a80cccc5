"""What layouts that generate their recordings ask of their keys alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from audit.errors import UsageError, did_you_mean


def within(layout: str, key: str, value: float, low: float, high: float) -> None:
    """Raise UsageError naming the layout's key where its value is out of range."""
    if not low <= value <= high:
        raise UsageError(f"{layout}: {key} must be from {low} to {high}, not {value}")


def among(layout: str, emotions: Sequence[str], known: Iterable[str]) -> None:
    """Raise UsageError unless `emotions` is a list of some of the `known`, each once."""
    if isinstance(emotions, str) or not emotions:
        raise UsageError(f"{layout}: emotions must be a list with at least one emotion, not {emotions!r}")
    for emotion in emotions:
        if emotion not in (names := tuple(known)):
            raise UsageError(
                f"{layout}: emotions: unknown emotion {emotion!r}{did_you_mean(emotion, names)} "
                f"(known: {', '.join(names)})"
            )
    if len(set(emotions)) < len(emotions):
        raise UsageError(f"{layout}: emotions: each may be named once, not {', '.join(emotions)}")
