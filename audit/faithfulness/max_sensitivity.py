"""Max-sensitivity: how far a map moves when the input moves by less than anyone would notice."""

from __future__ import annotations

import torch
from torch import Tensor

from audit.errors import MethodError
from audit.explained import Explained
from audit.kinds import faithfulness
from audit.randomness import SampleRng


@faithfulness(higher=False, chance=False)
def max_sensitivity(explained: Explained, rng: SampleRng, *, samples: int = 5, radius: float = 0.02) -> Tensor:
    """Return the largest relative change of the map over `samples` inputs within `radius`, (n,), 0 or more.

    ||map(x + d) - map(x)|| / ||map(x)||, every cell of d uniform within `radius` (a share of each input's own range);
    the method draws its random numbers as for the input itself. A map that stays has no sensitivity, 0; one of zeros
    that turns into another changes as a whole, 1.
    Yeh et al. (2019), On the (in)fidelity and sensitivity of explanations.
    Raises MethodError for no samples, or a radius that is not above 0.
    """
    if samples < 1 or not radius > 0:
        raise MethodError(f"max_sensitivity: samples {samples}, radius {radius}; at least 1, and above 0, are due")
    inputs, own = explained.inputs, explained.values.double()
    flat = inputs.flatten(1)
    reach = radius * (flat.amax(1) - flat.amin(1)).view(-1, *[1] * (inputs.ndim - 1))
    length, least = own.flatten(1).norm(dim=1), torch.finfo(own.dtype).tiny
    largest = torch.zeros_like(length)
    for _ in range(samples):
        near = explained.model.spec.clip(inputs + reach * (2.0 * rng.uniform(inputs) - 1.0))
        moved = (explained.explain(explained.model, near, 0) - own).flatten(1).norm(dim=1)
        whole = torch.where(length > least, length, moved).clamp_min(least)
        largest = torch.maximum(largest, moved / whole)
    return largest
