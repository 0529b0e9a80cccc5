"""How far groups lie apart: against every outcome counted out, and how often the intervals hold the truth."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats

from audit import gaps
from audit.gaps import Groups, chance_gap, gap_bounds
from audit.intervals import wilson

TWELVE = (30,) * 12


def groups(right: Sequence[float], sizes: Sequence[float]) -> Groups:
    return Groups(np.array(right, float) / np.array(sizes, float), np.array(sizes, float))


def drawn(shares: Sequence[float], sizes: Sequence[int], rng: np.random.Generator) -> Groups:
    return groups(rng.binomial(sizes, shares), sizes)


def test_the_chance_of_a_gap_is_that_of_all_outcomes_that_show_it() -> None:
    sizes, shares = (2, 3, 5), (0.5, 0.7, 0.9)
    block = groups((1, 2, 4), sizes)
    height = np.array([0.0, 0.5, 1.0])
    placed = gaps._Placed(block, np.array([0.5]), np.array([0.4]), height)
    for width in (0.0, 0.3, 1 / 3, 0.6, 1.0):
        counted = sum(
            math.prod(stats.binom.pmf(k, n, p) for k, n, p in zip(right, sizes, shares, strict=True))
            for right in itertools.product(*(range(n + 1) for n in sizes))
            if np.ptp(np.array(right) / sizes) <= width + 1e-9
        )
        assert gaps._at_most(placed, (width,))[0, 0] == pytest.approx(counted, abs=1e-12)


def test_clips_that_count_one_less_one_more_or_nothing_are_counted_out_alike() -> None:
    sizes, changed, means = (2, 4), 0.4, (-0.1, 0.2)
    block = Groups(np.array([0.0, 0.25]), np.array(sizes, float), changed)
    placed = gaps._Placed(block, np.array([-0.1]), np.array([0.3]), np.array([0.0, 1.0]))

    def chances(n: int, mean: float) -> dict[int, float]:
        up, down = (changed + mean) / 2, (changed - mean) / 2
        found = dict.fromkeys(range(-n, n + 1), 0.0)
        for clips in itertools.product((-1, 0, 1), repeat=n):
            found[sum(clips)] += math.prod({-1: down, 0: 1 - changed, 1: up}[each] for each in clips)
        return found

    first, second = (chances(n, mean) for n, mean in zip(sizes, means, strict=True))
    for width in (0.0, 0.25, 0.5, 1.0):
        counted = sum(p * q for (a, p), (b, q) in itertools.product(first.items(), second.items())
                      if abs(a / 2 - b / 4) <= width + 1e-9)  # fmt: skip
        assert gaps._at_most(placed, (width,))[0, 0] == pytest.approx(counted, abs=1e-12)


def test_more_sizes_than_places_are_told_apart_by_as_much_as_a_simulation_tells() -> None:
    rng = np.random.default_rng(3)
    sizes = rng.integers(150, 400, 20)
    block = groups(0.9 * sizes, sizes)
    assert len(gaps._points(block.clips, 0.0)[0]) == gaps.MOST_POINTS + 1
    shown = np.ptp(rng.binomial(sizes, 0.9, (20_000, 20)) / sizes, axis=1)
    for width in (0.06, 0.08, 0.1):
        assert gaps._at_most(gaps._alike(block), (width,))[0, 0] == pytest.approx((shown <= width).mean(), abs=0.02)


def test_the_interval_has_the_value_inside_and_grows_with_its_confidence() -> None:
    bounds = gap_bounds([groups((27, 25, 18, 29), (30, 30, 30, 30))])
    value = 11 / 30
    intervals = [bounds(confidence) for confidence in (0.0, 0.5, 0.9, 0.95, 0.999, 1 - 1e-9)]
    assert all(low <= value <= high for low, high in intervals)
    for narrower, wider in itertools.pairwise(intervals):
        assert wider[0] <= narrower[0]
        assert narrower[1] <= wider[1]
    assert intervals[-1][0] == 0.0


def test_of_two_large_groups_it_is_the_interval_of_a_difference() -> None:
    low, high = gap_bounds([groups((1800, 1600), (2000, 2000))])(0.95)
    off = 1.96 * math.sqrt(0.9 * 0.1 / 2000 + 0.8 * 0.2 / 2000)
    assert (low, high) == pytest.approx((0.1 - off, 0.1 + off), abs=0.003)


def test_of_groups_that_are_all_right_one_may_yet_fail_as_often_as_its_clips_let_unseen() -> None:
    low, high = gap_bounds([groups(TWELVE, TWELVE)])(0.95)
    assert low == 0.0
    # Half of the chance of what was seen counts: (1 - gap) ** 30 / 2 is 0.025.
    assert high == pytest.approx(1 - 0.05 ** (1 / 30), abs=0.01)
    assert high < wilson(1.0, 30, 0.95)[1]


def test_a_small_group_in_the_middle_may_lie_far_out() -> None:
    assert gap_bounds([groups((160, 180), (200, 200))])(0.95)[1] < 0.2
    assert gap_bounds([groups((160, 180, 4), (200, 200, 5))])(0.95)[1] > 0.4


def test_groups_that_happen_to_look_more_alike_than_chance_lets_them_are_not_called_equal() -> None:
    for sizes in ((2000, 2000), (1999.3, 1873.8), (55.0,) * 9):
        low, high = gap_bounds([groups([0.9 * n for n in sizes], sizes)])(0.95)
        assert low == 0.0
        assert high > 1.96 * math.sqrt(2 * 0.9 * 0.1 / max(sizes))


def test_few_clusters_widen_it_as_students_t_does() -> None:
    block = groups((160, 140), (180, 180))
    plain, few = gap_bounds([block])(0.95), gap_bounds([block], freedom=4)(0.95)
    confidence = 2 * stats.norm.cdf(stats.t.ppf(0.975, 4)) - 1
    assert few == pytest.approx(gap_bounds([block])(confidence))
    assert few[0] < plain[0]
    assert few[1] > plain[1]


def test_chance_makes_larger_gaps_of_more_and_of_smaller_groups() -> None:
    two, many, small = (chance_gap([groups([0.9 * n for n in sizes], sizes)], 0.95)
                        for sizes in ((180, 180), (30,) * 12, (5,) * 12))  # fmt: skip
    assert two < many < small
    shown = np.ptp(np.random.default_rng(0).binomial(30, 0.9, (40_000, 12)) / 30, axis=1)
    assert (shown <= many + 1e-3).mean() == pytest.approx(0.95, abs=0.03)


def test_there_is_no_gap_of_one_group_or_of_one_without_clips() -> None:
    for sizes in ((10,), (10, 0)):
        with pytest.raises(ValueError, match="two groups or more"):
            Groups(np.full(len(sizes), 0.5), np.array(sizes, float))


CASES = {
    "two of 180, alike": ((180, 180), (0.9, 0.9)),
    "two of 180, .1 apart": ((180, 180), (0.9, 0.8)),
    "two of 180, .5 apart": ((180, 180), (0.9, 0.4)),
    "twelve of 30, alike": (TWELVE, (0.9,) * 12),
    "twelve of 30, one .1 lower": (TWELVE, (0.9,) * 11 + (0.8,)),
    "twelve of 30, one .5 lower": (TWELVE, (0.9,) * 11 + (0.4,)),
    "twelve of 30, all but one perfect": (TWELVE, (1.0,) * 11 + (0.9,)),
    "twelve of 5, alike": ((5,) * 12, (0.9,) * 12),
    "twelve of 5, one .1 lower": ((5,) * 12, (0.9,) * 11 + (0.8,)),
    "twelve of 5, one .5 lower": ((5,) * 12, (0.9,) * 11 + (0.4,)),
    "four unequal, alike": ((120, 60, 40, 20), (0.9,) * 4),
    "four unequal, the smallest .1 lower": ((120, 60, 40, 20), (0.9, 0.9, 0.9, 0.8)),
    "four unequal, the largest .5 lower": ((120, 60, 40, 20), (0.4, 0.9, 0.9, 0.9)),
}


def held(sizes: Sequence[int], shares: Sequence[float], audits: int, interval_of: object) -> tuple[float, float]:
    """Return how often the true gap lies under the interval, and how often above."""
    rng, true = np.random.default_rng(11), max(shares) - min(shares)
    found = [interval_of(drawn(shares, sizes, rng)) for _ in range(audits)]
    return sum(true < low - 1e-9 for low, _ in found) / audits, sum(true > high + 1e-9 for _, high in found) / audits


@pytest.mark.parametrize("name", CASES)
def test_the_true_gap_lies_in_95_of_100_intervals(name: str) -> None:
    sizes, shares = CASES[name]
    under, above = held(sizes, shares, 250, lambda block: gap_bounds([block])(0.95))
    # Three standard errors of the simulation under .95; of many small groups the worst that could be is assumed.
    assert 1 - under - above >= 0.91
    assert under <= 0.06
    assert above <= 0.06


def test_a_bootstrap_would_not_hold() -> None:
    def percentile(block: Groups) -> tuple[float, float]:
        rng = np.random.default_rng(0)
        again = rng.binomial(block.clips, block.means, (400, len(block.clips))) / block.clips
        low, high = np.quantile(np.ptp(again, axis=1), (0.025, 0.975))
        return float(low), float(high)

    under, above = held(TWELVE, (0.9,) * 12, 100, percentile)
    assert under + above > 0.5
