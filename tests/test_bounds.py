"""Which interval each metric has: special cases in which another formula says what must come out."""

import math

import numpy as np
import pytest
from scipy import stats

from audit import bounds, metrics
from audit.bootstrap import Floats
from audit.bounds import Sampled
from audit.intervals import paired_difference, wilson


def ratio(sums: Floats) -> Floats:
    return sums[..., 1] / sums[..., 0]


def drop(sums: Floats) -> Floats:
    return (sums[..., 1] - sums[..., 2]) / sums[..., 0]


def speakers(*rows: tuple[float, ...]) -> Sampled:
    return Sampled(np.array(rows, float), np.ones(len(rows)), int(sum(row[0] for row in rows)), clustered=True)


def test_of_independent_clips_a_share_has_wilsons_interval_and_a_drop_that_of_its_parts() -> None:
    right = Sampled(np.array([[1.0, 0.0], [1.0, 1.0]]), np.array([12.0, 68.0]), 80, clustered=False)
    assert bounds.of_share(right, ratio)(0.95) == pytest.approx(wilson(0.85, 80, 0.95))
    changed = Sampled(np.array([[1.0, 0, 0], [1, 1, 0], [1, 0, 1]]), np.array([60.0, 16.0, 4.0]), 80, clustered=False)
    assert bounds.of_drop(changed, drop)(0.95) == pytest.approx(paired_difference(0.2, 0.05, 80, 0.95))


def test_speakers_who_are_all_right_or_all_wrong_count_as_one_clip_each() -> None:
    found = bounds.of_share(speakers(*[(10, 10)] * 6, *[(10, 0)] * 4), ratio)(0.95)
    # Nine degrees of freedom, and 10 / 9 the variance of ten clips.
    assert found == pytest.approx(wilson(0.6, 9, 0.95, freedom=9))


def test_speakers_among_whom_all_is_right_count_by_their_clips_with_students_t() -> None:
    assert bounds.of_share(speakers(*[(5, 5)] * 12), ratio)(0.95) == wilson(1.0, 60, 0.95, freedom=11)


def test_speakers_with_unlike_drops_widen_its_interval() -> None:
    alike = bounds.of_drop(speakers(*[(10, 2, 0)] * 5, *[(10, 2, 1)] * 4), drop)(0.95)
    unlike = bounds.of_drop(speakers(*[(10, 6, 0)] * 3, *[(10, 0, 0)] * 3, *[(10, 0, 1), (10, 0, 1), (10, 0, 2)]), drop)
    assert unlike(0.95)[1] - unlike(0.95)[0] > 2 * (alike[1] - alike[0])


def test_a_curve_that_every_clip_falls_off_at_once_crosses_where_its_intervals_do() -> None:
    found = bounds.of_crossing(
        Sampled(np.array([[1.0, 1.0, 0.0]]), np.array([20.0]), 20, clustered=False),
        lambda sums: metrics.critical_severity((0.0, 1.0), sums[..., 1:] / sums[..., :1]),
        (0.0, 1.0),
        draws=100,
        seed=0,
    )
    assert found is not None
    low, high = found(0.95)
    least = wilson(1.0, 20, 0.95)[0]
    assert low == pytest.approx((least - 0.5) / least)
    assert low + high == pytest.approx(1.0)


def test_three_clips_that_withstand_everything_do_not_show_that_all_would() -> None:
    sampled = Sampled(np.array([[1.0, 1.0, 1.0]]), np.array([3.0]), 3, clustered=False)

    def crossing(sums: Floats) -> Floats:
        return metrics.critical_severity((0.0, 1.0), sums[..., 1:] / sums[..., :1])

    found = bounds.of_crossing(sampled, crossing, (0.0, 1.0), draws=100, seed=0)
    assert found is not None
    assert found(0.95) == (0.0, math.inf)


def test_speakers_who_are_all_alike_do_not_make_a_calibration_error_certain() -> None:
    one = metrics.calibration_bins(np.full(4, 0.9), np.array([1.0, 1.0, 1.0, 0.0])).sum(axis=0)
    found = Sampled(np.stack([one] * 6), np.ones(6), 24, clustered=True)
    low, high = bounds.of_calibration(found, metrics.expected_calibration_error)(0.95)
    assert high - low > 0.05


def test_gaps_of_chance_are_taken_off_the_lower_end_of_the_calibration_error() -> None:
    """A hundred samples of sixty clips of a calibrated model: the plain error says .13, and all but few ends say 0."""
    rng = np.random.default_rng(3)
    ends, plain = [], []
    for _ in range(100):
        confidence = rng.uniform(0.4, 1.0, 60)
        rows = metrics.calibration_bins(confidence, (rng.random(60) < confidence).astype(float))
        found = Sampled(rows, np.ones(60), 60, clustered=False)
        plain.append(float(metrics.expected_calibration_error(rows.sum(axis=0))))
        ends.append(bounds.of_calibration(found, metrics.expected_calibration_error)(0.95)[0])
    assert np.mean(plain) > 0.1
    assert np.mean(np.array(ends) == 0) > 0.9


def test_the_excess_of_a_folded_normal_is_scipys() -> None:
    means, scatter = np.array([0.0, 0.3, 2.0]), np.array([1.0, 0.5, 0.4])
    theirs = sum(stats.foldnorm.mean(m / s, scale=s) - m for m, s in zip(means, scatter, strict=True))
    assert bounds._folded(means, scatter) == pytest.approx(theirs)


def test_equal_scores_are_as_uncertain_as_clips_are_few() -> None:
    few, many = (bounds.of_score(speakers(*[(each, 0.4 * each)] * 6), ratio, draws=50, seed=0) for each in (2, 200))
    assert few is not None
    assert many is not None
    assert few(0.95)[0] < many(0.95)[0] < 0.4 < many(0.95)[1] < few(0.95)[1]


def test_no_interval_of_equal_scores_goes_beyond_what_a_score_can_be() -> None:
    whole = bounds.of_score(speakers(*[(5, 5.0)] * 6), ratio, draws=50, seed=0, values=(0.0, 1.0))
    assert whole is not None
    low, high = whole(0.95)
    assert 0.9 < low < high == 1.0
