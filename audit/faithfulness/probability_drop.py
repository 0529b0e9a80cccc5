"""The probability drop: what hiding the cells a map calls relevant takes from the predicted emotion."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from audit.errors import MethodError
from audit.explained import Explained
from audit.kinds import faithfulness
from audit.masking import replace, top_cells
from audit.randomness import SampleRng


@faithfulness()
def probability_drop(
    explained: Explained,
    rng: SampleRng,
    *,
    masked: float = 0.2,
    fill: Literal["mean", "floor", "noise", "blur", "imputed"] = "mean",
) -> Tensor:
    """Return p(predicted emotion | input) - p(predicted emotion | masked input), (n,), from -1 to 1.

    Masked are the most relevant share `masked` of the cells, replaced by `fill`.
    Raises MethodError for a share outside 0 to 1.
    """
    if not 0.0 < masked < 1.0:
        raise MethodError(f"probability_drop: masked is {masked}; a share between 0 and 1 is due (0.2 is 20 %)")
    hidden = top_cells(explained.values, masked, rng)
    return explained.before - explained.probability(replace(explained.inputs, hidden, fill, explained.model.spec, rng))
