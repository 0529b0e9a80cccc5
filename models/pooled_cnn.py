"""Three pooled convolutions and a global average: the plainest network of spectrograms in the comparison."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class PooledCNN(nn.Module):
    """Convolutions of 32, 64 and 128 channels, each pooled and dropped out, a global average, a dense layer of 128."""

    def __init__(self, emotions: int, dropout: float) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        channels = 1
        for out in (32, 64, 128):
            blocks += [nn.Conv2d(channels, out, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(dropout)]
            channels = out
        self.blocks = nn.Sequential(*blocks)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.dense = nn.Sequential(nn.Linear(channels, 128), nn.ReLU(), nn.Dropout(dropout))
        self.head = nn.Linear(128, emotions)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (n, 1, h, w), h and w at least 8, to logits (n, emotions)."""
        return self.head(self.dense(torch.flatten(self.pool(self.blocks(inputs)), 1)))


def build(*, emotions: int, dropout: float = 0.3) -> nn.Module:
    """Return an untrained network (110,000 parameters)."""
    return PooledCNN(emotions, dropout)
