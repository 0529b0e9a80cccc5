"""Networks that hide their gradient: none is any more robust, and each looks so to an attack that follows it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from audit.kinds import find
from audit.model import TorchModel
from audit.randomness import SampleRng

from ..masked_models import masked
from ..toys import learned, picture_model, pictures
from .linear import recognised

HIDDEN = ("rounded", "quantised", "shattered")


@pytest.fixture(scope="module")
def networks() -> dict[str, TorchModel]:
    return {name: picture_model(module) for name, module in masked(learned()).items()}


@pytest.fixture(scope="module")
def clips() -> tuple[Tensor, Tensor]:
    return pictures(24, seed=9)


def left(model: TorchModel, clips: tuple[Tensor, Tensor], name: str, size: float, **keys: Any) -> int:
    inputs, truths = clips
    (found,) = find("attack", name).load()(model, inputs, truths, SampleRng(range(24)), epsilon=[size], **keys)
    return recognised(model, model.spec.clip(found), truths)


@pytest.mark.parametrize("name", sorted(masked(nn.Identity())))
def test_each_recognises_what_the_network_itself_does(
    networks: dict[str, TorchModel], clips: tuple[Tensor, Tensor], name: str
) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        assert recognised(networks[name], *clips) >= 23


@pytest.mark.parametrize("name", HIDDEN)
def test_where_the_gradient_is_hidden_a_search_without_it_finds_more(
    networks: dict[str, TorchModel], clips: tuple[Tensor, Tensor], name: str
) -> None:
    blind = left(networks[name], clips, "square", 0.25, queries=60)
    assert blind < left(networks[name], clips, "pgd", 0.25, steps=10) - 5
    plain = picture_model()
    assert left(plain, clips, "pgd", 0.25, steps=10) <= left(plain, clips, "square", 0.25, queries=60)


@pytest.mark.parametrize("name", ["saturated", "softmaxed"])
def test_where_only_the_outputs_are_squashed_the_odds_still_lead_uphill(
    networks: dict[str, TorchModel], clips: tuple[Tensor, Tensor], name: str
) -> None:
    assert left(networks[name], clips, "pgd", 0.2, steps=10) <= 3


@pytest.mark.parametrize("name", ["saturated", "rounded", "quantised"])
def test_of_these_the_cross_entropy_has_no_gradient(
    networks: dict[str, TorchModel], clips: tuple[Tensor, Tensor], name: str
) -> None:
    leaf = clips[0].clone().requires_grad_(True)
    nn.functional.cross_entropy(networks[name].logits(leaf), clips[1], reduction="sum").backward()
    assert not bool(leaf.grad.any())


def test_no_two_answers_of_the_randomised_one_are_the_same(
    networks: dict[str, TorchModel], clips: tuple[Tensor, Tensor]
) -> None:
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        assert not torch.equal(networks["randomised"].logits(clips[0]), networks["randomised"].logits(clips[0]))
