"""Projected gradients: optima that are known, a literal version, a peer, and what must not stop them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torchattacks
from torch import Tensor, nn

from audit.attacks.ascent import Ascent
from audit.attacks.pgd import pgd
from audit.attacks.pgd_l2 import pgd_l2
from audit.attacks.pgd_snr import pgd_snr
from audit.checks.change import snr_db
from audit.errors import MethodError
from audit.model import Model, TorchModel
from audit.randomness import SampleRng

from ..toys import SPEC, picture_model, pictures
from .linear import FACE, TWO, WAVE, cells, linear, recognised


@pytest.mark.parametrize("shape", [(64,), (1, 8, 8), (3, 6, 6)])
@pytest.mark.parametrize("loss", ["ce", "margin"])
def test_on_a_linear_model_it_reaches_the_best_step_there_is(shape: tuple[int, ...], loss: Any) -> None:
    model = linear(shape, bias=9.0)
    weights = model.module.weights
    inputs = 0.8 * cells(3, *shape) - 0.4
    (found,) = pgd(model, inputs, torch.zeros(3).long(), SampleRng([1, 2, 3]), epsilon=[0.05], steps=10, loss=loss)
    torch.testing.assert_close(found, inputs - 0.05 * weights.sign())


def test_where_a_bound_forbids_the_best_step_that_which_is_allowed_is_found() -> None:
    model = linear((1, 8, 8), spec=FACE)
    inputs = (cells(3, 1, 8, 8) > 0.5).float()
    (found,) = pgd(model, inputs, torch.zeros(3).long(), SampleRng([1, 2, 3]), epsilon=[0.1], steps=10)
    torch.testing.assert_close(found, (inputs - 0.1 * model.module.weights.sign()).clamp(0, 1))


@pytest.mark.parametrize("shape", [(64,), (1, 8, 8)])
def test_in_the_l2_norm_it_ends_along_the_weights(shape: tuple[int, ...]) -> None:
    model = linear(shape)
    weights = model.module.weights
    inputs = 0.2 * cells(3, *shape)
    (found,) = pgd_l2(model, inputs, torch.zeros(3).long(), SampleRng([1, 2, 3]), epsilon=[0.5], steps=100)
    best = 0.5 * weights.norm()
    lowered = (model.logits(inputs) - model.logits(found))[:, 0]
    assert bool((lowered > 0.98 * best).all())
    assert bool(((found - inputs).flatten(1).norm(dim=1) <= 0.5 + 1e-6).all())


def test_noise_at_a_stated_ratio_is_as_loud_as_stated_of_loud_and_of_quiet_clips() -> None:
    model = linear((16000,), bias=1e4)
    loudness = torch.tensor([0.5, 0.01, 0.0])
    inputs = loudness[:, None] * torch.sin(torch.arange(16000) / 7)
    found = list(pgd_snr(model, inputs, torch.zeros(3).long(), SampleRng([1, 2, 3]), snr_db=[40, 20], steps=30))
    for ratio, changed in zip((40, 20), found, strict=True):
        torch.testing.assert_close(
            snr_db(inputs, changed)[:2].float(), torch.full((2,), float(ratio)), rtol=0, atol=1e-3
        )
        assert torch.equal(changed[2], inputs[2])
        lowered = (model.logits(inputs) - model.logits(changed))[:2, 0]
        best = inputs[:2].norm(dim=1) * 10 ** (-ratio / 20) * model.module.weights.norm()
        torch.testing.assert_close(lowered, best, rtol=0.02, atol=0.01)


def test_a_ratio_needs_a_waveform_and_says_how_to_come_by_one(resnet: TorchModel, mels: Tensor) -> None:
    streams, targets = SampleRng([1, 2, 3, 4]), torch.zeros(4).long()
    with pytest.raises(MethodError, match="takes melspectrogram; set space: waveform"):
        pgd_snr(resnet, mels, targets, streams, snr_db=[30])
    with pytest.raises(MethodError, match="takes pixels; use pgd_l2"):
        pgd_snr(linear((1, 8, 8), spec=FACE), cells(4, 1, 8, 8), targets, streams, snr_db=[30])


def test_it_goes_through_the_front_end_to_the_waveform(resnet: TorchModel) -> None:
    view = resnet.view_from_waveform()
    waveforms = 0.1 * torch.randn(2, view.spec.samples, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        clean = view.logits(waveforms)
    targets = clean.argmax(1)
    (found,) = pgd_snr(view, waveforms, targets, SampleRng([1, 2]), snr_db=[25], steps=5)
    assert bool((snr_db(waveforms, found) > 25 - 1e-3).all())
    with torch.no_grad():
        changed = view.logits(found)
    assert bool((changed.gather(1, targets[:, None]) < clean.gather(1, targets[:, None])).all())


def literal(model: Model, one: Tensor, target: int, seed: int, epsilon: float, steps: int, restarts: int) -> Tensor:
    """The algorithm clip by clip, with the random numbers of the clip's stream, in batches of copies."""

    def asked(at: Tensor) -> tuple[float, Tensor]:
        leaf = at.repeat(8, 1, 1, 1).requires_grad_(True)
        logits = model.logits(leaf)
        others = [k for k in range(logits.shape[1]) if k != target]
        margins = logits[:, target] - logits[:, others].max(1).values
        (gradient,) = torch.autograd.grad(margins.sum(), leaf)
        return margins[0].item(), gradient[0]

    worst, least = one, asked(one)[0]
    rng = SampleRng([seed])
    for _ in range(restarts):
        if least < 0:
            break
        at = (one + epsilon * (2 * rng.uniform(one[None])[0] - 1)).clamp(0, 1)
        for taken in range(steps + 1):
            margin, gradient = asked(at)
            if margin < least:
                worst, least = at, margin
            if least < 0 or taken == steps:
                break
            at = at - 2.5 * epsilon / steps * gradient.sign()
            at = torch.maximum(torch.minimum(at, one + epsilon), one - epsilon).clamp(0, 1)
    return worst


