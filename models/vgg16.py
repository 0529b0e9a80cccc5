"""VGG16 for one-channel inputs (Simonyan and Zisserman 2015, Very deep convolutional networks), with batch norm."""

from __future__ import annotations

import torch
from torch import Tensor, nn

STAGES = ((1, 2), (2, 2), (4, 3), (8, 3), (8, 3))
"""Of every stage: how many times the width its channels are, and how many convolutions it has."""


class VGG16(nn.Module):
    """Thirteen 3x3 convolutions in five pooled stages, a global average pool, and three dense layers."""

    def __init__(self, emotions: int, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        channels = 1
        for factor, convolutions in STAGES:
            for _ in range(convolutions):
                out = factor * width
                stages += [nn.Conv2d(channels, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU()]
                channels = out
            stages.append(nn.MaxPool2d(2, ceil_mode=True))
        self.stages = nn.Sequential(*stages)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.dense = nn.Sequential(
            *(nn.Linear(channels, hidden), nn.ReLU(), nn.Dropout(dropout)),
            *(nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(dropout)),
        )
        self.head = nn.Linear(hidden, emotions)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (n, 1, h, w) to logits (n, emotions)."""
        return self.head(self.dense(torch.flatten(self.pool(self.stages(inputs)), 1)))


def build(*, emotions: int, width: int = 16, hidden: int = 256, dropout: float = 0.3) -> nn.Module:
    """Return an untrained VGG16; `width` is the channels of the first stage, 64 in the paper."""
    return VGG16(emotions, width, hidden, dropout)
