"""LIME: a linear model of how the prediction changes when time-frequency segments are hidden."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from lime.lime_base import LimeBase
from numpy.typing import NDArray
from sklearn.linear_model import Ridge
from torch import Tensor

from audit.attribution import Attribution
from audit.kinds import saliency
from audit.masking import replace, segments
from audit.model import Model
from audit.randomness import SampleRng


@saliency(gradients=False)
def lime(
    model: Model,
    inputs: Tensor,
    targets: Tensor,
    rng: SampleRng,
    *,
    samples: int = 256,
    rows: int = 8,
    columns: int = 8,
    fill: str = "mean",
    kernel_width: float = 0.25,
    batch: int = 64,
) -> Attribution:
    """Return each segment's weight in a local linear model of the target's probability, (n, ...).

    A grid of `rows` by `columns` segments; `samples` neighbours per clip, each segment hidden with probability
    a half and replaced by `fill`; weights exp(-d^2 / kernel_width^2), d the cosine distance. `measures["r2"]` is the
    fit's weighted R2. Needs no gradients.
    Ribeiro, Singh and Guestrin (2016), Why Should I Trust You?
    """
    grid = segments(inputs.shape[1:], rows=rows, columns=columns).to(inputs.device)
    count = int(grid.max()) + 1
    weights, fits = [], []
    base = LimeBase(partial(_kernel, width=kernel_width))
    for index, generator in enumerate(rng.numpy()):
        present = generator.integers(0, 2, size=(samples, count))
        present[0] = 1
        one = inputs[index : index + 1]
        hidden = torch.from_numpy(present == 0).to(inputs.device)[:, grid.reshape(-1)].view(-1, *one.shape[1:])
        own = SampleRng([int(generator.integers(2**62))])
        filled = replace(one, torch.ones_like(one, dtype=torch.bool), fill, model.spec, own)
        with torch.inference_mode():
            logits = [model.logits(torch.where(part, filled, one)) for part in hidden.split(batch)]
        probabilities = torch.cat(logits).double().softmax(1)[:, targets[index]]
        weight, r2 = _fit(base, present, probabilities.cpu().numpy())
        weights.append(weight)
        fits.append(r2)
    per_segment = torch.from_numpy(np.stack(weights)).to(inputs)
    return Attribution(per_segment[:, grid.reshape(-1)].view_as(inputs), {"r2": torch.tensor(fits)})


def _fit(base: LimeBase, present: NDArray[np.int64], labels: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    count = present.shape[1]
    distances = 1.0 - np.sqrt(present.mean(axis=1))  # cosine distance to the row in which everything is present
    _, terms, r2, _ = base.explain_instance_with_data(
        present,
        labels[:, None],
        distances,
        0,
        count,
        feature_selection="none",
        model_regressor=Ridge(alpha=1.0, fit_intercept=True),
    )
    weight = np.zeros(count)
    for segment, value in terms:
        weight[segment] = value
    return weight, float(r2)


def _kernel(distances: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    # The square root is lime's own: its kernels return the square root of the Gaussian.
    return np.sqrt(np.exp(-(distances**2) / width**2))
