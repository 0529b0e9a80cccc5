"""What it costs to ask many questions of the same clips."""

from __future__ import annotations

from collections.abc import Sequence


def holm(errors: Sequence[float]) -> list[float]:
    """Return errors (p-values) in [0, 1] adjusted for how many they are, in the order given, ties alike.

    Where all those are rejected whose adjusted error is at most alpha, the chance that even one of them was wrongly
    rejected is at most alpha, however they depend on each other. Never smaller than before, and in the same order.
    Holm (1979). Raises ValueError for an error outside [0, 1].
    """
    outside = [error for error in errors if not 0.0 <= error <= 1.0]
    if outside:
        raise ValueError(f"errors are probabilities from 0 to 1, not {outside[0]}")
    adjusted = [0.0] * len(errors)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(errors)), key=lambda i: errors[i])):
        largest = max(largest, min(1.0, (len(errors) - rank) * errors[place]))
        adjusted[place] = largest
    return adjusted
