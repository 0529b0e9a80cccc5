"""Metrics against scikit-learn and against cases solved by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from audit import metrics


@pytest.fixture
def answers() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    true = rng.integers(0, 5, 300)
    return true, np.where(rng.random(300) < 0.6, true, rng.integers(0, 5, 300))


def counts(true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    return sklearn_metrics.confusion_matrix(true, predicted, labels=range(5)).astype(float)


def test_they_equal_scikit_learns(answers: tuple[np.ndarray, np.ndarray]) -> None:
    table = counts(*answers)
    keys = {"average": None, "labels": range(5)}
    np.testing.assert_allclose(metrics.accuracy(table), sklearn_metrics.accuracy_score(*answers))
    np.testing.assert_allclose(metrics.recall(table), sklearn_metrics.recall_score(*answers, **keys))
    np.testing.assert_allclose(metrics.precision(table), sklearn_metrics.precision_score(*answers, **keys))
    np.testing.assert_allclose(metrics.f1(table), sklearn_metrics.f1_score(*answers, **keys))
    np.testing.assert_allclose(metrics.uar(table), sklearn_metrics.balanced_accuracy_score(*answers))
    np.testing.assert_allclose(metrics.macro_f1(table), sklearn_metrics.f1_score(*answers, average="macro"))


def test_a_stack_of_counts_is_computed_as_each_alone(answers: tuple[np.ndarray, np.ndarray]) -> None:
    table = counts(*answers)
    stack = np.stack([table, table.T, 2 * table])
    for formula in (metrics.accuracy, metrics.recall, metrics.precision, metrics.f1, metrics.uar, metrics.macro_f1):
        np.testing.assert_allclose(formula(stack), np.stack([formula(one) for one in stack]))


def test_an_emotion_without_clips_has_no_recall_and_is_left_out_of_the_average() -> None:
    table = np.array([[3.0, 1.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 0.0]])
    assert math.isnan(metrics.recall(table)[2])
    assert metrics.uar(table) == pytest.approx((0.75 + 1.0) / 2)


def test_the_critical_severity_is_interpolated_where_the_curve_first_crosses_a_half() -> None:
    assert metrics.critical_severity([0, 0.01, 0.02], np.array([0.9, 0.6, 0.2])) == pytest.approx(0.0125)
    assert metrics.critical_severity([0, 0.01, 0.02], np.array([0.9, 0.4, 0.8])) == pytest.approx(0.008)


def test_a_curve_that_never_falls_under_a_half_has_its_critical_severity_beyond() -> None:
    assert metrics.critical_severity([0, 0.01], np.array([0.9, 0.5])) == math.inf


def test_a_model_under_a_half_from_the_start_has_its_critical_severity_there() -> None:
    assert metrics.critical_severity([0, 0.01], np.array([0.4, 0.3])) == 0.0


@given(st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_the_curve_area_is_a_mean_accuracy(values: list[float]) -> None:
    area = float(metrics.curve_area([0.0, 0.1, 0.2, 0.4], np.array(values)))
    assert min(values) - 1e-9 <= area <= max(values) + 1e-9


def test_the_curve_area_weighs_by_width() -> None:
    assert metrics.curve_area([0, 1, 4], np.array([1.0, 1.0, 0.0])) == pytest.approx((1.0 + 1.5) / 4)


def test_the_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    confidence = np.array([0.95, 0.95, 0.95, 0.95, 0.55, 0.55])
    right = np.array([1.0, 1.0, 0.0, 0.0, 1.0, 0.0])
    sums = metrics.calibration_bins(confidence, right).sum(axis=0)
    assert metrics.expected_calibration_error(sums) == pytest.approx((4 * 0.45 + 2 * 0.05) / 6)
