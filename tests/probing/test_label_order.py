"""Which order of the emotions the answers fit."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from audit.probing.label_order import best_order, counts_of, is_much_better, reordered, sign_test


def test_the_best_order_is_the_best_of_all_permutations() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        counts = rng.integers(0, 12, size=(5, 5))
        best = max(sum(counts[place, output] for output, place in enumerate(order)) for order in permutations(range(5)))
        assert best_order(counts).accuracy == pytest.approx(best / counts.sum())


def test_outputs_that_tie_stay_where_they_are() -> None:
    # Nobody shows the last two emotions, and no one answers with them.
    counts = np.diag([9, 7, 0, 0])
    assert best_order(counts).places == (0, 1, 2, 3)
    assert best_order(np.full((4, 4), 3)).places == (0, 1, 2, 3)


def test_swapped_labels_are_told_from_a_model_that_errs() -> None:
    sound = np.full((6, 6), 1) + np.diag([28] * 6)
    swapped = sound[[1, 0, 2, 3, 4, 5]]
    assert not is_much_better(best_order(sound), sound)
    assert is_much_better(best_order(swapped), swapped)
    assert reordered(["a", "b", "c", "d", "e", "f"], best_order(swapped)) == ["b", "a", "c", "d", "e", "f"]


def test_guesses_fit_no_order_much_better() -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        counts = counts_of(np.arange(198) % 6, rng.integers(0, 6, size=198), 6, 6)
        assert not is_much_better(best_order(counts), counts)


def test_the_sign_test_counts_heads() -> None:
    assert sign_test(3, 0) == pytest.approx(1 / 8)
    assert sign_test(2, 1) == pytest.approx(1 / 2)
    assert sign_test(0, 0) == 1.0
