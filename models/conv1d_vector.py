"""A network that convolves along one short vector of a clip's features, in their order."""

from __future__ import annotations

from torch import Tensor, nn

BLOCKS = ((64, 64), (128, 128, 128), (256,))
"""The channels of its convolutions, block by block; after all blocks but the last it drops out and pools."""
SIZE = 3


class Conv1dVector(nn.Module):
    """Six convolutions in three blocks, the first two pooled by two, and a linear head on every place's channels."""

    def __init__(self, emotions: int, features: int, dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 1
        for index, block in enumerate(BLOCKS):
            for out in block:
                layers += [nn.Conv1d(channels, out, SIZE, padding=SIZE // 2), nn.ReLU()]
                channels = out
            if index < len(BLOCKS) - 1:
                layers += [nn.Dropout(dropout), nn.MaxPool1d(2)]
        self.features = features
        self.blocks = nn.Sequential(*layers)
        self.head = nn.Linear(channels * (features // 4), emotions)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (n, 1, features, 1) to logits (n, emotions)."""
        return self.head(self.blocks(inputs.squeeze(3)).flatten(1))


def build(*, emotions: int, features: int = 52, dropout: float = 0.25) -> nn.Module:
    """Return an untrained network for vectors of `features` numbers."""
    return Conv1dVector(emotions, features, dropout)
