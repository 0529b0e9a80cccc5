"""Holm's adjustment: solved by hand, against its definition step by step, and by simulation."""

import numpy as np
import pytest

from audit.multiplicity import holm


def rejected(errors: list[float], alpha: float) -> list[bool]:
    """Holm's procedure as he tells it: from the smallest error on, until one is too large for how many are left."""
    found = [False] * len(errors)
    for rank, place in enumerate(np.argsort(errors, kind="stable")):
        if errors[place] * (len(errors) - rank) > alpha:
            break
        found[place] = True
    return found


def test_a_case_solved_by_hand() -> None:
    """Sorted: .005 x 4, .01 x 3, .03 x 2, and .04 x 1, which is raised to the one before it."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_an_adjusted_error_is_at_most_alpha_where_the_procedure_rejects() -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        errors = (rng.random(rng.integers(1, 12)) ** 3).tolist()
        for alpha in (0.01, 0.025, 0.05, 0.2):
            assert [error <= alpha for error in holm(errors)] == rejected(errors, alpha)


def test_adjusted_errors_are_never_smaller_keep_their_order_and_stop_at_one() -> None:
    errors = [0.9, 0.2, 0.0001, 0.2, 0.6, 1.0]
    found = holm(errors)
    assert all(adjusted >= error for adjusted, error in zip(found, errors, strict=True))
    assert max(found) == 1
    assert [found[i] for i in np.argsort(errors, kind="stable")] == sorted(found)
    assert found[1] == found[3]


def test_a_single_error_stays_and_none_is_none() -> None:
    assert holm([0.03]) == [0.03]
    assert holm([]) == []


def test_errors_are_probabilities() -> None:
    with pytest.raises(ValueError, match=r"from 0 to 1, not 1\.5"):
        holm([0.1, 1.5])


def test_true_gates_are_seldom_rejected_however_many_there_are() -> None:
    """Of 26 gates at their limits, even one falls in at most one of forty suites, where uncorrected half do."""
    rng = np.random.default_rng(3)
    suites = rng.random((2000, 26))
    assert np.mean([min(holm(errors.tolist())) <= 0.025 for errors in suites]) < 0.035
    assert np.mean(suites.min(axis=1) <= 0.025) > 0.4
