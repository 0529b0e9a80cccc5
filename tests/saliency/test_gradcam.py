"""Grad-CAM against captum's, and its choice of layer."""

import pytest
import torch
from captum.attr import LayerGradCam
from torch import Tensor, nn
from torch.nn import functional

from audit.errors import MethodError
from audit.input_spec import SpeechInput
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
