"""Which order of the emotions the answers fit best."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.stats import binom

Counts = NDArray[np.int64]
MUCH = 0.1
"""How much accuracy another order must gain to be worth a word."""
SURPRISING = 0.05
SHUFFLES = 200


@dataclass(frozen=True)
class Order:
    """Output j stands for emotion `places[j]`; `accuracy` is that of the clips it was found on."""

    places: tuple[int, ...]
    accuracy: float


def counts_of(truths: NDArray[np.int64], answers: NDArray[np.int64], emotions: int, outputs: int) -> Counts:
    """Return how often each output (columns) answered each true emotion (rows), (emotions, outputs)."""
    counts = np.zeros((emotions, outputs), dtype=np.int64)
    np.add.at(counts, (truths, answers), 1)
    return counts


def best_order(counts: Counts) -> Order:
    """Return the order of as many emotions as outputs that most answers fit; outputs that tie stay where they are.

    Kuhn (1955), The Hungarian method for the assignment problem.
    """
    outputs, places = linear_sum_assignment(counts.T + 0.5 / len(counts) * np.eye(len(counts)), maximize=True)
    assert list(outputs) == list(range(len(counts)))
    right = counts[places, outputs].sum()
    return Order(tuple(int(place) for place in places), float(right / max(counts.sum(), 1)))


def is_much_better(order: Order, counts: Counts) -> bool:
    """Return whether an order is surely and largely better than the one the counts are in.

    Over the outputs that move, the clips that only the one order has right are compared with those that only the other
    has (an exact sign test), as one of all the orders that could have come out best.
    """
    moved = [output for output, place in enumerate(order.places) if output != place]
    lost = sum(int(counts[output, output]) for output in moved)
    gained = sum(int(counts[order.places[output], output]) for output in moved)
    if gained - lost < MUCH * counts.sum():
        return False
    return sign_test(gained, lost) < SURPRISING / math.factorial(len(counts))


def by_chance(truths: NDArray[np.int64], answers: NDArray[np.int64], emotions: int) -> float:
    """Return the accuracy that the best order stays below in 95 of 100 cases if answers have nothing to do with truths.

    Of truths (n,) and answers (n,) shuffled against each other by a fixed seed.
    """
    rng = np.random.default_rng(0)
    found = [
        best_order(counts_of(rng.permutation(truths), answers, emotions, emotions)).accuracy for _ in range(SHUFFLES)
    ]
    return float(np.quantile(found, 1 - SURPRISING))


def sign_test(gained: int, lost: int) -> float:
    """Return how likely so many gains against losses are where both are equally likely."""
    return float(binom.sf(gained - 1, gained + lost, 0.5))


def reordered(names: Sequence[str], order: Order) -> list[str]:
    """Return the names as the outputs would carry them."""
    return [names[place] for place in order.places]
