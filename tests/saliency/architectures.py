"""One small network of every architecture that a saliency method may meet, with fixed weights."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from audit.adapter import Ahead, Behind, adapted
from audit.input_spec import FaceInput, InputSpec, SpeechInput
from audit.kinds import find
from audit.manifest import Manifest
from audit.model import BlackBox, Model, TorchModel

EMOTIONS = ("anger", "fear", "joy")
MELS: InputSpec = SpeechInput(8000, 0.5, "melspectrogram", {"n_fft": 256, "hop_length": 128, "n_mels": 16})
WAVES: InputSpec = SpeechInput(8000, 0.05, "waveform")
FACES: InputSpec = FaceInput(48, 48)
SHAPES = {id(MELS): (1, 16, 32), id(WAVES): (400,), id(FACES): (1, 48, 48)}


@dataclass(frozen=True)
class Architecture:
    """A network's class, what it takes, and how it comes to the audit."""

    network: Callable[[], nn.Module]
    spec: InputSpec
    order: str | None = None
    arrives: str = "module"

    def inputs(self, count: int) -> Tensor:
        """Return inputs (count, ...) within the bounds."""
        generator = torch.Generator().manual_seed(3)
        low, high = self.spec.bounds
        return low + (high - low) * torch.rand(count, *SHAPES[id(self.spec)], generator=generator)

    def module(self) -> nn.Module:
        """Return the network in evaluation mode, with lively batch-norm statistics; the same each time."""
        with torch.random.fork_rng():
            torch.manual_seed(1)
            network = self.network()
            for layer in network.modules():
                if isinstance(layer, nn.BatchNorm2d):
                    layer.running_mean.normal_(0, 0.1)
                    layer.running_var.uniform_(0.5, 1.5)
        return network.eval()

    def model(self, folder: Path) -> Model:
        """Return the model, by way of a file in `folder` where that is how it comes."""
        module = self.module()
        if self.arrives == "answers":
            return BlackBox(lambda inputs: module(torch.from_numpy(inputs)).detach().numpy(), self.spec, EMOTIONS)
        if self.arrives != "module":
            return self._loaded(module, folder)
        model: Model = TorchModel(module, self.spec, EMOTIONS)
        return model if self.order is None else _adapted(model, self.order)

    def _loaded(self, module: nn.Module, folder: Path) -> Model:
        module.requires_grad_(False)
        example = self.inputs(2)
        manifest = Manifest("small", folder / "small.model.yaml", self.arrives, self.spec, EMOTIONS)
        path = folder / ("small.ts" if self.arrives == "torchscript" else "small.pt2")
        with warnings.catch_warnings():
            # What torch says of its own layers, and of tracing.
            warnings.simplefilter("ignore")
            if self.arrives == "torchscript":
                torch.jit.trace(module, example).save(str(path))
            else:
                batch = torch.export.Dim("batch", min=1, max=256)
                torch.export.save(torch.export.export(module, (example,), dynamic_shapes=({0: batch},)), path)
        model = find("loader", self.arrives).load()(replace(manifest, weights=path))
        assert isinstance(model, Model)
        return model


def _adapted(model: Model, order: str) -> Model:
    identity = [[index] for index in range(len(EMOTIONS))]
    ahead = Ahead(model.spec.letters, order, None)
    return adapted(model, ahead, Behind("none", identity, len(EMOTIONS)), EMOTIONS)


def plain() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 12, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(48, 3),
    )


def softmax_ended() -> nn.Module:
    return nn.Sequential(*plain(), nn.Softmax(1))


class Residual(nn.Module):
    """Two residual blocks with batch norm, one of which halves its map; sums and ReLUs are functions."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(inplace=True))
        self.first = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8))
        self.second = nn.Sequential(nn.Conv2d(8, 16, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(16))
        self.shortcut = nn.Conv2d(8, 16, 1, stride=2)
        self.head = nn.Linear(16, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        stem = self.stem(inputs)
        first = torch.relu(stem + self.first(stem))
        return self.head(torch.relu(self.second(first) + self.shortcut(first)).mean((2, 3)))


class OverWaveform(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(1, 8, 9, 4), nn.ReLU(), nn.Conv1d(8, 12, 5, 2), nn.BatchNorm1d(12), nn.ReLU()
        )
        self.head = nn.Linear(12, 3)

    def forward(self, waveforms: Tensor) -> Tensor:
        return self.head(self.body(waveforms[:, None]).mean(-1))


class Recurrent(nn.Module):
    """A recurrent layer over frames (n, frames, bands), its outputs averaged."""

    def __init__(self, kind: type[nn.RNNBase], *, both_ways: bool) -> None:
        super().__init__()
        self.recurrent = kind(16, 10, batch_first=True, bidirectional=both_ways)
        self.head = nn.Linear(20 if both_ways else 10, 3)

    def forward(self, frames: Tensor) -> Tensor:
        return self.head(self.recurrent(frames)[0].mean(1))


class CnnLstm(nn.Module):
    """Convolutions over a face, and an LSTM that reads their map row by row."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(4), nn.Conv2d(6, 8, 3, padding=1), nn.BatchNorm2d(8)
        )
        self.lstm = nn.LSTM(8 * 12, 10, batch_first=True, bidirectional=True)
        self.head = nn.Linear(20, 3)

    def forward(self, faces: Tensor) -> Tensor:
        _, (states, _) = self.lstm(self.body(faces).transpose(1, 2).flatten(2))
        return self.head(torch.cat([states[0], states[1]], 1))


