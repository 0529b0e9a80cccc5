"""A residual CNN that looks at every frame of a face, and a GRU that reads the frames in their order."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn


class Residual(nn.Module):
    """Two 3x3 convolutions with batch norm around a shortcut, pooled to half the size. He et al. (2016)."""

    def __init__(self, channels: int, out: int, dropout: float) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2d(channels, out, 3, padding=1, bias=False),
            nn.BatchNorm2d(out),
            nn.ReLU(),
            nn.Conv2d(out, out, 3, padding=1, bias=False),
            nn.BatchNorm2d(out),
        )
        self.shortcut = nn.Sequential(nn.Conv2d(channels, out, 1, bias=False), nn.BatchNorm2d(out))
        self.ending = nn.Sequential(nn.ReLU(), nn.MaxPool2d(2), nn.Dropout2d(dropout))

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (n, channels, rows, columns) to (n, out, rows / 2, columns / 2)."""
        return self.ending(self.convolutions(inputs) + self.shortcut(inputs))


class VideoGRU(nn.Module):
    """Four residual blocks per frame, their means, a bidirectional GRU over frames, the mean of its states."""

    def __init__(self, emotions: int, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        sizes = [1, *(width * factor for factor in (1, 2, 4, 6))]
        self.blocks = nn.Sequential(*(Residual(channels, out, dropout / 2) for channels, out in pairwise(sizes)))
        self.gru = nn.GRU(sizes[-1], hidden, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * hidden, emotions)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (n, frames, height, width) to logits (n, emotions); height and width are 16 or more."""
        n, frames, height, width = inputs.shape
        maps = self.blocks(inputs.reshape(n * frames, 1, height, width))
        states, _ = self.gru(maps.mean((2, 3)).view(n, frames, -1))
        return self.head(self.dropout(torch.mean(states, 1)))


def build(*, emotions: int, width: int = 24, hidden: int = 96, dropout: float = 0.3) -> nn.Module:
    """Return an untrained network for any number of frames; `width` is the channels of the first block."""
    return VideoGRU(emotions, width, hidden, dropout)
