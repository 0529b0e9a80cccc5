"""Auto-PGD: the published checkpoints, a literal version, a peer, and optima that are known."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torchattacks
from torch import Tensor

from audit.attacks.apgd import apgd, checkpoints
from audit.attacks.ascent import logits_ratio
from audit.errors import MethodError
from audit.model import Model
from audit.randomness import SampleRng

from ..toys import picture_model, pictures
from .linear import cells, linear, recognised


def test_its_checkpoints_are_the_published_ones() -> None:
    """p_0 = 0, p_1 = .22, p_(j+1) = p_j + max(p_j - p_(j-1) - .03, .06), each times the steps and rounded up."""
    assert checkpoints(100) == [22, 41, 57, 70, 80, 87, 93, 99]
    assert checkpoints(20) == [5, 9, 12, 14, 16, 18, 19, 20]
    assert checkpoints(1) == [1]


def test_the_ratio_of_logits_is_the_peers_and_blind_to_scale() -> None:
    logits = torch.randn(50, 6, generator=torch.Generator().manual_seed(0))
    targets = torch.arange(50) % 6
    peer = torchattacks.APGD(torch.nn.Linear(1, 1), loss="dlr").dlr_loss
    torch.testing.assert_close(logits_ratio(logits, targets), peer(logits, targets))
    torch.testing.assert_close(
        logits_ratio(1e4 * logits + 7, targets), logits_ratio(logits, targets), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("shape", [(64,), (1, 8, 8)])
def test_on_a_linear_model_it_reaches_the_best_step_there_is(shape: tuple[int, ...]) -> None:
    model = linear(shape, bias=9.0)
    inputs = 0.8 * cells(3, *shape) - 0.4
    (found,) = apgd(model, inputs, torch.zeros(3).long(), SampleRng([1, 2, 3]), epsilon=[0.05])
    torch.testing.assert_close(found, inputs - 0.05 * model.module.weights.sign())


def literal(model: Model, one: Tensor, target: int, seed: int, epsilon: float, steps: int, loss: str) -> Tensor:
    """Algorithm 1 of the paper for one clip, with the random numbers of its stream, in batches of copies."""

    def inside(at: Tensor) -> Tensor:
        return torch.maximum(torch.minimum(at, one + epsilon), one - epsilon).clamp(0, 1)

    def f(at: Tensor) -> tuple[float, float, Tensor]:
        leaf = at.repeat(8, 1, 1, 1).requires_grad_(True)
        z = model.logits(leaf)
        others = [k for k in range(z.shape[1]) if k != target]
        if loss == "ce":
            value = z[:, others].exp().sum(1).log() - z[:, target]
        else:
            pi = z[0].sort(descending=True).indices
            value = -(z[:, target] - z[:, others].max(1).values) / (z[:, pi[0]] - z[:, pi[2]])
        (gradient,) = torch.autograd.grad(value.sum(), leaf)
        return value[0].item(), (z[0, target] - z[0, others].max()).item(), gradient[0]

    worst, least = one, f(one)[1]
    if least < 0:
        return one
    points = [0.0, 0.22]
    while points[-1] <= 1:
        points.append(points[-1] + max(points[-1] - points[-2] - 0.03, 0.06))
    w = [math.ceil(p * steps - 1e-9) for p in points]
    xs = [inside(one + epsilon * (2 * SampleRng([seed]).uniform(one[None])[0] - 1))]
    values = [f(xs[0])]
    eta, x_max, f_max = 2 * epsilon, xs[0], values[0][0]
    etas, maxima, ups = [eta], [f_max], []
    before = xs[0]
    for k in range(steps + 1):
        at = xs[-1]
        value, margin, gradient = f(at)
        if margin < least:
            worst, least = at, margin
        if least < 0 or k == steps:
            return worst
        z = inside(at + eta * gradient.sign())
        new = z if k == 0 else inside(at + 0.75 * (z - at) + 0.25 * (at - before))
        risen, reached, _ = f(new)
        if reached < least:
            worst, least = new, reached
        ups.append(risen > value)
        if risen > f_max:
            x_max, f_max = new, risen
        before = at
        if k + 1 in w:
            since = w[w.index(k + 1) - 1]
            few = sum(ups[since:]) < 0.75 * (k + 1 - since)
            stuck = etas[-1] == eta and maxima[-1] == f_max
            etas.append(eta)
            maxima.append(f_max)
            if few or stuck:
                eta, new = eta / 2, x_max
        xs.append(new)
    raise AssertionError


@pytest.mark.parametrize("loss", ["ce", "dlr"])
def test_it_equals_a_literal_version(loss: Any) -> None:
    model = picture_model()
    inputs, truths = pictures(12, seed=9)
    (found,) = apgd(model, inputs, truths, SampleRng(range(12)), epsilon=[0.145], steps=24, loss=loss)
    for row, changed in enumerate(found):
        expected = literal(model, inputs[row], int(truths[row]), row, 0.145, 24, loss)
        torch.testing.assert_close(changed, expected, rtol=0, atol=1e-6)
    assert 0 < recognised(model, found, truths) < 12


@pytest.mark.parametrize("loss", ["ce", "dlr"])
def test_it_leaves_no_more_right_answers_than_torchattacks(loss: Any) -> None:
    model = picture_model()
    inputs, truths = pictures(32, seed=9)
    sizes = (0.12, 0.15, 0.18)
    ours = apgd(model, inputs, truths, SampleRng(range(32)), epsilon=sizes, steps=15, loss=loss)
    left = []
    for size, found in zip(sizes, ours, strict=True):
        with torch.random.fork_rng():
            peer = torchattacks.APGD(model.module, eps=size, steps=15, loss=loss)(inputs, truths)
        left.append(recognised(model, found, truths))
        # Each starts from random numbers of its own.
        assert left[-1] <= recognised(model, peer, truths) + 1
    assert left[0] > left[-1]


def test_the_ratio_needs_three_emotions() -> None:
    with pytest.raises(MethodError, match="dlr needs 3 emotions, and model 'model' knows 2; set loss: ce"):
        next(apgd(linear((64,)), cells(1, 64), torch.zeros(1).long(), SampleRng([1]), epsilon=[0.1], loss="dlr"))


@pytest.mark.parametrize("keys", [{"steps": 0}, {"restarts": 0}])
def test_no_steps_are_refused(keys: dict[str, int]) -> None:
    with pytest.raises(MethodError, match="apgd needs steps and restarts of at least 1"):
        next(apgd(linear((64,)), cells(1, 64), torch.zeros(1).long(), SampleRng([1]), epsilon=[0.1], **keys))
