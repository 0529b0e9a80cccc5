"""SmoothGrad against captum's, and its random draws."""

import torch
from captum.attr import NoiseTunnel, Saliency
from torch import Tensor

from audit.model import TorchModel
from audit.randomness import SampleRng
from audit.saliency.smoothgrad import smoothgrad

TARGETS = torch.tensor([0, 1, 2, 3])


def test_without_noise_it_is_the_gradients_magnitude(resnet: TorchModel, mels: Tensor, rng: SampleRng) -> None:
    ours = smoothgrad(resnet, mels, TARGETS, rng, samples=2, noise=0.0).values
    theirs = Saliency(resnet.module).attribute(mels.clone().requires_grad_(), TARGETS, abs=True)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)


def test_with_noise_it_approaches_captums_noise_tunnel(resnet: TorchModel, mels: Tensor) -> None:
    """Both average over their own draws; as many draws bring the two maps together."""
    one, target = mels[:1], TARGETS[:1]
    ours = smoothgrad(resnet, one, target, SampleRng([5]), samples=200, noise=0.05).values
    spread = float((one.max() - one.min()) * 0.05)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        theirs = NoiseTunnel(Saliency(resnet.module)).attribute(
            one.clone().requires_grad_(),
            nt_samples=200,
            nt_samples_batch_size=20,
            stdevs=spread,
            target=target,
            abs=False,
        )
    together = torch.stack([ours.flatten(), theirs.abs().flatten()])
    assert torch.corrcoef(together)[0, 1] > 0.95


def test_a_clips_map_does_not_depend_on_its_batch(resnet: TorchModel, mels: Tensor) -> None:
    whole = smoothgrad(resnet, mels, TARGETS, SampleRng([1, 2, 3, 4]), samples=3).values
    alone = smoothgrad(resnet, mels[2:3], TARGETS[2:3], SampleRng([3]), samples=3).values
    torch.testing.assert_close(whole[2:3], alone, rtol=0, atol=1e-6)
