"""Small networks of every kind that relevance must find its way through, on inputs (n, 1, 12, 20)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from audit.input_spec import SpeechInput
from audit.model import TorchModel

EMOTIONS = 4
SPEC = SpeechInput(16000, 3.0, "melspectrogram", {})


class Network(nn.Module):
    """Layers, and what is done with them: `forward` takes the inputs and the layers in turn."""

    def __init__(self, forward: Callable[..., Tensor], *layers: nn.Module) -> None:
        super().__init__()
        self.layers, self.run = nn.ModuleList(layers), forward

    def forward(self, inputs: Tensor) -> Tensor:
        return self.run(inputs, *self.layers)


def built(make: Callable[[], nn.Module], *, seed: int = 0) -> nn.Module:
    """Return the network in evaluation mode with the same weights each time, and lively batch norms."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = make().eval()
        for layer in module.modules():
            if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
                layer.running_mean.normal_()
                layer.running_var.uniform_(0.5, 2.0)
    return module.requires_grad_(False)


def model_of(module: nn.Module, emotions: int = EMOTIONS) -> TorchModel:
    return TorchModel(module, SPEC, tuple("abcdefghijklmnop"[:emotions]), name="mine")


def inputs_of(count: int, *shape: int) -> Tensor:
    return torch.rand(count, *(shape or (1, 12, 20)), generator=torch.Generator().manual_seed(0))


def frames(inputs: Tensor) -> Tensor:
    """Return (n, 20 frames, 12 bands)."""
    return inputs[:, 0].mT


def planar(*layers: nn.Module) -> nn.Module:
    """Eight maps made of the input, `layers`, the mean of each of eight maps read by a dense layer."""
    head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, EMOTIONS))
    return nn.Sequential(nn.Conv2d(1, 8, 3), *layers, *head)


def over_time(*layers: nn.Module) -> nn.Module:
    """Layers over time, the mean of each of eight maps read by a dense layer."""
    return nn.Sequential(nn.Flatten(1, 2), *layers, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(8, EMOTIONS))


def of_frames(forward: Callable[..., Tensor], *layers: nn.Module) -> nn.Module:
    """Frames embedded in 16 dimensions, `forward` of them and the layers, the mean over frames read densely."""

    def run(inputs: Tensor, embed: nn.Module, head: nn.Module, *rest: nn.Module) -> Tensor:
        return head(forward(embed(frames(inputs)), *rest).mean(1))

    return Network(run, nn.Linear(12, 16), nn.Linear(16, EMOTIONS), *layers)


def recurrent(kind: type[nn.RNNBase], **options: Any) -> nn.Module:
    core = kind(12, 8, batch_first=True, **options)
    head = nn.Linear(16 if core.bidirectional else 8, EMOTIONS)
    return Network(lambda x, core, head: head(core(frames(x))[0].mean(1)), core, head)


def last_states(inputs: Tensor, core: nn.Module, head: nn.Module) -> Tensor:
    _, (hidden, cells) = core(inputs[:, 0].permute(2, 0, 1))
    return head(torch.cat([hidden, cells]).transpose(0, 1).flatten(1))


def encoder(**options: Any) -> nn.Module:
    return nn.TransformerEncoderLayer(16, 4, 32, batch_first=True, **options)


def residual(inputs: Tensor, first: nn.Module, second: nn.Module, head: nn.Module) -> Tensor:
    maps = first(inputs).relu()
    maps += second(maps)
    return head(maps.relu_().mean((2, 3)))


def concatenated(inputs: Tensor, one: nn.Module, other: nn.Module, head: nn.Module) -> Tensor:
    return head(torch.cat([one(inputs), other(inputs)], 1).relu().amax((2, 3)))


def squeezed(inputs: Tensor, conv: nn.Module, squeeze: nn.Module, excite: nn.Module, head: nn.Module) -> Tensor:
    maps = conv(inputs).relu()
    gate = excite(squeeze(maps.mean((2, 3), keepdim=True)).relu()).sigmoid()
    return head((maps * gate).mean((2, 3)))


def attention_pooled(inputs: Tensor, core: nn.Module, score: nn.Module, head: nn.Module) -> Tensor:
    states = core(frames(inputs))[0]
    return head((score(states).softmax(1) * states).sum(1))


