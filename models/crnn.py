"""A convolutional-recurrent network of log-mel energies (Choi et al. 2017, Convolutional recurrent neural networks)."""

from __future__ import annotations

from torch import Tensor, nn


class CRNN(nn.Module):
    """Four convolutions that pool bands more than time, a bidirectional GRU over frames, and the mean of its states."""

    def __init__(self, emotions: int, bands: int, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        channels = 1
        for factor, pool in ((1, (2, 2)), (2, (2, 2)), (3, (4, 1)), (4, (4, 1))):
            out = factor * width
            blocks += [nn.Conv2d(channels, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU()]
            blocks += [nn.MaxPool2d(pool), nn.Dropout2d(dropout / 2)]
            channels = out
        self.blocks = nn.Sequential(*blocks)
        self.gru = nn.GRU(channels * (bands // 64), hidden, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * hidden, emotions)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (n, 1, bands, frames) to logits (n, emotions)."""
        frames = self.blocks(inputs).flatten(1, 2).transpose(1, 2)
        states, _ = self.gru(frames)
        return self.head(self.dropout(states.mean(1)))


def build(*, emotions: int, bands: int = 64, width: int = 32, hidden: int = 128, dropout: float = 0.3) -> nn.Module:
    """Return an untrained network for inputs of `bands` rows, a multiple of 64."""
    return CRNN(emotions, bands, width, hidden, dropout)
