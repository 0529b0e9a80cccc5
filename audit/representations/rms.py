"""The root mean square of each frame: how loud the clip is from moment to moment."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from audit.kinds import representation
from audit.representations.spectrum import frame_axes, framed, level_bounds, magnitude, scaled


def _bounds(*, scaling: str = "unit", **keys: object) -> tuple[float, float]:
    return (0.0, 1.0) if scaling == "amplitude" else level_bounds(scaling=scaling, **keys)  # type: ignore[arg-type]


@representation(bounds=_bounds, axes=frame_axes)
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
