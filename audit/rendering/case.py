"""One case of an audit: a recording as it was, as perturbed and as masked, and what the model said of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from audit.data import Recording, Sample
from audit.rendering.level import Floats


@dataclass(frozen=True)
class Perturbation:
    """What was done to a recording: `values` is the perturbed input, or the perturbed waveform where `on_waveform`."""

    check: str
    method: str
    severity: float
    on_waveform: bool
    values: Floats


@dataclass(frozen=True)
class Moved:
    """What became of a map under the perturbation: `map` is the same method's of the perturbed input, and shaped as it.

    `stays` is the share of the masked cells that it would mask too, of which chance alone leaves `by_chance`. Both are
    None where the method gave no map there, and `reason` says why.
    """

    map: Floats | None
    stays: float | None
    by_chance: float
    reason: str = ""


@dataclass(frozen=True)
class Case:
    """One recording, as it was, as perturbed and as masked.

    `recording` is (samples,), of a face (channels, height, width), of a video (frames, height, width) and of one with
    sound flat; `inputs` is one input as the model takes it; `maps`
    (one attribution per saliency method) and `hidden` (True where the map of `masked_by` had the cells masked) have its
    shape. `probabilities` are the model's, in the order of its emotions, under `clean`, `perturbed` and `masked`;
    `drops` is what masking by each method took from the predicted emotion; `moved` what became of the map of
    `masked_by` under the perturbation.
    """

    sample: Sample
    why: str
    recording: Recording
    inputs: Floats
    probabilities: Mapping[str, Sequence[float]]
    perturbation: Perturbation | None = None
    maps: Mapping[str, Floats] = field(default_factory=dict)
    hidden: NDArray[np.bool_] | None = None
    masked_by: str | None = None
    drops: Mapping[str, float] = field(default_factory=dict)
    moved: Moved | None = None
