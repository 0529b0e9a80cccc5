"""KernelSHAP: each segment's Shapley value of the prediction, from a regression on coalitions of segments."""

from __future__ import annotations

from itertools import product
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
from audit.saliency.neighbourhood import neighbourhood

Floats = NDArray[np.float64]
Rows = NDArray[np.bool_]


@saliency(gradients=False)
def kernel_shap(
    model: Model,
    inputs: Tensor,
    targets: Tensor,
    rng: SampleRng,
    *,
    samples: int = 512,
    segmentation: Literal["grid", "slic"] | None = None,
    rows: int = 8,
    columns: int = 8,
    fill: str = "mean",
    batch: int = 64,
) -> Attribution:
    """Return each segment's Shapley value of the target's probability, shared out evenly over its cells, (n, ...).

    A map sums to p(input) - p(everything hidden), to rounding: `measures["efficiency"]` is what is missing. Segments
    are those of `lime`: a grid of `rows` x `columns`, or about as many superpixels of faces; what is hidden is replaced
    by `fill`. The `samples` coalitions are drawn in pairs, one of each hiding what the other shows, their sizes by the
    Shapley kernel; where there are no more coalitions than that, all are asked and the values are exact.
    Lundberg and Lee (2017), A unified approach to interpreting model predictions; pairs as in Covert and Lee (2021),
    Improving KernelSHAP. Needs no gradients.
    Raises MethodError for fewer samples than 2.
    """
    if samples < 2:
        raise MethodError(f"kernel_shap: {samples} samples; at least 2 are due, a coalition and what it leaves out")
    around = neighbourhood(
        model, inputs, targets, rng, segmentation=segmentation, rows=rows, columns=columns, fill=fill, batch=batch
    )
    drawn = [coalitions(generator, count, samples) for generator, count in zip(rng.numpy(), around.counts, strict=True)]
    ends = [np.stack([np.zeros(count, dtype=bool), np.ones(count, dtype=bool)]) for count in around.counts]
    answers = around.probabilities([np.concatenate([both, some]) for both, (some, _) in zip(ends, drawn, strict=True)])
    values, missing = [], []
    for (some, weights), found, sizes in zip(drawn, answers, around.sizes, strict=True):
        hidden, whole = found[:2]
        shapley = regression(some, weights, found[2:] - hidden, whole - hidden)
        missing.append(abs(float(shapley.sum()) - (whole - hidden)))
        values.append(shapley / sizes[: len(shapley)])
    return Attribution(around.spread(values), {"efficiency": torch.tensor(missing)})


def coalitions(generator: np.random.Generator, count: int, samples: int) -> tuple[Rows, Floats]:
    """Return coalitions of `count` segments (rows, count), neither empty nor whole, and their weights (rows,)."""
    if count < 2:
        return np.zeros((0, count), dtype=bool), np.zeros(0)
    sizes = np.arange(1, count)
    # Of all coalitions of one size together, the kernel's weight is (count - 1) / (size (count - size)).
    kernel = (count - 1) / (sizes * (count - sizes))
    if count <= 24 and 2**count - 2 <= samples:
        every = np.array(list(product([False, True], repeat=count)))[1:-1]
        size = every.sum(1)
        return every, (kernel / np.bincount(size, minlength=count)[1:])[size - 1]
    pairs = samples // 2
    size = generator.choice(sizes, size=pairs, p=kernel / kernel.sum())
    order = generator.random((pairs, count)).argsort(1).argsort(1)
    some = order < size[:, None]
    return np.stack([some, ~some], 1).reshape(2 * pairs, count), np.ones(2 * pairs)


def regression(some: Rows, weights: Floats, gains: Floats, whole: float) -> Floats:
    """Return the values (segments,) that sum to `whole` and best explain the coalitions' `gains` (rows,).

    Least squares under that constraint; where the coalitions do not settle it, the solution of least norm.
    """
    count = some.shape[1]
    even = np.full(count, whole / count)
    # What is left after equal shares sums to zero: one coordinate fewer, and no constraint.
    basis = np.linalg.qr(np.column_stack([np.ones(count), np.eye(count)[:, : count - 1]]))[0][:, 1:]
    root = np.sqrt(weights)[:, None]
    left = np.linalg.lstsq(root * (some @ basis), root[:, 0] * (gains - some @ even), rcond=None)[0]
    return even + basis @ left
