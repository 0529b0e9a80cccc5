"""How far the pitches of a clip are from those of concert pitch."""

from __future__ import annotations

import warnings
from typing import Any

import librosa


def tuning_of(*, sampling_rate: int, bins_per_octave: int, **heard: Any) -> float:
    """Return the tuning in fractions of a bin, by librosa's estimate_tuning of y or S; 0 where it has no pitch."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Trying to estimate tuning from empty frequency set")
        return float(librosa.estimate_tuning(sr=sampling_rate, bins_per_octave=bins_per_octave, **heard))
