"""FGSM against torchattacks, and the driver that keeps every attack honest."""

import pytest
import torch
import torchattacks
from torch import Tensor, nn

from audit.attacks.fgsm import fgsm
from audit.checks.attack import into_ball
from audit.errors import MethodError
from audit.input_spec import SpeechInput
from audit.model import TorchModel
from audit.randomness import SampleRng

EPSILONS = (0.0, 0.0025, 0.01, 0.02)


def test_it_equals_torchattacks_on_inputs_in_zero_one(resnet: TorchModel, mels: Tensor, rng: SampleRng) -> None:
    targets = torch.tensor([0, 2, 3, 5])
    ours = list(fgsm(resnet, mels, targets, rng, epsilon=EPSILONS))
    for epsilon, attacked in zip(EPSILONS, ours, strict=True):
        theirs = torchattacks.FGSM(resnet.module, eps=epsilon)(mels, targets)
        torch.testing.assert_close(attacked.clamp(0, 1), theirs, rtol=0, atol=1e-5)


def test_one_gradient_serves_the_whole_curve(resnet: TorchModel, mels: Tensor, rng: SampleRng) -> None:
    list(fgsm(resnet, mels, torch.zeros(4, dtype=torch.long), rng, epsilon=EPSILONS))
    assert (resnet.ledger.total.forward_samples, resnet.ledger.total.backward_samples) == (4, 4)


def test_on_a_linear_model_it_steps_against_the_true_emotion() -> None:
    module = nn.Linear(3, 2, bias=False)
    with torch.no_grad():
        module.weight.copy_(torch.tensor([[1.0, -2.0, 0.0], [0.0, 0.0, 0.0]]))
    model = TorchModel(module, SpeechInput(16000, 1.0, "waveform"), ("anger", "fear"))
    (attacked,) = fgsm(model, torch.zeros(1, 3), torch.tensor([0]), SampleRng([1]), epsilon=[0.1])
    torch.testing.assert_close(attacked, torch.tensor([[-0.1, 0.1, 0.0]]))


def test_a_black_box_is_refused_with_what_to_do() -> None:
    model = TorchModel(nn.Linear(3, 2), SpeechInput(16000, 1.0, "waveform"), ("anger", "fear"))
    model.differentiable = False
    with pytest.raises(MethodError, match="gives no gradients; use a method that needs none"):
        next(fgsm(model, torch.zeros(1, 3), torch.tensor([0]), SampleRng([1]), epsilon=[0.1]))


def test_no_proposal_leaves_its_ball() -> None:
    centre = torch.rand(5, 1, 8, 8)
    proposal = centre + torch.randn(5, 1, 8, 8)
    assert (into_ball(centre, proposal, 0.1, "linf") - centre).abs().max() <= 0.1 + 1e-7
    lengths = (into_ball(centre, proposal, 0.5, "l2") - centre).flatten(1).norm(dim=1)
    torch.testing.assert_close(lengths, torch.full((5,), 0.5))


def test_a_proposal_inside_its_ball_is_left_alone() -> None:
    centre = torch.rand(5, 10)
    inside = centre + 0.01
    assert torch.equal(into_ball(centre, inside, 0.1, "linf"), inside)


def test_an_unknown_norm_is_named() -> None:
    with pytest.raises(MethodError, match="unknown norm 'l7'"):
        into_ball(torch.zeros(1, 2), torch.ones(1, 2), 0.1, "l7")
