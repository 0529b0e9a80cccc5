"""Convolutions along time over all bands at once, and a bidirectional LSTM that reads what they find."""

from __future__ import annotations

from torch import Tensor, nn


class Conv1dRNN(nn.Module):
    """Two pooled convolutions in time, a bidirectional LSTM, and a linear head on the mean of its states."""

    def __init__(self, emotions: int, bands: int, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        channels = bands
        for out in (width, 2 * width):
            blocks += [nn.Conv1d(channels, out, 5, padding=2), nn.BatchNorm1d(out), nn.ReLU(), nn.MaxPool1d(2)]
            channels = out
        self.blocks = nn.Sequential(*blocks)
        self.lstm = nn.LSTM(channels, hidden, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * hidden, emotions)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (n, 1, bands, frames) to logits (n, emotions)."""
        read, _ = self.lstm(self.blocks(inputs.squeeze(1)).transpose(1, 2))
        return self.head(self.dropout(read.mean(1)))


def build(*, emotions: int, bands: int = 128, width: int = 64, hidden: int = 96, dropout: float = 0.3) -> nn.Module:
    """Return an untrained network for inputs of `bands` rows (260,000 parameters)."""
    return Conv1dRNN(emotions, bands, width, hidden, dropout)
