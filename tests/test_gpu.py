"""The same audit on a CUDA device."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from audit import read_suite, run
from audit.attacks.fgsm import fgsm
from audit.input_spec import SpeechInput
from audit.model import TorchModel, as_found
from audit.randomness import SampleRng
from audit.saliency.gradcam import gradcam
from audit.saliency.gradient_times_input import gradient_times_input
from audit.saliency.integrated_gradients import integrated_gradients
from audit.saliency.smoothgrad import smoothgrad


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
def test_a_cuda_device_gives_the_predictions_of_the_processor(repository: Path) -> None:
    suite = read_suite(repository / "suites" / "quickstart.audit.yaml")
    keys = ["check", "method", "measure", "severity", "sample"]
    there, here = (run(suite, limit=24, device=device).records for device in ("cuda", "cpu"))
    both = there.merge(here, on=keys, suffixes=("", "_cpu"))
    assert len(both) == len(here)
    predicted = both[both["measure"] == ""]
    np.testing.assert_allclose(
        np.array(predicted["probabilities"].tolist()), np.array(predicted["probabilities_cpu"].tolist()), atol=1e-3
    )


class Recurrent(nn.Module):
    """A recurrent layer over the columns of (n, 1, 16, columns)."""

    def __init__(self, kind: type[nn.RNNBase]) -> None:
        super().__init__()
        self.recurrent, self.head = kind(16, 12, batch_first=True, bidirectional=True), nn.Linear(24, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(self.recurrent(inputs.squeeze(1).transpose(1, 2))[0].mean(1))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_recurrent_networks_have_gradients_on_cuda_as_on_the_processor(kind: type[nn.RNNBase]) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Recurrent(kind)
    inputs = torch.rand(4, 1, 16, 20, generator=torch.Generator().manual_seed(1))
    targets = torch.tensor([0, 1, 2, 0])
    model = TorchModel(network, SpeechInput(16000, 3.0, "melspectrogram", {}), ("anger", "fear", "joy"))
    for explain in (smoothgrad, integrated_gradients, gradient_times_input, gradcam):
        found = []
        for device in ("cpu", "cuda"):
            with as_found(model, device):
                given = inputs.to(device), targets.to(device), SampleRng([1, 2, 3, 4])
                found.append(explain(model, *given).values.cpu())
                assert not network.recurrent.training
        torch.testing.assert_close(*found, rtol=0, atol=1e-4 * float(found[0].abs().max()))
    with as_found(model, "cuda"):
        (adversarial,) = fgsm(model, inputs.cuda(), targets.cuda(), SampleRng([1, 2, 3, 4]), epsilon=[0.1])
    assert torch.isfinite(adversarial).all()
    assert torch.backends.cudnn.enabled
