"""ResNet-18 for spectrograms (He et al. 2016, Deep Residual Learning for Image Recognition)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Block(nn.Module):
    """Two 3x3 convolutions with batch norm, and the input added back."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or channels != width:
            self.downsample = nn.Sequential(nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (n, channels, h, w) to (n, width, h / stride, w / stride)."""
        hidden = self.relu(self.bn1(self.conv1(inputs)))
        return self.relu(self.bn2(self.conv2(hidden)) + self.downsample(inputs))


class ResNet18(nn.Module):
    """Stem, four stages of two blocks, global average pool, linear head."""

    def __init__(self, emotions: int, width: int = 64, channels: int = 1) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(channels, width, 7, 2, 3, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2, 1),
        )
        stages, channels = [], width
        for index in range(4):
            out = width * 2**index
            stages += [Block(channels, out, 1 if index == 0 else 2), Block(out, out, 1)]
            channels = out
        self.stages = nn.Sequential(*stages)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(channels, emotions)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (n, channels, h, w) to logits (n, emotions)."""
        return self.head(torch.flatten(self.pool(self.stages(self.stem(inputs))), 1))


def build(*, emotions: int, width: int = 64, channels: int = 1) -> nn.Module:
    """Return an untrained ResNet-18; `width` is the channels of the first stage, `channels` those of the input."""
    return ResNet18(emotions, width, channels)
