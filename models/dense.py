"""Dense layers that every frame of a spectrogram passes alone, and a head on their mean and deviation over time."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class FrameDense(nn.Module):
    """Three dense layers with batch norm for each frame and its two neighbours, statistics over time, and a dense head.

    Snyder et al. (2018), X-vectors: robust DNN embeddings, for the statistics.
    """

    def __init__(self, emotions: int, bands: int, width: int, dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        features = 3 * bands
        for _ in range(3):
            layers += [nn.Linear(features, width, bias=False), nn.BatchNorm1d(width), nn.ReLU()]
            features = width
        self.layers = nn.Sequential(*layers)
        self.dense = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * width, width), nn.ReLU(), nn.Dropout(dropout))
        self.head = nn.Linear(width, emotions)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (n, 1, bands, frames), at least three frames, to logits (n, emotions)."""
        frames = inputs.squeeze(1).transpose(1, 2)
        beside = torch.cat([frames[:, :-2], frames[:, 1:-1], frames[:, 2:]], dim=2)
        read = self.layers(beside.flatten(0, 1)).unflatten(0, beside.shape[:2])
        mean = read.mean(1)
        spread = (read - mean[:, None]).square().mean(1).add(1e-5).sqrt()
        return self.head(self.dense(torch.cat([mean, spread], dim=1)))


def build(*, emotions: int, bands: int = 64, width: int = 160, dropout: float = 0.3) -> nn.Module:
    """Return an untrained network for inputs of `bands` rows; `width` is the units of every layer."""
    return FrameDense(emotions, bands, width, dropout)
