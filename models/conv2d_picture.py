"""A network that sees a spectrogram as a picture in colours, as it is drawn for people."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

SIDE = 160
"""Pixels of the picture: halved five times, 5 are left."""
CHANNELS = (8, 16, 32, 64, 96)


class Rendered(nn.Module):
    """A spectrogram drawn with MATLAB's colour map "jet", then resized: blue is quiet, green in between, red loud.

    Each colour is a trapezium of the level, so that gradients pass. Three copies of a grey picture would hold nothing
    that one does not; this is what a network of colour pictures is given, and nothing of it is learned.
    """

    peaks: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("peaks", torch.tensor([3.0, 2.0, 1.0]).view(1, 3, 1, 1), persistent=False)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map levels in [0, 1] (n, 1, bands, frames) to pictures in [0, 1] (n, 3, SIDE, SIDE)."""
        colours = (1.5 - (4.0 * inputs - self.peaks).abs()).clamp(0.0, 1.0)
        # Rows of a spectrogram rise, those of a picture fall; a convolution does not mind.
        return functional.interpolate(colours, size=(SIDE, SIDE), mode="bilinear", align_corners=False)


class Conv2dPicture(nn.Module):
    """Five pooled convolutions of 8 to 96 channels, and a linear head on the 5 x 5 places that are left."""

    def __init__(self, emotions: int, dropout: float) -> None:
        super().__init__()
        self.rendered = Rendered()
        blocks: list[nn.Module] = []
        channels = 3
        for out in CHANNELS:
            blocks += [nn.Conv2d(channels, out, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
            channels = out
        self.blocks = nn.Sequential(*blocks)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(channels * (SIDE // 2 ** len(CHANNELS)) ** 2, emotions)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (n, 1, bands, frames), values in [0, 1], to logits (n, emotions)."""
        return self.head(self.dropout(self.blocks(self.rendered(inputs)).flatten(1)))


def build(*, emotions: int, dropout: float = 0.25) -> nn.Module:
    """Return an untrained network for spectrograms of any size."""
    return Conv2dPicture(emotions, dropout)
