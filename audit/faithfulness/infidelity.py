"""Infidelity: how far a map is from telling what hiding parts of the input takes from the prediction."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from audit.errors import MethodError
from audit.explained import Explained
from audit.kinds import faithfulness
from audit.masking import replace, segments
from audit.randomness import SampleRng


@faithfulness(higher=False)
def infidelity(
    explained: Explained,
    rng: SampleRng,
    *,
    samples: int = 32,
    fill: Literal["mean", "floor", "noise", "blur", "imputed"] = "mean",
) -> Tensor:
    """Return the mean squared gap between the relevance of what is hidden and what hiding it takes, (n,), 0 or more.

    `samples` times every segment of an 8 by 8 grid is hidden with probability a half. A map's unit is its own, so the
    maps are scaled to fit as well as they can, each by its own factor; one that says nothing scores the mean squared
    drop itself. Yeh et al. (2019), On the (in)fidelity and sensitivity of explanations, for relevance that already
    holds the input's share, with the optimal scaling factor of its section 2.
    Raises MethodError for fewer than two samples.
    """
    if samples < 2:
        raise MethodError(f"infidelity: samples is {samples}; at least 2 are due")
    inputs, relevance = explained.inputs, explained.values.double()
    grid = segments(inputs.shape[1:]).to(inputs.device)
    told, seen = [], []
    for _ in range(samples):
        drawn = rng.uniform(inputs.new_empty(len(inputs), int(grid.max()) + 1)) < 0.5
        hidden = drawn[:, grid.reshape(-1)].view_as(inputs)
        told.append((relevance * hidden).flatten(1).sum(1).cpu())
        filled = replace(inputs, hidden, fill, explained.model.spec, rng)
        seen.append(explained.before - explained.probability(filled))
    sums, drops = torch.stack(told), torch.stack(seen)
    power = sums.square().sum(0)
    scale = (sums * drops).sum(0) / power.clamp_min(torch.finfo(power.dtype).tiny)
    return (scale * sums - drops).square().mean(0)
