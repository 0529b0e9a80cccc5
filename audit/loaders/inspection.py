"""What a model's file says of itself, before anyone has written a manifest for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Dimensions = tuple[int | None, ...]


@dataclass(frozen=True)
class Inspection:
    """What can be read from a file of weights.

    `what` is it in words. `outputs` is how many there are, `labels` their names in their order where it names them,
    `shape` that of one input without the batch, None for a dimension that is free. `input` and `lines` are lines of the
    manifest's `input` and of the manifest itself that the file makes certain, such as a sampling rate; None for a line
    that must not be there. `source` is what a function of the user's own must do where the file alone is no model.
    """

    what: str
    outputs: int | None = None
    labels: tuple[str, ...] = ()
    shape: Dimensions | None = None
    modality: Literal["speech", "face"] | None = None
    input: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[str, Any] = field(default_factory=dict)
    source: str | None = None
