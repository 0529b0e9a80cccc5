"""What the tests of loaders share: a small network, and a manifest beside its file."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from audit.model import Model

Write = Callable[..., Path]
INPUT = (
    "{sampling_rate: 8000, seconds: 0.5, representation: {melspectrogram: {n_fft: 256, hop_length: 128, n_mels: 16}}}"
)


@pytest.fixture
def cnn() -> nn.Sequential:
    """A smooth network from mel-spectrograms (n, 1, 16, 32) to three logits, with lively batch-norm statistics."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = nn.Sequential(
            nn.Conv2d(1, 4, 3, stride=2, padding=1),
            nn.BatchNorm2d(4),
            nn.Tanh(),
            nn.AvgPool2d(2),
            nn.Dropout(0.5),
            nn.Flatten(),
            nn.Linear(128, 3),
        )
        network[1].running_mean.normal_(0, 0.2)
        network[1].running_var.uniform_(0.5, 1.5)
    return network.eval().requires_grad_(False)


@pytest.fixture
def cnn_inputs() -> Tensor:
    """32 inputs of the network's size."""
    return torch.rand(32, 1, 16, 32, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def manifest_of(tmp_path: Path) -> Write:
    """Return a function that writes a manifest of three emotions beside a file, and returns its path."""

    def write(
        weights: Path, loader: str, *lines: str, input: str = INPUT, emotions: str = "[anger, fear, joy]"
    ) -> Path:
        path = tmp_path / f"{weights.name}.model.yaml"
        head = f"version: 1\nmodel: small\nloader: {loader}\nweights: {weights.name}\n"
        path.write_text(head + f"input: {input}\nemotions: {emotions}\n" + "".join(f"{line}\n" for line in lines))
        return path

    return write


@pytest.fixture
def export_onnx(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a network as ONNX, for batches of any size unless `fixed`."""

    def export(
        network: nn.Module, *examples: Tensor, name: str = "net.onnx", fixed: bool = False, **options: object
    ) -> Path:
        path = tmp_path / name
        axes = {} if fixed else {"dynamic_axes": {"input": {0: "n"}}}
        with warnings.catch_warnings():
            # The exporter warns of its successor.
            warnings.simplefilter("ignore")
            torch.onnx.export(network, examples, str(path), dynamo=False, input_names=["input"], **axes, **options)
        return path

    return export


def directional_error(answer: Callable[[Tensor], Tensor], inputs: Tensor) -> float:
    """Return how far gradients are from differences, as a share of their length, along random directions."""
    chance = torch.Generator().manual_seed(2)
    leaf = inputs.clone().requires_grad_(True)
    weights = torch.randn(answer(inputs).shape, generator=chance)
    (found,) = torch.autograd.grad((answer(leaf) * weights).sum(), leaf)
    worst = 0.0
    for _ in range(5):
        way = torch.randn(inputs.shape, generator=chance)
        # In single precision, 0.01 of a smooth network's input is where rounding and curvature are both below 1e-3.
        with torch.no_grad():
            ahead, behind = (answer(inputs + side * way).double() for side in (0.01, -0.01))
        rise = ((ahead - behind) * weights).sum() / 0.02
        worst = max(worst, float(((found.double() * way).sum() - rise).abs() / found.double().norm()))
    return worst


def answers_and_gradients_agree(model: Model, network: nn.Module, inputs: Tensor, rows: int) -> None:
    """See that a model says what the network does, every time, and that gradients of `rows` inputs are equal."""
    for count in (1, len(inputs)):
        answers = model.logits(inputs[:count])
        torch.testing.assert_close(answers, network(inputs[:count]), atol=1e-5, rtol=0)
        assert torch.equal(model.logits(inputs[:count]), answers)
    leaf, own = (inputs[:rows].clone().requires_grad_() for _ in range(2))
    model.logits(leaf)[:, 1].sum().backward()
    network(own)[:, 1].sum().backward()
    torch.testing.assert_close(leaf.grad, own.grad, atol=1e-6, rtol=0)


def endings_are_recognised(cnn: nn.Module, inputs: Tensor, load: Callable[[nn.Module], Model]) -> None:
    """See that log-softmax and sigmoid at a network's end are known, and their answers made logits."""
    for end, known in ((nn.LogSoftmax(1), "log_softmax"), (nn.Sigmoid(), "sigmoid")):
        network = nn.Sequential(cnn, end)
        model = load(network)
        assert model.activation == known
        due = network(inputs) if known == "log_softmax" else network(inputs).log()
        torch.testing.assert_close(model.logits(inputs), due, atol=1e-5, rtol=0)
