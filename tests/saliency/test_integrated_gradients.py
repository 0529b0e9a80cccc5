"""Integrated gradients and gradient x input: captum's, and what their papers promise."""

import pytest
import torch
from captum.attr import InputXGradient, IntegratedGradients
from torch import Tensor, nn

from audit.errors import MethodError
from audit.input_spec import SpeechInput
from audit.model import BlackBox, TorchModel
from audit.randomness import SampleRng
from audit.saliency.gradient_times_input import gradient_times_input
from audit.saliency.integrated_gradients import integrated_gradients

TARGETS = torch.tensor([0, 1, 2, 3])
MEL = SpeechInput(16000, 3.0, "melspectrogram", {})


def smooth() -> TorchModel:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = nn.Sequential(nn.Flatten(), nn.Linear(24, 8), nn.Tanh(), nn.Linear(8, 4))
    return TorchModel(network.eval(), MEL, ("anger", "fear", "joy", "neutral"))


@pytest.mark.parametrize(("baseline", "value"), [("floor", 0.0), ("mean", None)])
def test_it_equals_captums_integrated_gradients(
    baseline: str, value: float | None, resnet: TorchModel, mels: Tensor, rng: SampleRng
) -> None:
    ours = integrated_gradients(resnet, mels, TARGETS, rng, baseline=baseline, steps=8).values
    start = mels.mean((1, 2, 3), keepdim=True).expand_as(mels) if value is None else torch.full_like(mels, value)
    theirs = IntegratedGradients(resnet.module).attribute(mels, start, TARGETS, n_steps=8, method="gausslegendre")
    torch.testing.assert_close(ours, theirs.float(), rtol=0, atol=1e-5 * float(theirs.abs().max()) + 1e-7)


def test_a_map_sums_to_the_difference_of_the_logits(rng: SampleRng) -> None:
    model, inputs = smooth(), torch.rand(4, 1, 4, 6, generator=torch.Generator().manual_seed(0))
    found = integrated_gradients(model, inputs, TARGETS, rng, steps=16)
    with torch.no_grad():
        due = (model.logits(inputs) - model.logits(torch.zeros_like(inputs))).gather(1, TARGETS[:, None]).squeeze(1)
    torch.testing.assert_close(found.values.flatten(1).sum(1), due, rtol=0, atol=1e-5)
    assert (found.measures["completeness"] < 1e-4).all()


def test_too_few_steps_show_in_completeness(rng: SampleRng) -> None:
    model, inputs = smooth(), 3 * torch.rand(4, 1, 4, 6, generator=torch.Generator().manual_seed(0))
    few, many = (
        integrated_gradients(model, inputs, TARGETS, rng, steps=steps).measures["completeness"] for steps in (1, 24)
    )
    assert (few > 10 * many).all()


def test_gradient_times_input_equals_captums(resnet: TorchModel, mels: Tensor, rng: SampleRng) -> None:
    ours = gradient_times_input(resnet, mels, TARGETS, rng).values
    theirs = InputXGradient(resnet.module).attribute(mels.clone().requires_grad_(), TARGETS)
    torch.testing.assert_close(ours, theirs.detach(), rtol=0, atol=1e-6)


def test_gradient_times_input_of_a_network_without_biases_sums_to_its_logit(rng: SampleRng) -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(24, 8, bias=False), nn.ReLU(), nn.Linear(8, 4, bias=False))
    model, inputs = TorchModel(network.eval(), MEL, ("anger", "fear", "joy", "neutral")), torch.rand(4, 1, 4, 6)
    values = gradient_times_input(model, inputs, TARGETS, rng).values
    logits = network(inputs).detach().gather(1, TARGETS[:, None]).squeeze(1)
    torch.testing.assert_close(values.flatten(1).sum(1), logits, rtol=0, atol=1e-5)


@pytest.mark.parametrize("method", [integrated_gradients, gradient_times_input])
def test_a_model_without_gradients_is_refused(method: object, mels: Tensor, rng: SampleRng) -> None:
    model = BlackBox(lambda inputs: inputs.reshape(len(inputs), -1)[:, :4], MEL, ("anger", "fear", "joy", "neutral"))
    with pytest.raises(MethodError, match="gives none; use lime"):
        method(model, mels, TARGETS, rng)


def test_no_steps_are_too_few(rng: SampleRng, mels: Tensor, resnet: TorchModel) -> None:
    with pytest.raises(MethodError, match="at least 1"):
        integrated_gradients(resnet, mels, TARGETS, rng, steps=0)
