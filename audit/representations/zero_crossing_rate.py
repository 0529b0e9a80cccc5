"""How often the waveform changes its sign in each frame."""

from __future__ import annotations

import torch
from torch import Tensor

from audit.kinds import representation
from audit.representations.spectrum import frame_axes, framed


def _bounds(**_: object) -> tuple[float, float]:
    return 0.0, 1.0


@representation(bounds=_bounds, axes=frame_axes, gradients=False)
def zero_crossing_rate(
    waveforms: Tensor,
    sampling_rate: int,
    *,
    frame_length: int = 2048,
    hop_length: int = 512,
    threshold: float = 1e-10,
    zero_pos: bool = True,
) -> Tensor:
    """Return (n, 1, 1, 1 + samples // hop_length), equal to librosa's zero_crossing_rate: a share in [0, 1].

    Counted is each sample whose sign is not that of the one before it in the frame. Amplitudes up to `threshold` are 0,
    which has the positive sign where `zero_pos`, else one of its own. No gradients pass: it is a count.
    Kedem (1986), Spectral analysis and discrimination by zero-crossings.
    """
    frames = framed(waveforms.detach(), frame_length, hop_length, pad_mode="replicate")
    frames = torch.where(frames.abs() <= threshold, 0.0, frames)
    signs = torch.signbit(frames) if zero_pos else torch.sign(frames)
    crossings = (signs[..., 1:] != signs[..., :-1]).sum(dim=-1)
    return (crossings.to(waveforms.dtype) / frame_length)[:, None, None]
