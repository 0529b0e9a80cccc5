"""The deletion curve: how fast the prediction falls as cells go, the most relevant first."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from audit.explained import Explained
from audit.faithfulness.removal import area, counts
from audit.kinds import faithfulness
from audit.masking import order_of_relevance, replace
from audit.randomness import SampleRng


@faithfulness(higher=False)
def deletion(
    explained: Explained,
    rng: SampleRng,
    *,
    steps: int = 10,
    fill: Literal["mean", "floor", "noise", "blur", "imputed"] = "mean",
) -> Tensor:
    """Return the area under the predicted emotion's probability over the share of cells hidden, (n,), 0 to 1.

    Cells go in `steps` equal parts, the most relevant first, until all are replaced by `fill`: the smaller the area,
    the better the map. Petsiuk, Das and Saenko (2018), RISE.
    Raises MethodError for fewer than one step.
    """
    places = order_of_relevance(explained.values, rng)
    spec = explained.model.spec
    curve = [
        explained.probability(replace(explained.inputs, places < count, fill, spec, rng))
        for count in counts(explained.inputs, steps)
    ]
    return area([explained.before, *curve])
