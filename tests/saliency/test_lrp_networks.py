"""LRP through recurrent, attention and gated networks as users write them."""

import pytest
import torch
from torch import Tensor, nn

from audit.input_spec import SpeechInput
from audit.model import TorchModel
from audit.randomness import SampleRng
from audit.saliency.lrp.lrp import lrp

RNG = SampleRng([])


class Recurrent(nn.Module):
    def __init__(self, kind: type[nn.LSTM] | type[nn.GRU]) -> None:
        super().__init__()
        self.core = kind(12, 8, bidirectional=True, batch_first=True)
        self.head = nn.Linear(16, 4)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(self.core(inputs[:, 0].mT)[0].mean(1))


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(12, 16)
        layer = nn.TransformerEncoderLayer(16, 4, 32, activation="gelu", batch_first=True)
        self.core = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(16, 4)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(self.core(self.embed(inputs[:, 0].mT)).mean(1))


class Excited(nn.Module):
    """Squeeze and excitation, a batch norm after no layer, and a part cut out."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 3, padding=1)
        self.gate = nn.Sequential(nn.Linear(8, 2), nn.ReLU(), nn.Linear(2, 8), nn.Sigmoid())
        self.norm = nn.BatchNorm2d(8)
        self.head = nn.Linear(8, 4)

    def forward(self, inputs: Tensor) -> Tensor:
        maps = self.conv((inputs - 0.5) / 0.2).relu_()
        maps = maps * self.gate(maps.mean((2, 3)))[:, :, None, None]
        maps = torch.cat([self.norm(maps)[:, :4], maps[:, 4:]], 1)
        return self.head(nn.functional.adaptive_avg_pool2d(nn.functional.max_pool2d(maps, 2), 1).flatten(1))


class OverTime(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.core = nn.Sequential(
            nn.Conv1d(12, 16, 5, 2),
            nn.BatchNorm1d(16),
            nn.SiLU(),
            nn.MaxPool1d(2),
            nn.Conv1d(16, 16, 3, groups=4),
            nn.GELU(),
            nn.AdaptiveAvgPool1d(1),
            nn.Flatten(),
            nn.Dropout(0.5),
            nn.Linear(16, 8),
            nn.BatchNorm1d(8),
            nn.Tanh(),
            nn.Linear(8, 4),
        )

    def forward(self, inputs: Tensor) -> Tensor:
        return self.core(inputs[:, 0])


NETWORKS = {
    "lstm": lambda: Recurrent(nn.LSTM),
    "gru": lambda: Recurrent(nn.GRU),
    "transformer": Attention,
    "excited": Excited,
    "over time": OverTime,
}


@pytest.mark.parametrize("name", NETWORKS)
def test_relevance_and_what_constants_absorb_add_up_to_the_logit(name: str) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = NETWORKS[name]().eval()
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.running_mean.normal_(generator=torch.Generator().manual_seed(1))
    model = TorchModel(module, SpeechInput(16000, 3.0, "melspectrogram", {}), tuple("abcd"))
    inputs = torch.rand(3, 1, 12, 20, generator=torch.Generator().manual_seed(0))
    keys = [set(vars(m)) for m in module.modules()]
    for rule in ("composite", "epsilon", "gamma"):
        found = lrp(model, inputs, torch.tensor([1, 0, 3]), RNG, rule=rule)
        assert (found.measures["conservation"] < 1e-3).all(), rule
        assert (found.values.abs().amax((1, 2, 3)) > 0).all(), rule
    assert [set(vars(m)) for m in module.modules()] == keys


def test_a_gate_takes_nothing_and_its_signal_all() -> None:
    class Gated(nn.Module):
        def forward(self, inputs: Tensor) -> Tensor:
            return torch.sigmoid(inputs[:, :2]) * inputs[:, 2:]

    model = TorchModel(Gated().eval(), SpeechInput(16000, 1.0, "waveform"), ("a", "b"))
    inputs = torch.tensor([[0.0, 1.0, 3.0, 4.0]])
    found = lrp(model, inputs, torch.tensor([0]), RNG).values
    torch.testing.assert_close(found, torch.tensor([[0.0, 0.0, 1.5, 0.0]]))


def test_a_product_of_two_signals_is_halved() -> None:
    class Product(nn.Module):
        def forward(self, inputs: Tensor) -> Tensor:
            return inputs[:, :2] * inputs[:, 2:]

    model = TorchModel(Product().eval(), SpeechInput(16000, 1.0, "waveform"), ("a", "b"))
    found = lrp(model, torch.tensor([[2.0, 1.0, 3.0, 4.0]]), torch.tensor([0]), RNG).values
    torch.testing.assert_close(found, torch.tensor([[3.0, 0.0, 3.0, 0.0]]))
