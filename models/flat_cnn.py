"""A small convolutional network for grey pictures whose last layer knows where in the picture things are."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class FlatCNN(nn.Module):
    """Three blocks of convolution, batch norm, ReLU and max-pooling, then a linear layer on every place's features."""

    def __init__(self, emotions: int, side: int, width: int) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        channels = 1
        for out in (width, 2 * width, 4 * width):
            blocks += [nn.Conv2d(channels, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU()]
            blocks.append(nn.MaxPool2d(2))
            channels = out
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(channels * (side // 8) ** 2, emotions)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (n, 1, side, side) to logits (n, emotions)."""
        return self.head(torch.flatten(self.blocks(inputs), 1))


def build(*, emotions: int, side: int = 48, width: int = 12) -> nn.Module:
    """Return an untrained network for pictures of `side` x `side` pixels; `width` is the first block's channels."""
    return FlatCNN(emotions, side, width)
