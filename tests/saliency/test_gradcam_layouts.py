"""Grad-CAM on outputs whose channels lie elsewhere: one network in several layouts gives one map."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from audit.errors import MethodError
from audit.input_spec import FaceInput, InputSpec, SpeechInput
from audit.model import TorchModel
from audit.randomness import SampleRng
from audit.saliency.feature_maps import FeatureMaps
from audit.saliency.gradcam import gradcam

MEL = SpeechInput(16000, 3.0, "melspectrogram", {})
FACE = FaceInput(24, 24)
WAVE = SpeechInput(16000, 0.1, "waveform", {})
EMOTIONS = ("anger", "fear")
TARGETS = torch.tensor([0, 1, 0])


def seeded(build: Callable[[], nn.Module]) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build().eval()


def drawn(*shape: int) -> Tensor:
    return torch.rand(3, *shape, generator=torch.Generator().manual_seed(1))


def explained(network: nn.Module, inputs: Tensor, spec: InputSpec, **keys: str) -> Tensor:
    return gradcam(TorchModel(network, spec, EMOTIONS), inputs, TARGETS, SampleRng([1, 2, 3]), **keys).values


def formula(maps: Tensor, head: Callable[[Tensor], Tensor], shape: tuple[int, ...]) -> Tensor:
    """Return Grad-CAM as in the paper of maps (n, channels, rows, columns) that `head` turns into logits."""
    maps = maps.detach().requires_grad_(True)
    (gradients,) = torch.autograd.grad(head(maps).gather(1, TARGETS[:, None]).sum(), maps)
    cam = torch.relu((gradients.mean((2, 3), keepdim=True) * maps).sum(1, keepdim=True)).detach()
    return functional.interpolate(cam, size=shape[-2:], mode="bilinear", align_corners=False).reshape(3, *shape)


class Layer(nn.Module):
    """A convolution and ReLU whose output has its axes in another order."""

    def __init__(self, convolution: nn.Module, order: tuple[int, ...]) -> None:
        super().__init__()
        self.convolution, self.order = convolution, order

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.relu(self.convolution(inputs)).permute(self.order)


class Laid(nn.Module):
    def __init__(self, layer: Layer, channels: int) -> None:
        super().__init__()
        self.layer, self.head = layer, nn.Linear(channels, 2)

    def forward(self, inputs: Tensor) -> Tensor:
        maps = self.layer(inputs)
        places = [axis for axis in range(1, maps.ndim) if self.layer.order[axis] != 1]
        return self.head(maps.mean(places))


# Seven channels, and eight, as many as there are rows and columns.
@pytest.mark.parametrize("channels", [7, 8])
@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 2, 3, 1), (0, 1, 3, 2), (0, 3, 2, 1)])
def test_planes_in_every_layout_give_the_papers_map(order: tuple[int, ...], channels: int) -> None:
    network = seeded(lambda: Laid(Layer(nn.Conv2d(1, channels, 5, 3, 2), order), channels))
    inputs = drawn(1, 24, 24)
    maps = torch.relu(network.layer.convolution(inputs))
    expected = formula(maps, lambda maps: network.head(maps.mean((2, 3))), (1, 24, 24))
    assert expected.std() > 0
    torch.testing.assert_close(explained(network, inputs, FACE, layer="layer"), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("channels", [5, 10])
@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1)])
def test_lines_in_both_layouts_give_the_papers_map(order: tuple[int, ...], channels: int) -> None:
    class OverTime(Laid):
        def forward(self, inputs: Tensor) -> Tensor:
            return super().forward(inputs[:, None])

    network = seeded(lambda: OverTime(Layer(nn.Conv1d(1, channels, 200, 150, 25), order), channels))
    inputs = drawn(1600) - 0.5
    maps = torch.relu(network.layer.convolution(inputs[:, None]))
    assert maps.shape[2] == 10
    expected = formula(maps[:, :, None], lambda maps: network.head(maps.mean((2, 3))), (1, 1600)).reshape(3, 1600)
    torch.testing.assert_close(explained(network, inputs, WAVE, layer="layer"), expected, rtol=0, atol=1e-6)
    torch.testing.assert_close(explained(network, inputs, WAVE), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("both_ways", [True, False])
def test_a_recurrent_layers_outputs_are_maps_over_time(
    kind: type[nn.RNNBase], batch_first: bool, both_ways: bool
) -> None:
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.recurrent = kind(16, 12, batch_first=batch_first, bidirectional=both_ways)
            self.head = nn.Linear(24 if both_ways else 12, 2)

        def states(self, inputs: Tensor) -> Tensor:
            frames = inputs.squeeze(1).transpose(1, 2)
            states = self.recurrent(frames if batch_first else frames.transpose(0, 1))[0]
            return states if batch_first else states.transpose(0, 1)

        def forward(self, inputs: Tensor) -> Tensor:
            return self.head(self.states(inputs).amax(1))

    network, inputs = seeded(Recurrent), drawn(1, 16, 20)
    maps = network.states(inputs).transpose(1, 2)[:, :, None]
    expected = formula(maps, lambda maps: network.head(maps.squeeze(2).amax(2)), (1, 1, 20))
    values = explained(network, inputs, MEL)
    assert expected.std() > 0
    torch.testing.assert_close(values, expected.expand(3, 1, 16, 20), rtol=0, atol=1e-6)


def test_convolutions_before_a_recurrent_layer_are_taken_for_their_rows() -> None:
    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Conv2d(1, 6, 3, 2, 1), nn.ReLU())
            self.lstm, self.head = nn.LSTM(6 * 8, 10, batch_first=True), nn.Linear(10, 2)

        def read(self, maps: Tensor) -> Tensor:
            return self.head(self.lstm(maps.flatten(1, 2).transpose(1, 2))[0].mean(1))

        def forward(self, inputs: Tensor) -> Tensor:
            return self.read(self.body(inputs))

    network, inputs = seeded(Both), drawn(1, 16, 20)
    expected = formula(network.body(inputs), network.read, (1, 16, 20))
    torch.testing.assert_close(explained(network, inputs, MEL), expected, rtol=0, atol=1e-6)


class Vision(nn.Module):
    """Patches of a face as tokens; read from their mean, or from a token of its own at one end."""

    def __init__(self, where: str) -> None:
        super().__init__()
        self.where = where
        self.patches = nn.Linear(16, 12)
        self.positions, self.token = (nn.Parameter(0.3 * torch.randn(1, count, 12)) for count in (36, 1))
        layer = nn.TransformerEncoderLayer(12, 3, 24, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(12, 2)
        self.shape = nn.Conv2d(1, 12, 4, 4)

    def tokens(self, faces: Tensor) -> Tensor:
        tokens = self.shape(faces).flatten(2).transpose(1, 2) + self.positions
        one = self.token.expand(len(faces), -1, -1)
        return {"mean": tokens, "first": torch.cat([one, tokens], 1), "last": torch.cat([tokens, one], 1)}[self.where]

    def read(self, tokens: Tensor) -> Tensor:
        chosen = {"mean": tokens.mean(1), "first": tokens[:, 0], "last": tokens[:, -1]}
        return self.head(chosen[self.where])

    def forward(self, faces: Tensor) -> Tensor:
        return self.read(self.encoder(self.tokens(faces)))


@pytest.mark.parametrize("where", ["mean", "first", "last"])
def test_tokens_are_put_back_on_the_face_and_a_class_token_is_left_out(where: str) -> None:
    network, inputs = seeded(lambda: Vision(where)), drawn(1, 24, 24)
    first = network.encoder.layers[0]
    tokens = first(network.tokens(inputs))
    kept = {"mean": slice(None), "first": slice(1, None), "last": slice(None, -1)}[where]

    def onward(maps: Tensor) -> Tensor:
        whole = tokens.detach().clone()
        whole[:, kept] = maps.flatten(2).transpose(1, 2)
        return network.read(network.encoder.layers[1](whole))

    maps = tokens[:, kept].transpose(1, 2).unflatten(2, (6, 6))
    expected = formula(maps, onward, (1, 24, 24))
    assert expected.std() > 0
    torch.testing.assert_close(explained(network, inputs, FACE, layer="encoder.layers.0"), expected, rtol=0, atol=1e-6)


def test_with_a_class_token_alone_read_the_layer_is_one_that_patches_still_reach_it_from() -> None:
    network = seeded(lambda: Vision("first"))
    chosen, places = FeatureMaps(TorchModel(network, FACE, EMOTIONS), torch.Size((1, 24, 24))).last()
    assert chosen in list(network.encoder.layers[1].modules())[1:]
    assert (places.before, places.after, places.grid) == (1, 0, (6, 6))
    assert explained(network, drawn(1, 24, 24), FACE).std() > 0


def test_a_network_that_hears_pitch_by_itself_gets_a_map_over_time() -> None:
    class Hears(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last, self.head = nn.Conv2d(1, 6, 3), nn.Linear(6, 2)

        def forward(self, waveforms: Tensor) -> Tensor:
            spectrum = torch.fft.rfft(waveforms.unfold(1, 64, 32), dim=2).abs().transpose(1, 2)[:, None]
            return self.head(torch.relu(self.last(spectrum)).mean((2, 3)))

    values = explained(seeded(Hears), drawn(1600) - 0.5, WAVE)
    assert values.shape == (3, 1600)
    assert (values.std(1) > 0).any()


def test_a_layer_in_which_nothing_has_a_place_any_more_is_refused() -> None:
    class Mixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mix, self.head = nn.Linear(400, 60), nn.Linear(10, 2)
            self.last = nn.Linear(10, 10)

        def forward(self, inputs: Tensor) -> Tensor:
            return self.head(self.last(torch.tanh(self.mix(inputs.flatten(1))).view(-1, 6, 10)).mean(1))

    network, inputs = seeded(Mixed), drawn(1, 20, 20)
    with pytest.raises(MethodError, match="axes can be told"):
        explained(network, inputs, MEL)
    with pytest.raises(MethodError, match="'last' it cannot be told"):
        explained(network, inputs, MEL, layer="last")


def test_a_layer_that_the_answer_does_not_depend_on_is_refused() -> None:
    class Aside(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.aside, self.last, self.head = nn.Conv2d(1, 4, 3), nn.Conv2d(1, 4, 3), nn.Linear(4, 2)

        def forward(self, inputs: Tensor) -> Tensor:
            self.aside(inputs)
            return self.head(self.last(inputs).relu().mean((2, 3)))

    with pytest.raises(MethodError, match="does not depend"):
        explained(seeded(Aside), drawn(1, 20, 20), MEL, layer="aside")


def test_a_layer_that_is_overwritten_in_place_is_taken_as_it_was() -> None:
    network = seeded(
        lambda: nn.Sequential(
            nn.Conv2d(1, 6, 3), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 2)
        )
    )
    inputs = drawn(1, 20, 20)
    expected = formula(network[0](inputs), lambda maps: network[2:](torch.relu(maps)), (1, 20, 20))
    torch.testing.assert_close(explained(network, inputs, FACE, layer="0"), expected, rtol=0, atol=1e-6)


def test_a_layer_that_serves_maps_and_then_vectors_is_watched_where_it_serves_maps() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last, self.dropout, self.head = nn.Conv2d(1, 6, 3), nn.Dropout(0.5), nn.Linear(6, 2)

        def forward(self, inputs: Tensor) -> Tensor:
            return self.head(self.dropout(self.dropout(self.last(inputs).relu()).mean((2, 3))))

    network, inputs = seeded(Twice), drawn(1, 20, 20)
    maps = torch.relu(network.last(inputs))
    expected = formula(maps, lambda maps: network.head(maps.mean((2, 3))), (1, 20, 20))
    torch.testing.assert_close(explained(network, inputs, FACE), expected, rtol=0, atol=1e-6)


def test_layers_that_torch_fuses_where_no_gradient_is_asked_are_seen() -> None:
    class Fused(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            layer = nn.TransformerEncoderLayer(16, 2, 24, batch_first=True)
            self.encoder, self.head = nn.TransformerEncoder(layer, 2), nn.Linear(16, 2)

        def forward(self, inputs: Tensor) -> Tensor:
            return self.head(self.encoder(inputs.squeeze(1).transpose(1, 2)).amax(1))

    network, inputs = seeded(Fused), drawn(1, 16, 20)
    maps = network.encoder.layers[0](inputs.squeeze(1).transpose(1, 2)).transpose(1, 2)[:, :, None]

    def onward(maps: Tensor) -> Tensor:
        return network.head(network.encoder.layers[1](maps.squeeze(2).transpose(1, 2)).amax(1))

    expected = formula(maps, onward, (1, 1, 20)).expand(3, 1, 16, 20)
    values = explained(network, inputs, MEL, layer="encoder.layers.0.norm2")
    assert expected.std() > 0
    torch.testing.assert_close(values, expected, rtol=0, atol=1e-5)
