"""Intervals in closed form: against scipy, against their formulas solved by hand, and turned round."""

import math

import pytest
from scipy import stats

from audit import intervals


@pytest.mark.parametrize(("right", "n"), [(0, 10), (3, 10), (10, 10), (430, 501), (1, 2)])
def test_wilson_equals_scipys(right: int, n: int) -> None:
    theirs = stats.binomtest(right, n).proportion_ci(0.95, method="wilson")
    assert intervals.wilson(right / n, n, 0.95) == pytest.approx((theirs.low, theirs.high))


def test_wilsons_ends_are_where_the_share_is_that_many_errors_away() -> None:
    for end in intervals.wilson(0.7, 33.5, 0.9, freedom=8):
        assert abs(0.7 - end) / math.sqrt(end * (1 - end) / 33.5) == pytest.approx(stats.t.ppf(0.95, 8))


def test_reach_is_scipys_quantile_far_into_the_tail() -> None:
    assert intervals.reach(0.95) == pytest.approx(stats.norm.ppf(0.975))
    assert intervals.reach(0.95, 8) == pytest.approx(stats.t.ppf(0.975, 8))
    assert intervals.reach(1 - 2e-10) == pytest.approx(stats.norm.isf(1e-10), rel=1e-4)
    assert intervals.reach(0.0, 5) == 0


def test_what_was_never_seen_is_as_wilson_says() -> None:
    z = stats.norm.ppf(0.975)
    assert intervals.unseen(60, 0.95) == pytest.approx(z * z / (60 + z * z))


def test_twice_the_variance_of_independent_clips_halves_their_number() -> None:
    assert intervals.effective_size(100, 0.0025, 0.005) == pytest.approx(50)


def test_clusters_that_agree_by_chance_do_not_claim_any_number_of_clips() -> None:
    assert intervals.effective_size(100, 0.0025, 0.0) == 400


def test_clips_that_all_agree_count_as_they_are() -> None:
    assert intervals.effective_size(100, 0.0, 0.0) == 100


def test_a_paired_difference_holds_its_value_and_is_wider_for_fewer_pairs() -> None:
    few, many = (intervals.paired_difference(0.2, 0.05, n, 0.95) for n in (40, 400))
    assert few[0] < many[0] < 0.15 < many[1] < few[1]


def test_no_change_at_all_still_leaves_room_for_one() -> None:
    low, high = intervals.paired_difference(0.0, 0.0, 30, 0.95)
    assert low < -0.05
    assert high > 0.05


def test_the_least_error_of_a_share_is_its_score_test() -> None:
    """Wilson's interval is the score test turned round, so turning it back gives that test's p-value."""
    error = intervals.least_error(lambda confidence: intervals.wilson(0.9, 100, confidence), lambda i: i[0] >= 0.8)
    assert error == pytest.approx(stats.norm.sf(0.1 / math.sqrt(0.8 * 0.2 / 100)), rel=1e-6)


def test_the_least_error_is_where_the_interval_begins_to_hold() -> None:
    def bounds(confidence: float) -> intervals.Interval:
        return intervals.wilson(0.9, 100, confidence, freedom=8)

    error = intervals.least_error(bounds, lambda i: i[0] >= 0.8)
    assert bounds(1 - 2 * error * 1.001)[0] >= 0.8 > bounds(1 - 2 * error * 0.999)[0]


def test_an_error_is_never_called_nothing_and_one_that_cannot_be_is_one() -> None:
    def bounds(confidence: float) -> intervals.Interval:
        return intervals.wilson(0.9, 10_000, confidence)

    assert intervals.least_error(bounds, lambda i: i[0] >= 0.5) == intervals.LEAST_ERROR > 0
    assert intervals.least_error(bounds, lambda i: i[1] < 0.5) == 1
