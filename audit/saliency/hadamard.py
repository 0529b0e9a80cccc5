"""Hadamard matrices: rows and columns of -1 and 1 that are all orthogonal to each other."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


@lru_cache(maxsize=64)
def hadamard(least: int) -> NDArray[np.int64]:
    """Return the smallest one of `least` rows or more that Paley's or Sylvester's construction gives.

    Paley (1933), On orthogonal matrices; Sylvester (1867).
    """
    order = least
    while (found := _of(order)) is None:
        order += 1
    found.flags.writeable = False
    return found


def _of(order: int) -> NDArray[np.int64] | None:
    if order == 1:
        return np.ones((1, 1), dtype=np.int64)
    if order > 2 and order % 4 == 0 and _prime(order - 1):
        return _paley(order - 1)
    half = _of(order // 2) if order % 2 == 0 else None
    return None if half is None else np.kron(np.array([[1, 1], [1, -1]]), half)


def _paley(prime: int) -> NDArray[np.int64]:
    character = np.full(prime, -1)
    character[np.arange(1, prime) ** 2 % prime] = 1
    character[0] = 0
    square = np.eye(prime + 1, dtype=np.int64)
    square[0, 1:] = 1
    square[1:, 0] = -1
    square[1:, 1:] += character[np.subtract.outer(np.arange(prime), np.arange(prime)) % prime]
    return square


def _prime(number: int) -> bool:
    return number > 1 and all(number % divisor for divisor in range(2, int(number**0.5) + 1))
