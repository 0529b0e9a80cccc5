"""Convolutions along time over all bands at once, without anything recurrent after them."""

from __future__ import annotations

from torch import Tensor, nn


class Conv1d(nn.Module):
    """Three pooled convolutions in time with batch norm, a fourth, their mean over time, and a linear head."""

    def __init__(self, emotions: int, bands: int, width: int, dropout: float) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        channels = bands
        for index in range(4):
            blocks += [nn.Conv1d(channels, width, 5, padding=2, bias=False), nn.BatchNorm1d(width), nn.ReLU()]
            if index < 3:
                blocks.append(nn.MaxPool1d(2))
            channels = width
        self.blocks = nn.Sequential(*blocks)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, emotions)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (n, 1, bands, frames), at least eight frames, to logits (n, emotions)."""
        return self.head(self.dropout(self.blocks(inputs.squeeze(1)).mean(2)))


def build(*, emotions: int, bands: int = 64, width: int = 96, dropout: float = 0.3) -> nn.Module:
    """Return an untrained network for inputs of `bands` rows; `width` is the channels of every convolution."""
    return Conv1d(emotions, bands, width, dropout)
