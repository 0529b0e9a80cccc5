"""The insertion curve: how fast the prediction comes back as cells are shown, the most relevant first."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from audit.explained import Explained
from audit.faithfulness.removal import area, counts
from audit.kinds import faithfulness
from audit.masking import order_of_relevance, replace
from audit.randomness import SampleRng


@faithfulness()
def insertion(
    explained: Explained,
    rng: SampleRng,
    *,
    steps: int = 10,
    fill: Literal["mean", "floor", "noise", "blur", "imputed"] = "blur",
) -> Tensor:
    """Return the area under the predicted emotion's probability over the share of cells shown, (n,), 0 to 1.

    It begins with every cell replaced by `fill` (blurred, as published), and cells come back in `steps` equal parts,
    the most relevant first: the larger the area, the better the map. Petsiuk, Das and Saenko (2018), RISE.
    Raises MethodError for fewer than one step.
    """
    places = order_of_relevance(explained.values, rng)
    spec = explained.model.spec
    everything = torch.ones_like(places, dtype=torch.bool)
    nothing_shown = explained.probability(replace(explained.inputs, everything, fill, spec, rng))
    curve = [
        explained.probability(replace(explained.inputs, places >= count, fill, spec, rng))
        for count in counts(explained.inputs, steps)[:-1]
    ]
    return area([nothing_shown, *curve, explained.before])
