"""What is computed from predictions: pure functions of confusion counts and of accuracy curves.

Confusion counts are arrays (..., K, K), rows the true emotion, columns the predicted one; every function works on
a whole stack of them at once, which is what makes bootstrap intervals cheap.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def _share(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=np.asarray(whole) > 0)


def accuracy(counts: Floats) -> Floats:
    """Return the share of correct predictions, (...)."""
    return _share(np.trace(counts, axis1=-2, axis2=-1), counts.sum(axis=(-2, -1)))


def recall(counts: Floats) -> Floats:
    """Return the recall of every emotion, (..., K); NaN for one without a clip."""
    return _share(np.diagonal(counts, axis1=-2, axis2=-1), counts.sum(axis=-1))


def precision(counts: Floats) -> Floats:
    """Return the precision of every emotion, (..., K); NaN for one never predicted."""
    return _share(np.diagonal(counts, axis1=-2, axis2=-1), counts.sum(axis=-2))


def f1(counts: Floats) -> Floats:
    """Return the F1 score of every emotion, (..., K); NaN for one neither present nor predicted."""
    right = np.diagonal(counts, axis1=-2, axis2=-1)
    return _share(2.0 * right, counts.sum(axis=-1) + counts.sum(axis=-2))


def uar(counts: Floats) -> Floats:
    """Return the unweighted average recall over the emotions that have clips, (...). Schuller et al. (2009)."""
    return _mean_known(recall(counts))


def macro_f1(counts: Floats) -> Floats:
    """Return the mean F1 over the emotions that are present or predicted, (...)."""
    return _mean_known(f1(counts))


def _mean_known(values: Floats) -> Floats:
    known = np.isfinite(values)
    return _share(np.where(known, values, 0.0).sum(axis=-1), known.sum(axis=-1))


def critical_severity(severities: Sequence[float], accuracies: Floats, *, level: float = 0.5) -> Floats:
    """Return where each accuracy curve (..., S) first falls under `level`, by linear interpolation.

    `severities` ascend. Infinite where the curve stays at or above `level`; the first severity where it starts below.
    """
    points = np.asarray(severities, dtype=np.float64)
    curves = np.atleast_2d(accuracies)
    under = curves < level
    first = np.where(under.any(axis=-1), under.argmax(axis=-1), -1)
    rows = np.arange(len(curves))
    before = np.maximum(first - 1, 0)
    high, low = curves[rows, before], curves[rows, first]
    gap = np.where(high > low, high - low, 1.0)
    crossing = points[before] + (high - level) / gap * (points[first] - points[before])
    found = np.where(first == 0, points[0], crossing)
    return np.where(first < 0, np.inf, found).reshape(np.shape(accuracies)[:-1])


def curve_area(severities: Sequence[float], accuracies: Floats) -> Floats:
    """Return the mean accuracy over the swept range, (...): the area under each curve (..., S) over its width."""
    points = np.asarray(severities, dtype=np.float64)
    if len(points) == 1:
        return np.asarray(accuracies)[..., 0]
    return np.trapezoid(accuracies, points, axis=-1) / (points[-1] - points[0])


BINS = 15


def calibration_bins(confidence: Floats, right: Floats) -> Floats:
    """Return per sample (3 x BINS,) statistics whose sums give the calibration error: count, confidence, right."""
    which = np.minimum((np.asarray(confidence) * BINS).astype(int), BINS - 1)
    hot = np.eye(BINS)[which]
    return np.concatenate([hot, hot * np.asarray(confidence)[:, None], hot * np.asarray(right)[:, None]], axis=1)


def calibration_gaps(sums: Floats) -> tuple[Floats, Floats]:
    """Return confidence minus right answers, summed in every bin, (..., BINS), and the number of clips, (...)."""
    count, confidence, right = np.split(sums, 3, axis=-1)
    return confidence - right, count.sum(axis=-1)


def expected_calibration_error(sums: Floats) -> Floats:
    """Return the expected calibration error from summed `calibration_bins`, (...). Guo et al. (2017)."""
    gaps, count = calibration_gaps(sums)
    return _share(np.abs(gaps).sum(axis=-1), count)
