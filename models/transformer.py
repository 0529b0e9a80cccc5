"""A small transformer encoder for one-channel spectrograms (Vaswani et al. 2017, Attention Is All You Need)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SpectrogramTransformer(nn.Module):
    """A convolutional stem that makes one token of four columns, encoder layers, a mean over time, a linear head."""

    def __init__(self, emotions: int, bands: int, columns: int, width: int, layers: int, heads: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(1, 24, 5, stride=2, padding=2),
            nn.BatchNorm2d(24),
            nn.ReLU(),
            nn.Conv2d(24, 32, 3, stride=2, padding=1),
            nn.BatchNorm2d(32),
            nn.ReLU(),
        )
        self.tokens = nn.Linear(32 * -(-bands // 4), width)
        self.positions = nn.Parameter(0.02 * torch.randn(1, -(-columns // 4), width))
        layer = nn.TransformerEncoderLayer(
            width, heads, 2 * width, dropout=0.1, activation="gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, layers, nn.LayerNorm(width), enable_nested_tensor=False)
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(width, emotions)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (n, 1, bands, columns) to logits (n, emotions)."""
        columns = self.stem(inputs).flatten(1, 2).transpose(1, 2)
        hidden = self.encoder(self.dropout(self.tokens(columns) + self.positions))
        return self.head(self.dropout(hidden.mean(1)))


def build(
    *, emotions: int, bands: int = 128, columns: int = 94, width: int = 192, layers: int = 3, heads: int = 3
) -> nn.Module:
    """Return an untrained encoder for spectrograms of `bands` x `columns` cells; `width` is the size of a token.

    With an odd number of heads torch computes the same with gradients and without: it has no fused path for them.
    """
    return SpectrogramTransformer(emotions, bands, columns, width, layers, heads)