class Encoder(nn.Module):
    """Frames as tokens of a transformer encoder, averaged."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Linear(16, 12)
        self.positions = nn.Parameter(0.1 * torch.randn(1, 32, 12))
        layer = nn.TransformerEncoderLayer(12, 3, 24, activation="gelu", batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, nn.LayerNorm(12), enable_nested_tensor=False)
        self.head = nn.Linear(12, 3)

    def forward(self, frames: Tensor) -> Tensor:
        return self.head(self.encoder(self.tokens(frames) + self.positions).mean(1))


class ClassToken(Encoder):
    """The same with a token of its own ahead of the frames, which alone is read at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.token = nn.Parameter(0.1 * torch.randn(1, 1, 12))

    def forward(self, frames: Tensor) -> Tensor:
        tokens = torch.cat([self.token.expand(len(frames), -1, -1), self.tokens(frames) + self.positions], 1)
        return self.head(self.encoder(tokens)[:, 0])


class AttentionPooling(nn.Module):
    """Convolutions over time, and a learned weight for every moment."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(16, 12, 5, padding=2), nn.Tanh(), nn.Conv1d(12, 12, 3, padding=1), nn.Tanh()
        )
        self.score, self.head = nn.Linear(12, 1), nn.Linear(12, 3)

    def forward(self, bands: Tensor) -> Tensor:
        moments = self.body(bands).transpose(1, 2)
        return self.head((torch.softmax(self.score(moments), 1) * moments).sum(1))


def depthwise() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2, padding=1),
        nn.SiLU(),
        nn.Conv2d(8, 8, 3, padding=1, groups=8),
        nn.Conv2d(8, 12, 1),
        nn.BatchNorm2d(12),
        nn.SiLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(12, 3),
    )


def transposed() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 8, 4, stride=4),
        nn.ReLU(),
        nn.ConvTranspose2d(8, 6, 2, stride=2),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(4),
        nn.Flatten(),
        nn.Linear(96, 3),
    )


class Inception(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 6, 3, padding=1)
        self.small, self.large = nn.Conv2d(6, 6, 1), nn.Conv2d(6, 6, 5, padding=2)
        self.pooled = nn.Sequential(nn.MaxPool2d(3, 1, 1), nn.Conv2d(6, 4, 1))
        self.last = nn.Conv2d(16, 10, 3, stride=2)
        self.head = nn.Linear(10, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        stem = torch.relu(self.stem(inputs))
        both = torch.cat([self.small(stem), self.large(stem), self.pooled(stem)], 1).relu()
        return self.head(self.last(both).relu().mean((2, 3)))


class Pointwise(nn.Module):
    """Layers on (n, rows, columns, channels): patches made dense, twice."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm, self.last = nn.Linear(16, 10), nn.LayerNorm(10), nn.Linear(10, 8)
        self.head = nn.Linear(8, 3)

    def forward(self, faces: Tensor) -> Tensor:
        patches = faces.reshape(-1, 12, 4, 12, 4).transpose(2, 3).flatten(3)
        return self.head(torch.relu(self.last(torch.relu(self.norm(self.first(patches))))).mean((1, 2)))


ARCHITECTURES: Mapping[str, Architecture] = {
    "plain-cnn": Architecture(plain, MELS),
    "residual": Architecture(Residual, MELS),
    "conv1d": Architecture(OverWaveform, WAVES),
    "bidirectional-lstm": Architecture(lambda: Recurrent(nn.LSTM, both_ways=True), MELS, "ntf"),
    "gru": Architecture(lambda: Recurrent(nn.GRU, both_ways=False), MELS, "ntf"),
    "cnn-lstm": Architecture(CnnLstm, FACES),
    "transformer": Architecture(Encoder, MELS, "ntf"),
    "class-token": Architecture(ClassToken, MELS, "ntf"),
    "attention-pooling": Architecture(AttentionPooling, MELS, "nft"),
    "depthwise": Architecture(depthwise, MELS),
    "transposed": Architecture(transposed, MELS),
    "inception": Architecture(Inception, FACES),
    "channels-last": Architecture(Pointwise, FACES, "nhwc"),
    "softmax-ended": Architecture(softmax_ended, MELS),
    "torchscript": Architecture(plain, MELS, arrives="torchscript"),
    "exported": Architecture(Residual, MELS, arrives="exported"),
    "black-box": Architecture(plain, MELS, arrives="answers"),
}