def deviation(maps: Tensor, written: str) -> Tensor:
    if written == "std":
        return maps.std(2, correction=0)
    if written == "var":
        return maps.var(2, correction=0).sqrt()
    return (maps - maps.mean(2, keepdim=True)).pow(2).mean(2).sqrt()


def statistics_pooled(written: str) -> nn.Module:
    def run(inputs: Tensor, conv: nn.Module, head: nn.Module) -> Tensor:
        maps = conv(inputs[:, 0]).relu()
        return head(torch.cat([maps.mean(2), deviation(maps, written)], 1))

    return Network(run, nn.Conv1d(12, 8, 3), nn.Linear(16, EMOTIONS))


def query_key_value() -> tuple[nn.Module, ...]:
    return nn.Linear(16, 16), nn.Linear(16, 16), nn.Linear(16, 16)


def by_einsum(x: Tensor, query: nn.Module, key: nn.Module, value: nn.Module) -> Tensor:
    weights = torch.einsum("btd,bsd->bts", query(x), key(x)).div(4).softmax(-1)
    return torch.einsum("bts,bsd->btd", weights, value(x))


def by_matmul(x: Tensor, query: nn.Module, key: nn.Module, value: nn.Module) -> Tensor:
    return (query(x) @ key(x).mT / 4).softmax(-1) @ value(x)


def scaled_dot_product(x: Tensor, query: nn.Module, key: nn.Module, value: nn.Module) -> Tensor:
    heads = [layer(x).unflatten(-1, (4, 4)).transpose(1, 2) for layer in (query, key, value)]
    return functional.scaled_dot_product_attention(*heads, is_causal=True).transpose(1, 2).flatten(2)


def root_mean_square(x: Tensor) -> Tensor:
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6)


def masked(x: Tensor, layer: nn.Module) -> Tensor:
    return layer(x, src_mask=nn.Transformer.generate_square_subsequent_mask(20), is_causal=True)


class Positions(nn.Module):
    """Learned positions, and a token of the network's own ahead of the frames."""

    def __init__(self) -> None:
        super().__init__()
        self.token, self.table = nn.Parameter(torch.randn(1, 1, 16)), nn.Parameter(0.2 * torch.randn(1, 21, 16))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.token.expand(len(x), -1, -1), x], 1) + self.table


def class_token() -> nn.Module:
    def run(x: Tensor, embed: nn.Module, positions: nn.Module, core: nn.Module, head: nn.Module) -> Tensor:
        return head(core(positions(embed(frames(x))))[:, 0])

    return Network(run, nn.Linear(12, 16), Positions(), encoder(norm_first=True), nn.Linear(16, EMOTIONS))


def standardised(inputs: Tensor, conv: nn.Module, head: nn.Module) -> Tensor:
    centred = inputs - inputs.mean((2, 3), keepdim=True)
    return head(conv(centred / (inputs.std((2, 3), keepdim=True) + 1e-5)).relu().mean((2, 3)))


def conv(**options: Any) -> nn.Module:
    return nn.Conv2d(8, 8, 3, **options)


def first(**options: Any) -> nn.Module:
    return nn.Conv2d(1, 8, 3, **options)


