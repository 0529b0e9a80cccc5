"""Intervals: Wilson's by his formula and in scipy, the bootstrap by coverage and by determinism."""

import math

import numpy as np
import pytest
from scipy import stats

from audit import intervals


@pytest.mark.parametrize(("right", "n"), [(0, 10), (3, 10), (10, 10), (430, 501), (1, 2)])
def test_wilson_equals_scipys(right: int, n: int) -> None:
    theirs = stats.binomtest(right, n).proportion_ci(0.95, method="wilson")
    assert intervals.wilson(right / n, n, 0.95) == pytest.approx((theirs.low, theirs.high))


def test_one_seed_gives_one_interval() -> None:
    rows = np.random.default_rng(1).random((40, 2)) + 1

    def drawn(seed: int) -> np.ndarray:
        ones = np.ones(40)
        return intervals.replicates(rows, ones, lambda s: s[..., 1] / s[..., 0], draws=200, seed=seed)

    np.testing.assert_array_equal(drawn(3), drawn(3))
    assert not np.array_equal(drawn(3), drawn(4))


def test_a_bootstrap_of_a_mean_has_its_standard_error() -> None:
    values = np.random.default_rng(2).normal(0, 1, 400)
    rows = np.column_stack([np.ones(400), values])
    draws = intervals.replicates(rows, np.ones(400), lambda s: s[..., 1] / s[..., 0], draws=4000, seed=0)
    assert draws.std() == pytest.approx(values.std() / 20, rel=0.05)


def test_clustered_intervals_cover_the_truth_where_plain_ones_do_not() -> None:
    """Nine speakers, each with a rate of their own: resampling clips alone is far too sure."""
    rng = np.random.default_rng(5)
    covered = {"clustered": 0, "plain": 0}
    rounds = 300
    for turn in range(rounds):
        rates = np.clip(rng.normal(0.7, 0.12, 9), 0, 1)
        right = rng.binomial(50, rates).astype(float)
        for name, rows, repeats, units in (
            ("clustered", np.column_stack([np.full(9, 50.0), right]), np.ones(9), 9),
            ("plain", np.array([[1.0, 0.0], [1.0, 1.0]]), np.array([450 - right.sum(), right.sum()]), 450),
        ):
            draws = intervals.replicates(rows, repeats, lambda s: s[..., 1] / s[..., 0], draws=400, seed=turn)
            low, high = intervals.percentile(draws, units, 0.95)
            covered[name] += low <= 0.7 <= high
    assert covered["clustered"] / rounds > 0.92
    assert covered["plain"] / rounds < 0.75


def test_one_unit_alone_gives_no_interval() -> None:
    assert intervals.percentile(np.array([0.5, 0.5]), 1, 0.95) is None


def test_values_beyond_what_was_tested_stay_infinite() -> None:
    low, high = intervals.percentile(np.array([0.1, 0.2, math.inf, math.inf]), 50, 0.95)
    assert low == 0.1
    assert high == math.inf


def test_a_paired_difference_holds_its_value_and_is_wider_for_fewer_pairs() -> None:
    few, many = (intervals.paired_difference(0.2, 0.05, n, 0.95) for n in (40, 400))
    assert few[0] < many[0] < 0.15 < many[1] < few[1]


def test_no_change_at_all_still_leaves_room_for_one() -> None:
    low, high = intervals.paired_difference(0.0, 0.0, 30, 0.95)
    assert low < -0.05
    assert high > 0.05