def test_it_equals_a_literal_version() -> None:
    model = picture_model()
    inputs, truths = pictures(12, seed=9)
    (found,) = pgd(model, inputs, truths, SampleRng(range(12)), epsilon=[0.15], steps=7, restarts=2, loss="margin")
    for row, changed in enumerate(found):
        expected = literal(model, inputs[row], int(truths[row]), row, 0.15, 7, 2)
        torch.testing.assert_close(changed, expected, rtol=0, atol=1e-6)
    assert 0 < recognised(model, found, truths) < 12


class Scaled(nn.Module):
    """The same network, this many times as sure."""

    def __init__(self, inner: nn.Module, factor: float) -> None:
        super().__init__()
        self.inner, self.factor = inner, factor

    def forward(self, inputs: Tensor) -> Tensor:
        return self.factor * self.inner(inputs)


def test_it_takes_the_same_steps_as_torchattacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the same start, by the cross-entropy, until a clip is done."""
    # The cross-entropy of the network as it is has no gradient, in single precision.
    model = picture_model(Scaled(picture_model().module, 0.1))
    inputs, truths = pictures(8, seed=9)
    seen: list[Tensor] = []
    kept = Ascent.climbing

    def watched(self: Ascent, rows: Tensor, at: Tensor) -> tuple[Tensor, Tensor]:
        seen.append(at)
        return kept(self, rows, at)

    monkeypatch.setattr(Ascent, "climbing", watched)
    ascent = Ascent(model, inputs, truths, norm="linf", loss="ce", enough=-torch.inf)
    ascent.climb(inputs, torch.full((8,), 0.05), steps=6, step=0.3)
    for steps in range(1, 6):
        peer = torchattacks.PGD(model.module, eps=0.05, alpha=0.015, steps=steps, random_start=False)
        torch.testing.assert_close(seen[steps], peer(inputs, truths), rtol=0, atol=1e-6)


def test_it_leaves_no_more_right_answers_than_torchattacks() -> None:
    model = picture_model()
    inputs, truths = pictures(32, seed=9)
    sizes = (0.1, 0.15, 0.2)
    for size, found in zip(
        sizes, pgd(model, inputs, truths, SampleRng(range(32)), epsilon=sizes, steps=15), strict=True
    ):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            peer = torchattacks.PGD(model.module, eps=size, alpha=2.5 * size / 15, steps=15)(inputs, truths)
        assert recognised(model, found, truths) <= recognised(model, peer, truths)


@pytest.mark.parametrize("loss", ["ce", "margin"])
def test_a_saturated_model_is_no_harder(loss: Any) -> None:
    plain = picture_model()
    sure = picture_model(Scaled(plain.module, 1e4))
    inputs, truths = pictures(32, seed=9)
    leaf = inputs.clone().requires_grad_(True)
    nn.functional.cross_entropy(sure.logits(leaf), truths, reduction="sum").backward()
    assert not bool(leaf.grad.any())

    def left(model: TorchModel) -> int:
        (found,) = pgd(model, inputs, truths, SampleRng(range(32)), epsilon=[0.15], loss=loss, steps=20)
        return recognised(plain, found, truths)

    assert abs(left(sure) - left(plain)) <= 3
    assert left(sure) < 25


def test_a_clip_that_is_done_costs_nothing_more() -> None:
    model = linear((64,), bias=-32.0)
    model.module.weights.data.fill_(1.0)
    inputs = torch.stack([torch.full((64,), 0.4)] * 20)
    (found,) = pgd(model, inputs, torch.zeros(20).long(), SampleRng(range(20)), epsilon=[0.05], steps=50)
    assert torch.equal(found, inputs)
    # One look at each, in batches of eight, the last filled up.
    assert model.ledger.total.forward_samples == 24


def test_where_the_gradient_is_nan_it_goes_on_with_the_other_cells() -> None:
    class Rooted(nn.Module):
        def forward(self, inputs: Tensor) -> Tensor:
            # The square root has no finite slope at zero, and zero times that is NaN.
            margin = 1.0 + inputs[:, 1:].sum(1) + 0.0 * inputs[:, 0].square().sqrt()
            return torch.stack([margin, torch.zeros_like(margin)], dim=1)

    model = TorchModel(Rooted(), WAVE, TWO)
    inputs = torch.zeros(1, 8)
    ascent = Ascent(model, inputs, torch.zeros(1).long(), norm="linf", loss="margin")
    ascent.climb(inputs, torch.full((1,), 0.1), steps=4, step=0.5)
    torch.testing.assert_close(ascent.found, torch.tensor([[0.0] + [-0.1] * 7]))


def test_what_gives_no_gradients_is_refused_with_what_to_do() -> None:
    model = linear((64,))
    model.differentiable = False
    with pytest.raises(MethodError, match="gives no gradients; use a method that needs none"):
        pgd(model, cells(1, 64), torch.zeros(1).long(), SampleRng([1]), epsilon=[0.1])


@pytest.mark.parametrize("keys", [{"steps": 0}, {"restarts": 0}, {"step": 0.0}, {"step": -0.1}])
@pytest.mark.parametrize("method", [pgd, pgd_l2])
def test_no_steps_or_no_length_are_refused(method: Any, keys: dict[str, float]) -> None:
    with pytest.raises(MethodError, match="steps and restarts of at least 1 and a step above 0"):
        method(linear((64,)), cells(1, 64), torch.zeros(1).long(), SampleRng([1]), epsilon=[0.1], **keys)


def test_a_second_start_can_only_find_more() -> None:
    model = picture_model()
    inputs, truths = pictures(48, seed=9)
    left = []
    for restarts in (1, 4):
        (found,) = pgd(model, inputs, truths, SampleRng(range(48)), epsilon=[0.16], steps=4, restarts=restarts)
        left.append(found)
    with torch.no_grad():
        wrong = [model.logits(found).argmax(1) != truths for found in left]
    assert bool((wrong[1] >= wrong[0]).all())
    assert SPEC.clip(left[1]).equal(left[1])