NETWORKS: Mapping[str, Callable[[], nn.Module]] = {
    "batch norm": lambda: planar(nn.BatchNorm2d(8), nn.ReLU(), nn.BatchNorm2d(8), conv(), nn.ReLU()),
    "max pool": lambda: planar(nn.ReLU(), nn.MaxPool2d(3, 2, 1, ceil_mode=True)),
    "average pool": lambda: planar(nn.ReLU(), nn.AvgPool2d(3, 2, 1), conv(), nn.ReLU()),
    "adaptive average pool": lambda: nn.Sequential(
        first(), nn.ReLU(), nn.AdaptiveAvgPool2d((3, 4)), nn.Flatten(), nn.Linear(96, 4)
    ),
    "adaptive max pool": lambda: planar(nn.AdaptiveMaxPool2d((3, 4))),
    "residual sum": lambda: Network(residual, first(), conv(padding=1), nn.Linear(8, 4)),
    "concatenation and global max": lambda: Network(
        concatenated, first(padding=1), nn.Conv2d(1, 8, 5, padding=2), nn.Linear(16, 4)
    ),
    "conv1d": lambda: over_time(nn.Conv1d(12, 16, 5, 2), nn.ReLU(), nn.Conv1d(16, 8, 3, groups=4, dilation=2)),
    "transposed conv1d": lambda: over_time(nn.Conv1d(12, 16, 5), nn.ReLU(), nn.ConvTranspose1d(16, 8, 3, 2, groups=4)),
    "transposed conv2d": lambda: planar(
        conv(), nn.ReLU(), nn.ConvTranspose2d(8, 8, 3, 2, 1, groups=2), nn.BatchNorm2d(8), nn.ReLU()
    ),
    "depthwise": lambda: planar(nn.ReLU6(), conv(groups=8), nn.Conv2d(8, 8, 1), nn.Hardswish()),
    "bidirectional lstm": lambda: recurrent(nn.LSTM, bidirectional=True, num_layers=2, dropout=0.3),
    "bidirectional gru": lambda: recurrent(nn.GRU, bidirectional=True),
    "plain recurrence": lambda: recurrent(nn.RNN, nonlinearity="relu"),
    "lstm's last states": lambda: Network(last_states, nn.LSTM(12, 8, bidirectional=True), nn.Linear(32, 4)),
    "multi-head attention": lambda: of_frames(
        lambda x, core: x + core(x, x, x)[0], nn.MultiheadAttention(16, 4, batch_first=True)
    ),
    "transformer": lambda: of_frames(lambda x, one, two: two(one(x)), encoder(), encoder(activation="gelu")),
    "masked transformer": lambda: of_frames(masked, encoder()),
    "class token": class_token,
    "einsum attention": lambda: of_frames(by_einsum, *query_key_value()),
    "matmul attention": lambda: of_frames(by_matmul, *query_key_value()),
    "scaled dot product attention": lambda: of_frames(scaled_dot_product, *query_key_value()),
    "layer norm": lambda: of_frames(lambda x, norm: norm(x).relu(), nn.LayerNorm(16)),
    "group norm": lambda: planar(nn.GroupNorm(2, 8), nn.ReLU()),
    "instance norm": lambda: planar(nn.InstanceNorm2d(8, affine=True), nn.ReLU(), conv(), nn.ReLU()),
    "rms norm": lambda: of_frames(lambda x, norm: norm(root_mean_square(x).relu()), nn.RMSNorm(16)),
    "smooth activations": lambda: planar(nn.GELU(), conv(), nn.SiLU(), conv(), nn.Mish(), nn.CELU()),
    "activations above zero at zero": lambda: planar(nn.Softplus(), conv(), nn.Sigmoid(), conv(), nn.Tanh()),
    "prelu": lambda: planar(nn.PReLU(8), conv(), nn.LeakyReLU(0.1), nn.ELU()),
    "squeeze and excitation": lambda: Network(
        squeezed, first(), nn.Conv2d(8, 2, 1), nn.Conv2d(2, 8, 1), nn.Linear(8, 4)
    ),
    "attention pooling": lambda: Network(
        attention_pooled, nn.GRU(12, 8, batch_first=True), nn.Linear(8, 1), nn.Linear(8, 4)
    ),
    "statistics pooling": lambda: statistics_pooled("std"),
    "softmax within": lambda: of_frames(lambda x, layer: layer(x.softmax(-1)), nn.Linear(16, 16)),
    "log-softmax within": lambda: of_frames(lambda x, layer: layer(x.log_softmax(-1)), nn.Linear(16, 16)),
    "log-sum-exp pooling": lambda: Network(
        lambda x, conv, head: head(conv(x).logsumexp((2, 3))), first(), nn.Linear(8, 4)
    ),
    "standardised input": lambda: Network(standardised, first(), nn.Linear(8, 4)),
    "logarithm of the input": lambda: Network(
        lambda x, conv, head: head(conv(torch.log(x + 0.01)).relu().mean((2, 3))), first(), nn.Linear(8, 4)
    ),
}
