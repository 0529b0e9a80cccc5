"""What a saliency method returns: one relevance per input cell, and what it measured about each map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor


@dataclass(frozen=True)
class Attribution:
    """`values` has the inputs' shape, larger meaning more relevant to the target emotion.

    `measures` holds one number per map, (n,), by name: `conservation` for LRP, `r2` for LIME.
    """

    values: Tensor
    measures: Mapping[str, Tensor] = field(default_factory=dict)
