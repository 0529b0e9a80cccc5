"""Grad-CAM against captum's, and its choice of layer."""

import pytest
import torch
from captum.attr import LayerGradCam
from torch import Tensor, nn
from torch.nn import functional

from audit.adapter import Ahead, Behind, Chunks, adapted
from audit.errors import MethodError
from audit.input_spec import FaceInput, SpeechInput
from audit.loaders.feature_map import FeatureMap
from audit.model import TorchModel
from audit.randomness import SampleRng
from audit.saliency.gradcam import gradcam


def test_it_equals_captum_on_the_last_stage(resnet: TorchModel, mels: Tensor, rng: SampleRng) -> None:
    targets = torch.tensor([0, 1, 2, 3])
    ours = gradcam(resnet, mels, targets, rng).values
    theirs = LayerGradCam(resnet.module, resnet.module.stages[-1]).attribute(
        mels.clone().requires_grad_(), targets, relu_attributions=True
    )
    theirs = functional.interpolate(theirs.detach(), size=(128, 94), mode="bilinear", align_corners=False)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)


def test_it_equals_the_papers_formula(resnet: TorchModel, mels: Tensor, rng: SampleRng) -> None:
    module = resnet.module
    maps = module.stages(module.stem(mels)).detach().requires_grad_(True)
    logits = module.head(torch.flatten(module.pool(maps), 1))
    (gradients,) = torch.autograd.grad(logits[:, 4].sum(), maps)
    weights = gradients.mean(dim=(2, 3), keepdim=True)
    expected = functional.relu((weights * maps).sum(1, keepdim=True)).detach()
    expected = functional.interpolate(expected, size=(128, 94), mode="bilinear", align_corners=False)
    ours = gradcam(resnet, mels, torch.full((4,), 4), rng).values
    torch.testing.assert_close(ours, expected, rtol=0, atol=1e-5)


