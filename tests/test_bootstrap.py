"""Resampling: against slow versions of the formulas, scipy's bootstrap, and Student's t."""

import math

import numpy as np
import pytest
from scipy import stats

from audit import bootstrap
from audit.bootstrap import Floats


def mean(sums: Floats) -> Floats:
    return sums[..., 1] / sums[..., 0]


def units(values: Floats) -> tuple[Floats, Floats]:
    return np.column_stack([np.ones(len(values)), values]), np.ones(len(values))


def resampled(values: Floats, draws: int = 4000) -> bootstrap.Resampled:
    found = bootstrap.resampled(*units(values), mean, units=len(values), draws=draws, seed=3)
    assert found is not None
    return found


SKEWED = np.random.default_rng(2).gamma(1.0, size=40)


def test_one_seed_gives_one_interval() -> None:
    rows, ones = units(SKEWED)
    first, again, other = (bootstrap.replicates(rows, ones, mean, draws=200, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_bootstrap_of_a_mean_has_its_standard_error() -> None:
    values = np.random.default_rng(2).normal(0, 1, 400)
    draws = bootstrap.replicates(*units(values), mean, draws=4000, seed=0)
    assert draws.std() == pytest.approx(values.std() / 20, rel=0.05)


def test_the_jackknife_of_a_mean_is_its_variance_and_sixth_of_its_skewness() -> None:
    found = bootstrap.jackknife(*units(SKEWED), mean)
    assert found.variance == pytest.approx(SKEWED.var(ddof=1) / 40)
    assert found.acceleration == pytest.approx(stats.skew(SKEWED) / 6 / math.sqrt(40))


def test_rows_that_stand_several_times_count_so_often() -> None:
    values = np.array([1.0, 2.0, 2.0, 2.0, 7.0])
    rows, repeats = np.array([[1.0, 1.0], [1.0, 2.0], [1.0, 7.0]]), np.array([1.0, 3.0, 1.0])
    short, long = bootstrap.jackknife(rows, repeats, mean), bootstrap.jackknife(*units(values), mean)
    assert short.variance == pytest.approx(long.variance)
    assert short.acceleration == pytest.approx(long.acceleration)


def test_the_jackknife_passes_over_a_unit_without_which_nothing_is_left() -> None:
    def share(sums: Floats) -> Floats:
        return np.divide(sums[..., 1], sums[..., 0], out=np.full(sums.shape[:-1], np.nan), where=sums[..., 0] > 0)

    rows = np.array([[4.0, 2.0], [0.0, 0.0], [0.0, 0.0]])
    assert bootstrap.jackknife(rows, np.ones(3), share) == bootstrap.Jackknife(0.0, 0.0)


def test_bca_equals_scipys_but_for_the_widening() -> None:
    theirs = stats.bootstrap((SKEWED,), np.mean, n_resamples=20_000, method="BCa", rng=np.random.default_rng(1))
    found = resampled(SKEWED, draws=20_000)
    z = float(stats.norm.ppf(0.975))
    width = theirs.confidence_interval.high - theirs.confidence_interval.low
    assert found.at(-z) == pytest.approx(theirs.confidence_interval.low, abs=0.03 * width)
    assert found.at(z) == pytest.approx(theirs.confidence_interval.high, abs=0.03 * width)
    low, high = found.bounds(0.95)
    assert low < found.at(-z) < found.at(z) < high


def test_few_units_widen_as_students_t_does() -> None:
    values = np.random.default_rng(4).normal(size=9)
    theirs = stats.t.interval(0.95, 8, values.mean(), stats.sem(values))
    low, high = resampled(values, draws=20_000).bounds(0.95)
    assert high - low == pytest.approx(theirs[1] - theirs[0], rel=0.1)


def test_an_interval_grows_with_its_confidence_far_beyond_the_draws() -> None:
    found = resampled(SKEWED, draws=500)
    ends = [found.bounds(1 - 2 * error) for error in np.geomspace(0.5, 1e-12, 60)]
    lows, highs = np.array(ends).T
    assert (np.diff(lows) < 0).all()
    assert (np.diff(highs) > 0).all()
    assert highs[-1] > found.values[-1]


def test_the_tail_of_normal_draws_goes_on_as_a_normal_one() -> None:
    draws = np.sort(np.random.default_rng(1).normal(size=2000))
    for score in (-5.0, -3.5, 3.5, 5.0):
        assert bootstrap.quantile(draws, score) == pytest.approx(score, rel=0.1)


def test_values_beyond_what_was_tested_stay_infinite() -> None:
    draws = np.array([*np.linspace(0.1, 0.2, 500), *[math.inf] * 500])
    assert bootstrap.quantile(draws, 3.0) == bootstrap.quantile(draws, 0.5) == math.inf
    assert -math.inf < bootstrap.quantile(draws, -6.0) < bootstrap.quantile(draws, -3.0) < 0.11


def test_one_unit_alone_gives_no_interval() -> None:
    assert bootstrap.resampled(*units(np.ones(1)), mean, units=1, draws=10, seed=0) is None
