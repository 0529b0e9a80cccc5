"""A convolutional network that hears the waveform itself."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class WaveformCNN(nn.Module):
    """Four pooled convolutions in time of 32 to 256 channels with batch norm, averaged, and a dense layer of 512.

    The first filters are long and far apart, as band-pass filters are. Dai et al. (2017), Very deep convolutional
    neural networks for raw waveforms.
    """

    def __init__(self, emotions: int, dropout: float) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        channels = 1
        for out, size, stride in ((32, 80, 4), (64, 9, 1), (128, 9, 1), (256, 9, 1)):
            blocks += [nn.Conv1d(channels, out, size, stride, size // 2, bias=False), nn.BatchNorm1d(out), nn.ReLU()]
            blocks.append(nn.MaxPool1d(4))
            channels = out
        self.blocks = nn.Sequential(*blocks)
        self.pool = nn.AdaptiveAvgPool1d(1)
        self.dense = nn.Sequential(nn.Dropout(dropout), nn.Linear(channels, 512), nn.ReLU(), nn.Dropout(dropout))
        self.head = nn.Linear(512, emotions)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map waveforms (n, samples) to logits (n, emotions)."""
        return self.head(self.dense(torch.flatten(self.pool(self.blocks(inputs.unsqueeze(1))), 1)))


def build(*, emotions: int, dropout: float = 0.3) -> nn.Module:
    """Return an untrained network (530,000 parameters)."""
    return WaveformCNN(emotions, dropout)
