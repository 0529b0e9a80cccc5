"""ROAD: what the order of removal is worth when the gaps are filled in from what surrounds them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from audit.errors import MethodError
from audit.explained import Explained
from audit.kinds import faithfulness
from audit.masking import order_of_relevance, replace
from audit.randomness import SampleRng


@faithfulness()
def road(explained: Explained, rng: SampleRng, *, masked: Sequence[float] = (0.1, 0.3, 0.5, 0.7, 0.9)) -> Tensor:
    """Return how much more of the prediction is left without the least relevant cells than without the most, (n,).

    The mean, over the shares `masked`, of the predicted emotion's probability after removal of the least relevant
    cells less that after removal of the most relevant ones, from -1 to 1. What is removed is imputed from its
    neighbours, so that the shape of the gap tells the model nothing.
    Rong et al. (2022), A consistent and efficient evaluation strategy for attribution methods.
    Raises MethodError for shares outside 0 to 1.
    """
    if not masked or not all(0.0 < share < 1.0 for share in masked):
        raise MethodError(f"road: masked is {list(masked)}; shares between 0 and 1 are due")
    places = order_of_relevance(explained.values, rng)
    cells = explained.inputs[0].numel()
    inputs, spec = explained.inputs, explained.model.spec
    gaps = []
    for share in masked:
        count = round(share * cells)
        most = explained.probability(replace(inputs, places < count, "imputed", spec, rng))
        least = explained.probability(replace(inputs, places >= cells - count, "imputed", spec, rng))
        gaps.append(least - most)
    return torch.stack(gaps).mean(0)
