"""Recurrent networks without convolutions: a plain RNN (Elman 1990) and an LSTM (Hochreiter and Schmidhuber 1997)."""

from __future__ import annotations

from torch import Tensor, nn


class Recurrent(nn.Module):
    """Batch norm of each band, two recurrent layers that read from both ends, a linear head on their mean states.

    Levels are never below zero, and what is not centred soon saturates a state.
    """

    def __init__(self, reader: nn.RNNBase, emotions: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(reader.input_size)
        self.reader = reader
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * reader.hidden_size, emotions)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (n, 1, bands, frames) to logits (n, emotions)."""
        states, _ = self.reader(self.norm(inputs.squeeze(1)).transpose(1, 2))
        return self.head(self.dropout(states.mean(1)))


def build_rnn(*, emotions: int, bands: int = 64, hidden: int = 128, dropout: float = 0.3) -> nn.Module:
    """Return an untrained plain RNN for inputs of `bands` rows; `hidden` is its state's size in each direction."""
    return Recurrent(nn.RNN(bands, hidden, 2, **_read(dropout)), emotions, dropout)


def build_lstm(*, emotions: int, bands: int = 64, hidden: int = 64, dropout: float = 0.3) -> nn.Module:
    """Return an untrained LSTM for inputs of `bands` rows; `hidden` is its state's size in each direction."""
    return Recurrent(nn.LSTM(bands, hidden, 2, **_read(dropout)), emotions, dropout)


def _read(dropout: float) -> dict[str, float | bool]:
    return {"batch_first": True, "bidirectional": True, "dropout": dropout}
