"""A network of two convolutions for small grey pictures."""

from __future__ import annotations

from torch import nn


def build(*, emotions: int, channels: int = 1) -> nn.Module:
    """Return the network; inputs (n, channels, 32, 32)."""
    return nn.Sequential(
        nn.Conv2d(channels, 8, 5, padding=2, stride=2),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(4),
        nn.Flatten(),
        nn.Linear(256, emotions),
    )
