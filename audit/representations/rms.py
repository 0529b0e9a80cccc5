"""The root mean square of each frame: how loud the clip is from moment to moment."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from audit.input_spec import Axes
from audit.kinds import representation
from audit.representations.spectrum import frame_seconds, framed, level_bounds, magnitude, scaled


def _bounds(*, scaling: str = "unit", **keys: object) -> tuple[float, float]:
    return (0.0, 1.0) if scaling == "amplitude" else level_bounds(scaling=scaling, **keys)  # type: ignore[arg-type]


def _axes(samples: int, sampling_rate: int, *, frame_length: int = 2048, hop_length: int = 512, **_: object) -> Axes:
    return Axes(seconds=frame_seconds(samples, sampling_rate, hop_length, frame_length))


@representation(bounds=_bounds, axes=_axes)
def rms(
    waveforms: Tensor,
    sampling_rate: int,
    *,
    frame_length: int = 2048,
    hop_length: int = 512,
    ref: float | Literal["max"] = "max",
    amin: float = 1e-10,
    top_db: float | None = 80.0,
    scaling: Literal["unit", "decibel", "amplitude"] = "unit",
) -> Tensor:
    """Return (n, 1, 1, 1 + samples // hop_length), equal to librosa's rms.

    `frame_length` and `hop_length` are in samples. `scaling`: `amplitude` leaves the root mean square, in [0, 1] for
    waveforms in [-1, 1]; `decibel` is the level of its square, `unit` maps [-top_db, 0] dB to [0, 1] and clips. `ref`
    is 0 dB: the clip's loudest frame, or a mean square; `amin` is the least mean square.
    Raises ModelError for `scaling: unit` without top_db.
    """
    energy = framed(waveforms, frame_length, hop_length).square().mean(dim=-1)[:, None, None]
    if scaling == "amplitude":
        return magnitude(energy)
    return scaled(energy, ref=ref, amin=amin, top_db=top_db, scaling=scaling)
