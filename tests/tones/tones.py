"""A model and recordings whose every verdict is known: low tones, high tones, and low tones by another name.

The model tells a tone's pitch. It never answers with the third emotion, whose tones are those of the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from audit.data import Problem, Sample
from audit.kinds import layout, loader
from audit.model import TorchModel

if TYPE_CHECKING:
    from audit.manifest import Manifest

RATE = 8000
HERTZ = (200.0, 2000.0, 200.0)


class Pitch(nn.Module):
    """Compares a waveform's slope with its size."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, waveforms: Tensor) -> Tensor:
        slope = (waveforms[:, 1:] - waveforms[:, :-1]).square().mean(1)
        height = self.scale * torch.log(slope / waveforms.square().mean(1) / 0.2)
        return torch.stack([-height, height, torch.full_like(height, -20.0)], dim=1)


@loader()
def tones(manifest: Manifest) -> TorchModel:
    """Return the model of pitch, for any three emotions."""
    return TorchModel(Pitch().eval(), manifest.spec, manifest.emotions, name=manifest.name)


def play(sample: Sample) -> tuple[NDArray[np.float32], int]:
    """Return a quarter of a second of the sample's tone."""
    time = np.arange(RATE // 4) / RATE
    return (0.5 * np.sin(2 * np.pi * float(sample.groups["hertz"]) * time)).astype(np.float32), RATE


@layout(read=play)
def tone_clips(
    root: Path | None = None, *, clips: int = 12, names: Sequence[str] = ("calm", "angry", "sad")
) -> Iterator[Sample | Problem]:
    """Yield `clips` tones per emotion."""
    for name, hertz in zip(names, HERTZ, strict=True):
        for number in range(clips):
            yield Sample(f"{name}-{number}", None, name, {"hertz": str(hertz + number), "speaker": f"s{number % 3}"})
