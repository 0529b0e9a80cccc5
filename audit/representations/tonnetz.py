"""The pitch classes' place among fifths and thirds: six numbers for every frame."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from audit.kinds import representation
from audit.representations.chroma_cqt import _axes, chroma_cqt
from audit.representations.spectrum import normalised

# Of a fifth, a minor and a major third: how often it goes round in 12 semitones, and its radius.
TURNS = ((7 / 6, 1.0), (3 / 2, 1.0), (2 / 3, 0.5))


def _bounds(**_: object) -> tuple[float, float]:
    return -1.0, 1.0


@representation(bounds=_bounds, axes=_axes)
def tonnetz(
    waveforms: Tensor,
    sampling_rate: int,
    *,
    hop_length: int = 512,
    fmin: float | None = None,
    tuning: float | None = 0.0,
    n_chroma: int = 12,
    n_octaves: int = 7,
    bins_per_octave: int = 36,
    threshold: float = 0.0,
) -> Tensor:
    """Return (n, 1, 6, 1 + samples // hop_length), equal to librosa's tonnetz, in [-1, 1].

    Rows are x and y on the circles of fifths, minor thirds and major thirds (these of radius 1/2) of the mean of the
    pitch classes of `chroma_cqt`, whose parameters these are. Frames of digital silence are 0.
    Harte, Sandler and Gasser (2006), Detecting harmonic change in musical audio.
    Raises ModelError where the filters reach beyond half the sampling rate.
    """
    classes = chroma_cqt(
        waveforms,
        sampling_rate,
        hop_length=hop_length,
        fmin=fmin,
        tuning=tuning,
        n_chroma=n_chroma,
        n_octaves=n_octaves,
        bins_per_octave=bins_per_octave,
        threshold=threshold,
    )
    semitones = np.arange(n_chroma) * 12 / n_chroma
    places = [radius * turn(np.pi * times * semitones) for times, radius in TURNS for turn in (np.sin, np.cos)]
    return torch.matmul(torch.from_numpy(np.stack(places)).to(classes), normalised(classes, 1.0))
