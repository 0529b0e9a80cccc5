"""A network that keeps gradients from its input: what needs them says so, and nothing is judged from none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from audit.errors import MethodError
from audit.kinds import find, known_methods
from audit.randomness import SampleRng

from .toys import learned, picture_model, pictures

REASON = "no gradient reaches the input"


class Cut(nn.Module):
    """A network behind a cut, as one through numpy would make it; its own parameters may have gradients."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = learned()

    def forward(self, inputs: Tensor) -> Tensor:
        return self.inner(inputs.detach())


class CutBehind(Cut):
    """A network whose answers are cut off from all that made them."""

    def forward(self, inputs: Tensor) -> Tensor:
        return self.inner(inputs).detach()


NETWORKS: Mapping[str, Any] = {
    "parameters with gradients": lambda: Cut().requires_grad_(True),
    "parameters without": lambda: Cut(),
    "answers cut off": lambda: CutBehind().requires_grad_(True),
}
ATTACKS = ("fgsm", "pgd", "pgd_l2", "apgd")
MAPS = ("smoothgrad", "integrated_gradients", "gradient_times_input")


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_that_climbs_has_no_answer(name: str, network: str) -> None:
    inputs, truths = pictures(6)
    attack = find("attack", name).load()
    with pytest.raises(MethodError, match=REASON):
        list(attack(picture_model(NETWORKS[network]()), inputs, truths, SampleRng(range(6)), epsilon=[0.1]))


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("name", MAPS)
def test_a_map_of_gradients_has_none(name: str, network: str) -> None:
    inputs, truths = pictures(6)
    with pytest.raises(MethodError, match=REASON):
        find("saliency", name).load()(picture_model(NETWORKS[network]()), inputs, truths, SampleRng(range(6)))


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("name", sorted(known_methods("saliency")))
def test_no_map_breaks_off_without_a_reason(name: str, network: str) -> None:
    inputs, truths = pictures(6)
    keys = {"samples": 32} if name in ("lime", "kernel_shap") else {}
    try:
        found = find("saliency", name).load()(
            picture_model(NETWORKS[network]()), inputs, truths, SampleRng(range(6)), **keys
        )
    except MethodError:
        return
    assert bool(torch.isfinite(found.values).all())
