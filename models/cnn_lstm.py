"""A CNN-LSTM for grey pictures: convolutions, and an LSTM that reads their feature map row by row."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class CNNLSTM(nn.Module):
    """Six convolutions in four blocks, the first three pooled, a bidirectional LSTM over rows, and a linear head."""

    def __init__(self, emotions: int, width: int, hidden: int, side: int) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        channels = 1
        for index, convolutions in enumerate((1, 2, 2, 1)):
            out = width * 2**index
            for _ in range(convolutions):
                blocks += [nn.Conv2d(channels, out, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(out)]
                channels = out
            if index < 3:
                blocks.append(nn.MaxPool2d(2))
        self.blocks = nn.Sequential(*blocks)
        self.lstm = nn.LSTM(channels * (side // 8), hidden, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(0.25)
        self.head = nn.Linear(2 * hidden, emotions)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (n, 1, side, side) to logits (n, emotions)."""
        rows = self.dropout(self.blocks(inputs).transpose(1, 2).flatten(2))
        _, (states, _) = self.lstm(rows)
        return self.head(self.dropout(torch.cat([states[0], states[1]], dim=1)))


def build(*, emotions: int, width: int = 24, hidden: int = 128, side: int = 48) -> nn.Module:
    """Return an untrained network for pictures of `side` x `side` pixels, a multiple of 8.

    `width` is the channels of the first block, `hidden` the size of the LSTM's state in each direction.
    """
    return CNNLSTM(emotions, width, hidden, side)
