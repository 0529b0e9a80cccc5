"""Two networks for grey pictures: convolutions read by dense layers, or row by row by LSTMs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class FaceCNN(nn.Module):
    """Four pooled convolutions with batch norm, and dense layers of 256 and 512 before the head."""

    def __init__(self, emotions: int, side: int, dropout: float) -> None:
        super().__init__()
        self.blocks = convolutions(((64, 3), (128, 5), (512, 3), (512, 3)), dropout)
        dense: list[nn.Module] = []
        features = 512 * (side // 16) ** 2
        for out in (256, 512):
            dense += [nn.Linear(features, out), nn.BatchNorm1d(out), nn.ReLU(), nn.Dropout(dropout)]
            features = out
        self.dense = nn.Sequential(*dense)
        self.head = nn.Linear(features, emotions)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (n, 1, side, side) to logits (n, emotions)."""
        return self.head(self.dense(torch.flatten(self.blocks(inputs), 1)))


class FaceCNNLSTM(nn.Module):
    """Four pooled convolutions with batch norm, two LSTMs that read the rows of their map, a dense layer of 512."""

    def __init__(self, emotions: int, side: int, dropout: float) -> None:
        super().__init__()
        self.blocks = convolutions(((32, 3), (64, 3), (512, 3), (512, 3)), dropout)
        self.rows = nn.LSTM(512 * (side // 16), 64, batch_first=True)
        self.states = nn.LSTM(64, 32, batch_first=True)
        self.dense = nn.Sequential(nn.Linear(32, 512), nn.ReLU(), nn.Dropout(dropout))
        self.head = nn.Linear(512, emotions)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (n, 1, side, side) to logits (n, emotions)."""
        states, _ = self.rows(self.blocks(inputs).transpose(1, 2).flatten(2))
        states, _ = self.states(states)
        return self.head(self.dense(states[:, -1]))


def convolutions(blocks: Sequence[tuple[int, int]], dropout: float) -> nn.Sequential:
    """Return convolutions of so many channels and such a size, each normalised, pooled by two, and dropped out."""
    layers: list[nn.Module] = []
    channels = 1
    for out, size in blocks:
        layers += [nn.Conv2d(channels, out, size, padding=size // 2), nn.BatchNorm2d(out), nn.ReLU()]
        layers += [nn.MaxPool2d(2), nn.Dropout(dropout)]
        channels = out
    return nn.Sequential(*layers)


def build(*, emotions: int, side: int = 48, dropout: float = 0.25) -> nn.Module:
    """Return an untrained network for pictures of `side` x `side` pixels, a multiple of 16.

    Of seven emotions and 48 pixels it has 4,474,759 weights, and 4,478,727 numbers with the means and variances of its
    normalisation, which Keras counts among the parameters.
    """
    return FaceCNN(emotions, side, dropout)


def build_lstm(*, emotions: int, side: int = 48, dropout: float = 0.25) -> nn.Module:
    """Return an untrained network with LSTMs for pictures of `side` x `side` pixels, a multiple of 16."""
    return FaceCNNLSTM(emotions, side, dropout)
