"""The probability drop: what hiding the cells a map calls relevant takes from the predicted emotion."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from audit.errors import MethodError
from audit.input_spec import InputSpec
from audit.kinds import faithfulness
from audit.masking import replace, top_cells
from audit.randomness import SampleRng


@faithfulness()
def probability_drop(
    inputs: Tensor,
    attribution: Tensor,
    spec: InputSpec,
    rng: SampleRng,
    *,
    masked: float = 0.2,
    fill: Literal["mean", "floor", "noise", "blur"] = "mean",
) -> Tensor:
    """Return inputs (n, ...) with the most relevant share `masked` of their cells replaced by `fill`.

    The score is p(predicted emotion | input) - p(predicted emotion | masked input); the driver predicts and scores.
    """
    if not 0.0 < masked < 1.0:
        raise MethodError(f"probability_drop: masked is {masked}; a share between 0 and 1 is due (0.2 is 20 %)")
    return replace(inputs, top_cells(attribution, masked, rng), fill, spec, rng)
