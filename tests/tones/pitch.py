"""A model that tells high tones from low ones, and never answers with its third emotion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from audit.kinds import loader
from audit.model import TorchModel

if TYPE_CHECKING:
    from audit.manifest import Manifest


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
def pitch(manifest: Manifest) -> TorchModel:
    """Return the model of pitch, for any three emotions."""
    return TorchModel(Pitch().eval(), manifest.spec, manifest.emotions, name=manifest.name)