def test_a_one_dimensional_convolution_gets_a_map_over_time(rng: SampleRng) -> None:
    class OverTime(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv1d(1, 4, 9, 4)
            self.head = nn.Linear(4, 2)

        def forward(self, waveforms: Tensor) -> Tensor:
            return self.head(self.conv(waveforms[:, None]).relu().mean(-1))

    model = TorchModel(OverTime().eval(), SpeechInput(16000, 0.1, "waveform"), ("anger", "fear"))
    values = gradcam(model, torch.rand(4, 1600), torch.zeros(4, dtype=torch.long), rng).values
    assert values.shape == (4, 1600)


def test_a_model_without_convolutions_is_refused(rng: SampleRng) -> None:
    model = TorchModel(nn.Linear(10, 2), SpeechInput(16000, 1.0, "waveform"), ("anger", "fear"))
    with pytest.raises(MethodError, match="no convolutional feature map"):
        gradcam(model, torch.rand(4, 10), torch.zeros(4, dtype=torch.long), rng)


def test_a_misspelt_layer_names_the_nearest(resnet: TorchModel, mels: Tensor, rng: SampleRng) -> None:
    with pytest.raises(MethodError, match="did you mean 'stages'"):
        gradcam(resnet, mels, torch.zeros(4, dtype=torch.long), rng, layer="stagse")


class Patches(nn.Module):
    """Two convolutions on (n, c, rows, columns), or on (n, c, columns, rows) with the kernels turned."""

    def __init__(self, channels: int, *, turned: bool = False) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.first, self.last = nn.Conv2d(channels, 4, 3), nn.Conv2d(4, 5, 3, stride=2)
            self.head = nn.Linear(5, 2)
        if turned:
            with torch.no_grad():
                for layer in (self.first, self.last):
                    layer.weight.copy_(layer.weight.transpose(2, 3).clone())

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(self.last(self.first(inputs).relu()).relu().mean((2, 3)))


def test_a_picture_in_colour_gets_one_map_for_its_channels(rng: SampleRng) -> None:
    model = TorchModel(Patches(3).eval(), FaceInput(20, 16, "rgb"), ("anger", "fear"))
    values = gradcam(model, torch.rand(4, 3, 20, 16), torch.tensor([0, 1, 0, 1]), rng).values
    assert values.shape == (4, 3, 20, 16)
    assert torch.equal(values[:, 0], values[:, 2])


def test_a_network_with_time_before_frequency_gets_its_map_turned_back(rng: SampleRng) -> None:
    spec, emotions = SpeechInput(16000, 1.0, "melspectrogram"), ("anger", "fear")
    inputs, targets = torch.rand(4, 1, 20, 32), torch.tensor([0, 1, 0, 1])
    plain = gradcam(TorchModel(Patches(1).eval(), spec, emotions), inputs, targets, rng).values
    ahead, behind = Ahead(spec.letters, "n1tf", None), Behind("none", [[0], [1]], 2)
    turned = adapted(TorchModel(Patches(1, turned=True).eval(), spec, emotions), ahead, behind, emotions)
    assert plain.abs().sum() > 0
    torch.testing.assert_close(gradcam(turned, inputs, targets, rng).values, plain, rtol=0, atol=1e-5)


def test_a_convolution_over_time_alone_says_the_same_of_every_frequency(rng: SampleRng) -> None:
    network = nn.Sequential(nn.Conv1d(20, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(4, 2))
    spec, emotions = SpeechInput(16000, 1.0, "melspectrogram"), ("anger", "fear")
    ahead, behind = Ahead(spec.letters, "nft", None), Behind("none", [[0], [1]], 2)
    model = adapted(TorchModel(network.eval(), spec, emotions), ahead, behind, emotions)
    values = gradcam(model, torch.rand(4, 1, 20, 32), torch.tensor([0, 1, 0, 1]), rng).values
    assert values.shape == (4, 1, 20, 32)
    assert torch.equal(values[:, :, :1].expand_as(values), values)


def test_pieces_of_a_clip_are_refused(rng: SampleRng) -> None:
    spec, emotions = SpeechInput(16000, 1.0, "melspectrogram"), ("anger", "fear")
    network = nn.Sequential(nn.Flatten(), nn.Linear(2 * 20 * 16, 2)).eval()
    ahead, behind = Ahead(spec.letters, None, Chunks(16, 16)), Behind("none", [[0], [1]], 2)
    model = adapted(TorchModel(network, spec, emotions), ahead, behind, emotions)
    with pytest.raises(MethodError, match="takes chunks"):
        gradcam(model, torch.rand(2, 1, 20, 32), torch.tensor([0, 1]), rng)


def test_layers_that_torch_cannot_hook_are_seen_where_their_maps_pass(rng: SampleRng) -> None:
    class Hidden(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            # As with Keras: layers that are no modules, and channels last.
            self.layers = {"patches": Patches(1)}
            self.place = FeatureMap("patches", channels_last=True)

        def forward(self, inputs: Tensor) -> Tensor:
            inner = self.layers["patches"]
            maps = self.place.handed_on(inner.last(inner.first(inputs).relu()).relu().movedim(1, -1))
            return inner.head(maps.mean((1, 2)))

    inputs, targets = torch.rand(4, 1, 20, 16), torch.tensor([0, 1, 0, 1])
    spec, emotions = FaceInput(20, 16), ("anger", "fear")
    seen = gradcam(TorchModel(Hidden().eval(), spec, emotions), inputs, targets, rng).values
    plain = Patches(1)
    maps = torch.relu(plain.last(plain.first(inputs).relu())).detach().requires_grad_(True)
    (gradients,) = torch.autograd.grad(plain.head(maps.mean((2, 3))).gather(1, targets[:, None]).sum(), maps)
    expected = torch.relu((gradients.mean((2, 3), keepdim=True) * maps).sum(1, keepdim=True)).detach()
    expected = functional.interpolate(expected, size=(20, 16), mode="bilinear", align_corners=False)
    torch.testing.assert_close(seen, expected, rtol=0, atol=1e-5)
