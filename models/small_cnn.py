"""A small convolutional network for one-channel spectrograms: it trains in minutes, and its weights are small."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SmallCNN(nn.Module):
    """Four blocks of convolution, batch norm and ReLU, the first three pooled, a global average and a linear head."""

    def __init__(self, emotions: int, width: int) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        channels = 1
        for index, out in enumerate((width, 2 * width, 3 * width, 4 * width)):
            blocks += [nn.Conv2d(channels, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU()]
            if index < 3:
                blocks.append(nn.MaxPool2d(2))
            channels = out
        self.blocks = nn.Sequential(*blocks)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(channels, emotions)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (n, 1, h, w), h and w at least 8, to logits (n, emotions)."""
        return self.head(torch.flatten(self.pool(self.blocks(inputs)), 1))


def build(*, emotions: int, width: int = 16) -> nn.Module:
    """Return an untrained network; `width` is the channels of the first block (16: 46,000 parameters)."""
    return SmallCNN(emotions, width)
