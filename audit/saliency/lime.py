"""LIME: a linear model of how the prediction changes when segments are hidden, asked until its top mask is stable."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from audit.attribution import Attribution
from audit.errors import MethodError
from audit.kinds import saliency
from audit.model import Model
from audit.randomness import SampleRng
from audit.saliency.hadamard import hadamard
from audit.saliency.neighbourhood import neighbourhood
from audit.saliency.ridge import Fit, expected_loss, ridge

ROUND = 16
"""How many neighbours are asked about between one look at the fit and the next."""
DRAWS = 256
Rows = NDArray[np.bool_]
Floats = NDArray[np.float64]


@saliency(gradients=False)
def lime(
    model: Model,
    inputs: Tensor,
    targets: Tensor,
    rng: SampleRng,
    *,
    samples: int = 256,
    tolerance: float = 0.25,
    masked: float = 0.2,
    segmentation: Literal["grid", "slic"] | None = None,
    rows: int = 8,
    columns: int = 8,
    fill: str = "mean",
    kernel_width: float = 0.25,
    batch: int = 64,
) -> Attribution:
    """Return each segment's weight in a local linear model of the target's probability, (n, ...).

    Segments are a grid of `rows` x `columns`, spans of time for waveforms, or about as many SLIC superpixels
    (`segmentation: slic`, the default for faces); a hidden one is replaced by `fill`. The linear model is lime's own:
    ridge regression on which segments are present, weights exp(-d^2 / (2 kernel_width^2)) with d the cosine distance
    to the clip, itself a neighbour.

    Neighbours hide half of the segments: rows of a Hadamard matrix whose columns are shuffled and change sign at
    random, each followed by its opposite. Segments are thus hidden independently of each other, exactly so after every
    whole matrix, and what two of them do together cancels out. After one and a half matrices (193 neighbours of 64
    segments), and then after every 16 more, the fit is looked at: a clip is done where `error` has come down to
    `tolerance`, or with `samples` neighbours; `tolerance: 0` draws them all.

    Measures, per map: `r2`, the fit's weighted R2; `samples`, the neighbours used; `error`, the share of the weight of
    the best mask of `masked` of the cells that the map's own is expected to miss, by the standard errors of the
    weights; 1 with fewer pairs of neighbours than segments, which settle nothing. Needs no gradients.
    Ribeiro, Singh and Guestrin (2016), Why Should I Trust You?
    Raises MethodError for fewer samples than 2, or a share outside (0, 1).
    """
    if samples < 2 or not 0.0 < masked < 1.0:
        raise MethodError(f"lime: samples {samples}, masked {masked}: 2 or more, and a share between 0 and 1 are due")
    around = neighbourhood(
        model, inputs, targets, rng, segmentation=segmentation, rows=rows, columns=columns, fill=fill, batch=batch
    )
    budget = max(round(masked * inputs[0].numel()), 1)
    fits = [
        _Explained(generator, sizes[:count], budget, kernel_width)
        for generator, count, sizes in zip(rng.numpy(), around.counts, around.sizes, strict=True)
    ]
    while any(going := [fit.due(samples, tolerance) for fit in fits]):
        new = [fit.draw(rows) for fit, rows in zip(fits, going, strict=True)]
        for fit, present, answers in zip(fits, new, around.probabilities(new), strict=True):
            fit.add(present, answers)
    measures = {
        "r2": torch.tensor([fit.fit.r2 for fit in fits]),
        "samples": torch.tensor([float(fit.count) for fit in fits]),
        "error": torch.tensor([fit.error for fit in fits]),
    }
    return Attribution(around.spread([fit.fit.coefficients for fit in fits]), measures)


class _Explained:
    """One clip: the neighbours it was asked about, and what was made of the answers."""

    fit: Fit
    error: float

    def __init__(self, generator: np.random.Generator, sizes: NDArray[np.int64], budget: int, width: float) -> None:
        self.sizes, self.budget, self.width = sizes, budget, width
        self.normals = generator.standard_normal((DRAWS, len(sizes)))
        self.rows = neighbours(generator, len(sizes))
        self.present, self.answers = np.zeros((0, len(sizes)), dtype=bool), np.zeros(0)

    @property
    def count(self) -> int:
        return len(self.answers)

    def due(self, samples: int, tolerance: float) -> int:
        """Return how many neighbours to ask about next, 0 where the clip is done."""
        if not self.count:
            # Pairs as many as segments settle their weights, but leave nothing to say how sure they are.
            return min(1 + 3 * len(hadamard(len(self.sizes))), samples)
        return min(ROUND, samples - self.count) if self.error > tolerance else 0

    def draw(self, count: int) -> Rows:
        return np.array([next(self.rows) for _ in range(count)], dtype=bool).reshape(count, len(self.sizes))

    def add(self, present: Rows, answers: Floats) -> None:
        if not len(answers):
            return
        self.present = np.concatenate([self.present, present])
        self.answers = np.concatenate([self.answers, answers])
        self.fit = ridge(self.present, self.answers, nearness(self.present, self.width))
        # With fewer pairs than segments nothing is known of some weights: the ridge has set them.
        settled = (self.count - 1) // 2 >= len(self.sizes)
        self.error = expected_loss(self.fit, self.sizes, self.budget, self.normals) if settled else 1.0


def neighbours(generator: np.random.Generator, count: int) -> Iterator[Rows]:
    """Yield which of `count` segments are present, (count,): all of them first, then one half and the other in turn."""
    yield np.ones(count, dtype=bool)
    square = hadamard(count)
    while True:
        some = square[generator.permutation(len(square))][:, generator.permutation(len(square))[:count]]
        for row in some * generator.choice([-1, 1], count):
            yield row > 0
            yield row < 0


def nearness(present: Rows, width: float) -> Floats:
    """Return the weight of each neighbour (rows, segments) by its cosine distance to the row with all present."""
    distances = 1.0 - np.sqrt(present.mean(axis=1))
    # Half the exponent, as in lime: its kernels return the square root of the Gaussian.
    return np.sqrt(np.exp(-(distances**2) / width**2))
