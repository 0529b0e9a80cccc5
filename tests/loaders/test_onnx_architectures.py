"""Networks of every common kind, as their exporters write them: converted, with the source network's gradients."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from audit.manifest import load_model
from audit.model import TorchModel
from audit.randomness import SampleRng
from audit.saliency.gradcam import gradcam
from audit.saliency.lrp.lrp import lrp

from .conftest import Write

WAVES = "{sampling_rate: 1000, seconds: 0.2, representation: waveform}"
NHWC = (
    "{sampling_rate: 8000, seconds: 0.5, order: nft1, "
    "representation: {melspectrogram: {n_fft: 256, hop_length: 128, n_mels: 16}}}"
)


class Recurrent(nn.Module):
    """From a waveform (n, 200) through convolutions and a bidirectional LSTM."""

    def __init__(self) -> None:
        super().__init__()
        self.front = nn.Sequential(nn.Conv1d(1, 8, 9, stride=4, padding=4), nn.BatchNorm1d(8), nn.GELU())
        self.lstm = nn.LSTM(8, 6, num_layers=2, bidirectional=True, batch_first=True)
        self.head = nn.Linear(12, 3)

    def forward(self, waves: Tensor) -> Tensor:
        found, _ = self.lstm(self.front(waves.unsqueeze(1)).transpose(1, 2))
        return self.head(found.mean(1))


class Gated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.front = nn.Conv1d(1, 8, 10, stride=10)
        self.gru = nn.GRU(8, 6, bidirectional=True)
        self.head = nn.Linear(12, 3)

    def forward(self, waves: Tensor) -> Tensor:
        _, last = self.gru(self.front(waves.unsqueeze(1)).permute(2, 0, 1))
        return self.head(torch.cat([last[0], last[1]], dim=1))


class Attentive(nn.Module):
    """From a waveform in frames of 20 samples through a transformer's encoder."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(20, 16)
        self.places = nn.Parameter(torch.randn(1, 10, 16))
        layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True, activation="gelu", norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(16, 3)

    def forward(self, waves: Tensor) -> Tensor:
        frames = self.embed(waves.reshape(waves.shape[0], 10, 20)) + self.places
        return self.head(self.encoder(frames).mean(1))


def made(kind: type[nn.Module]) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return kind().eval().requires_grad_(False)


def exported(network: nn.Module, example: Tensor, path: Path, *, dynamo: bool) -> Path:
    axes = {"dynamic_shapes": ({0: torch.export.Dim("n")},)} if dynamo else {"dynamic_axes": {"input": {0: "n"}}}
    fast = torch.backends.mha.get_fastpath_enabled()
    # Of the fused encoder layer, the older exporter knows nothing.
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with warnings.catch_warnings():
            # Both exporters warn of what they will be, and of a batch they see in an LSTM.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                network, (example,), str(path), dynamo=dynamo, input_names=["input"], verbose=False, **axes
            )
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
    return path


@pytest.mark.parametrize("dynamo", [False, True], ids=["script", "dynamo"])
@pytest.mark.parametrize("kind", [Recurrent, Gated, Attentive])
def test_a_network_of_waveforms_is_converted_with_its_gradients(
    kind: type[nn.Module], dynamo: bool, tmp_path: Path, manifest_of: Write
) -> None:
    network = made(kind)
    path = exported(network, torch.rand(4, 200) - 0.5, tmp_path / "net.onnx", dynamo=dynamo)
    model = load_model(manifest_of(path, "onnx", input=WAVES))
    assert model.differentiable, model.note
    waves = torch.rand(32, 200, generator=torch.Generator().manual_seed(1)) * 2 - 1
    for count in (1, 32):
        torch.testing.assert_close(model.logits(waves[:count]), network(waves[:count]), atol=1e-5, rtol=0)
    leaf, own = (waves[:5].clone().requires_grad_() for _ in range(2))
    model.logits(leaf)[:, 1].sum().backward()
    network(own)[:, 1].sum().backward()
    torch.testing.assert_close(leaf.grad, own.grad, atol=1e-6, rtol=1e-4)


class ChannelsLast(nn.Module):
    """A network as Keras's converters write it: every layer of images between two transpositions."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 6, 3, stride=2, padding=1)
        self.pool, self.head = nn.MaxPool2d(2), nn.Linear(6, 3)

    def forward(self, images: Tensor) -> Tensor:
        found = images
        for layer in (self.first, self.pool, self.second):
            found = torch.relu(layer(found.permute(0, 3, 1, 2)).permute(0, 2, 3, 1))
        return self.head(found.mean((1, 2))).softmax(-1)


class ChannelsFirst(ChannelsLast):
    def forward(self, images: Tensor) -> Tensor:
        found = torch.relu(self.pool(torch.relu(self.first(images))))
        return self.head(torch.relu(self.second(found)).mean((2, 3)))


def test_channels_last_are_seen_as_the_same_network_with_channels_first(
    cnn_inputs: Tensor, tmp_path: Path, manifest_of: Write
) -> None:
    path = exported(made(ChannelsLast), torch.zeros(2, 16, 32, 1), tmp_path / "net.onnx", dynamo=False)
    model = load_model(manifest_of(path, "onnx", input=NHWC))
    assert model.differentiable, model.note
    own = TorchModel(made(ChannelsFirst), model.spec, model.emotions)
    for count in (1, 32):
        torch.testing.assert_close(model.logits(cnn_inputs[:count]), own.logits(cnn_inputs[:count]), atol=1e-5, rtol=0)
    leaf, other = (cnn_inputs[:7].clone().requires_grad_() for _ in range(2))
    model.logits(leaf)[:, 1].sum().backward()
    own.logits(other)[:, 1].sum().backward()
    torch.testing.assert_close(leaf.grad, other.grad, atol=1e-6, rtol=1e-4)
    targets, rng = torch.tensor([0, 1, 2, 0, 1]), SampleRng([1, 2, 3, 4, 5])
    for method in (gradcam, lrp):
        found, due = (method(each, cnn_inputs[:5], targets, rng).values for each in (model, own))
        torch.testing.assert_close(found, due, atol=1e-6, rtol=1e-4)
        assert float(due.abs().max()) > 1e-5
