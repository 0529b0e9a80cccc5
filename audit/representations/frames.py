"""A video's frames as the model's input."""

from __future__ import annotations

from torch import Tensor

from audit.kinds import representation


def _bounds(**_: object) -> tuple[float, float]:
    return 0.0, 1.0


@representation(bounds=_bounds, modality="video")
def frames(videos: Tensor) -> Tensor:
    """Return videos (n, frames, height, width) unchanged; values in [0, 1]."""
    return videos
