"""Models of two emotions whose margin is a weighted sum of the cells, so that the worst of every ball is known."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from audit.input_spec import FaceInput, InputSpec, SpeechInput
from audit.model import TorchModel

WAVE = SpeechInput(16000, 1.0, "waveform")
FACE = FaceInput(8, 8)
TWO = ("anger", "fear")


class Linear(nn.Module):
    """Two logits whose margin is a weighted sum of the cells."""

    def __init__(self, weights: Tensor, bias: float) -> None:
        super().__init__()
        self.weights, self.bias = nn.Parameter(weights), bias

    def forward(self, inputs: Tensor) -> Tensor:
        margin = inputs.flatten(1) @ self.weights.flatten() + self.bias
        return torch.stack([margin, torch.zeros_like(margin)], dim=1)


def linear(shape: tuple[int, ...], bias: float = 100.0, spec: InputSpec = WAVE) -> TorchModel:
    """Return such a model of inputs of this shape, always the same."""
    weights = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    return TorchModel(Linear(weights, bias).requires_grad_(False).eval(), spec, TWO)


def cells(*shape: int, seed: int = 1) -> Tensor:
    """Return uniform values in [0, 1)."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def recognised(model: TorchModel, inputs: Tensor, truths: Tensor) -> int:
    """Return how many inputs the model recognises."""
    with torch.no_grad():
        return int((model.logits(inputs).argmax(1) == truths).sum())
