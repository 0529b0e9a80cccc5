"""What a network's batch normalisation remembers of the inputs it was trained on."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from audit.input_spec import FaceInput
from audit.model import TorchModel
from audit.probing.normalisation import remembered


@pytest.fixture
def trained() -> TorchModel:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = nn.Sequential(
            nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8, momentum=None), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2)
        )
        network.train()(torch.rand(64, 1, 12, 12))
    return TorchModel(network.eval(), FaceInput(12, 12), ("a", "b"))


def test_inputs_like_those_of_the_training_are_known(trained: TorchModel) -> None:
    found = remembered(trained, torch.rand(32, 1, 12, 12, generator=torch.Generator().manual_seed(1)))
    assert found is not None
    assert found.shift < 0.1
    assert found.spread == pytest.approx(1.0, abs=0.1)
    assert not found.strange


@pytest.mark.parametrize(("factor", "plus"), [(255.0, 0.0), (2.0, -1.0), (1.0, 3.0)])
def test_inputs_on_another_scale_are_strange(trained: TorchModel, factor: float, plus: float) -> None:
    before = {name: value.clone() for name, value in trained.module.state_dict().items()}  # type: ignore[union-attr]
    found = remembered(trained, factor * torch.rand(32, 1, 12, 12) + plus)
    assert found is not None
    assert found.strange
    assert found.layer == "1"
    after = trained.module.state_dict()  # type: ignore[union-attr]
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert all(not layer._forward_pre_hooks for layer in trained.module.modules())  # type: ignore[union-attr]


def test_a_network_without_any_remembers_nothing() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 2)).eval()
    assert remembered(TorchModel(network, FaceInput(2, 2), ("a", "b")), torch.rand(3, 1, 2, 2)) is None
