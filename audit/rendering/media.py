"""What there is to hear and see of a case, whatever its modality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from audit.data import Waveform
from audit.rendering.sound import Bits


@dataclass(frozen=True)
class Sound:
    """A clip (samples,) and how many bits it takes to keep it whole."""

    waveform: Waveform
    bits: Bits = 16


@dataclass(frozen=True)
class Axes:
    """What a picture's edges mean: first and last second, ticks of [position from the bottom, Hz], or rows and columns.

    Each is empty where it does not apply.
    """

    seconds: Sequence[float] = ()
    hertz: Sequence[Sequence[float]] = ()
    pixels: Sequence[int] = ()


@dataclass(frozen=True)
class Media:
    """What there is to hear and see of a case; None for what does not exist.

    Pictures are PNG. `maps` lie over the clean one; `masked` lacks what was hidden from the model, `only` has nothing
    else. `moved` holds the map on the `clean` and on the `perturbed` input and their `difference`, on one scale.
    `exact` says whether what shows the perturbation (the clip, the picture of a face) holds all of it.
    """

    axes: Axes
    clean: bytes | None
    perturbed: bytes | None = None
    masked: bytes | None = None
    only: bytes | None = None
    maps: Mapping[str, bytes | None] = field(default_factory=dict)
    moved: Mapping[str, bytes] = field(default_factory=dict)
    exact: bool = True
    sampling_rate: int = 0
    original_clip: Sound | None = None
    perturbed_clip: Sound | None = None
    masked_clip: Sound | None = None
    only_clip: Sound | None = None
