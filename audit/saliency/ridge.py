"""Weighted ridge regression on which segments are present, and how sure its order of segments is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Fit:
    """The coefficients (segments,), their covariance (segments, segments), and the weighted R2."""

    coefficients: Floats
    covariance: Floats
    r2: float


def ridge(present: NDArray[np.bool_], answers: Floats, weights: Floats, alpha: float = 1.0) -> Fit:
    """Fit `answers` (rows,) on `present` (rows, segments) with `weights` (rows,) and an intercept that is not shrunk.

    After the first row, every two rows are each other's opposite. What both are off by alike takes nothing from the
    coefficients, so that their covariance is that of rows which err independently by half of the difference in pairs,
    over the degrees of freedom that are left.
    """
    share = weights / weights.sum()
    centred = present - share @ present
    about = answers - share @ answers
    weighted = centred * weights[:, None]
    inverse = np.linalg.inv(centred.T @ weighted + alpha * np.eye(present.shape[1]))
    coefficients = inverse @ (weighted.T @ about)
    residuals = about - centred @ coefficients
    whole = float(weights @ about**2)
    r2 = 1.0 - float(weights @ residuals**2) / whole if whole > 0 else 0.0
    pairs = (len(answers) - 1) // 2
    if not pairs:
        return Fit(coefficients, np.zeros_like(inverse), r2)
    one, other = slice(1, 2 * pairs, 2), slice(2, 2 * pairs + 1, 2)
    both = weights[one] + weights[other]
    odd, apart = (residuals[one] - residuals[other]) / 2, (centred[one] - centred[other]) / 2
    left = max(pairs - float(np.sum(inverse * (apart.T @ (apart * both[:, None])))), 1.0)
    variance = 2.0 * float(both @ odd**2) / float(both.mean()) / left
    return Fit(coefficients, variance * inverse @ (weighted.T @ weighted) @ inverse, r2)


def top_cover(weights: Floats, sizes: NDArray[np.int64], budget: int) -> Floats:
    """Return how many cells of each segment (..., segments) a mask of `budget` cells hides, the heaviest first."""
    order = np.argsort(-weights, axis=-1, kind="stable")
    sorted_sizes = sizes[order]
    left = budget - (np.cumsum(sorted_sizes, axis=-1) - sorted_sizes)
    cover = np.empty_like(weights)
    np.put_along_axis(cover, order, np.clip(left, 0, sorted_sizes).astype(float), axis=-1)
    return cover


def expected_loss(fit: Fit, sizes: NDArray[np.int64], budget: int, normals: Floats) -> float:
    """Return what share of the best mask's weight the fitted mask of `budget` cells is expected to miss, 0 to 1.

    The true weights are taken to lie about the fitted ones as the covariance says, and the best mask is theirs;
    `normals` (draws, segments) are the standard normal draws that the expectation is taken over.
    """
    values, vectors = np.linalg.eigh(fit.covariance)
    true = fit.coefficients + normals @ (vectors * np.sqrt(values.clip(0.0))).T
    each = true / sizes
    best = np.sum(top_cover(true, sizes, budget) * each, axis=-1)
    ours = np.sum(top_cover(fit.coefficients, sizes, budget) * each, axis=-1)
    # Where no segment speaks for the target, there is nothing to miss.
    return float(np.clip((best - ours).sum() / max(best.sum(), np.finfo(float).tiny), 0.0, 1.0))
