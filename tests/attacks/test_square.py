"""The Square attack: optima that are known, a literal version, a peer, and what must not change its result."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torchattacks
from torch import Tensor, nn

from audit.attacks.square import HALVED_AFTER, _halvings, _window, square
from audit.errors import MethodError
from audit.input_spec import FaceInput, SpeechInput
from audit.intervals import wilson
from audit.kinds import find
from audit.model import BlackBox, Model, TorchModel
from audit.randomness import SampleRng

WAVE = SpeechInput(16000, 1.0, "waveform")
FACE = FaceInput(16, 16)
TWO = ("anger", "fear")


class Linear(nn.Module):
    """Two logits whose margin is a weighted sum of the cells."""

    def __init__(self, weights: Tensor, bias: float) -> None:
        super().__init__()
        self.weights, self.bias = weights, bias

    def forward(self, inputs: Tensor) -> Tensor:
        margin = inputs.flatten(1) @ self.weights.flatten() + self.bias
        return torch.stack([margin, torch.zeros_like(margin)], dim=1)


def cells(*shape: int, seed: int = 1) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def network(features: int, emotions: int = 3) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return nn.Sequential(nn.Flatten(), nn.Linear(features, 16), nn.Tanh(), nn.Linear(16, emotions)).eval()


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 6, 6), (1, 4, 32), (64,), (1, 64), (1, 1, 64)])
def test_on_a_linear_model_it_reaches_the_best_step_there_is(shape: tuple[int, ...]) -> None:
    weights = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    model = TorchModel(Linear(weights, 100.0), WAVE, TWO)
    inputs = 0.8 * cells(3, *shape) - 0.4
    (attacked,) = square(model, inputs, torch.zeros(3).long(), SampleRng([1, 2, 3]), epsilon=[0.1], queries=2000)
    lowered = (model.logits(inputs) - model.logits(attacked))[:, 0]
    assert (lowered > 0.99 * 0.1 * weights.abs().sum()).all()


def test_it_stays_in_the_bounds_while_it_searches() -> None:
    """Where a bound forbids the best step, that which is allowed is found and not lost to the driver's clipping."""
    weights = torch.randn(1, 8, 8, generator=torch.Generator().manual_seed(0))
    model = TorchModel(Linear(weights, 100.0), FaceInput(8, 8), TWO)
    inputs = (cells(3, 1, 8, 8) > 0.5).float()
    (attacked,) = square(model, inputs, torch.zeros(3).long(), SampleRng([1, 2, 3]), epsilon=[0.1], queries=2000)
    best = model.spec.clip(inputs - 0.1 * weights.sign())
    torch.testing.assert_close(attacked, best)


def literal(model: Model, one: Tensor, target: int, seed: int, epsilon: float, queries: int, share: float) -> Tensor:
    """The algorithm clip by clip, cell by cell, with the random numbers of the clip's stream."""

    def margin(inputs: Tensor) -> float:
        logits = model.logits(inputs[None])[0].tolist()
        return logits[target] - max(logit for k, logit in enumerate(logits) if k != target)

    channels, rows, columns = one.shape
    generator = SampleRng([seed]).numpy()[0]
    stripes = generator.integers(0, 2, (channels, 1, columns))
    signs = generator.integers(0, 2, (queries, channels, 1, 1))
    places = generator.random((queries, 2))
    if margin(one) < 0:
        return one
    best = one.clone()
    for channel in range(channels):
        for column in range(columns):
            best[channel, :, column] += epsilon * (1 if stripes[channel, 0, column] else -1)
    best = best.clamp(0, 1)
    least = margin(best)
    for query in range(1, queries):
        if least < 0:
            break
        tenthousandth = int((query - 1) / queries * 10000)
        part = share * 0.5 ** sum(tenthousandth > after for after in HALVED_AFTER)
        side = max(round(math.sqrt(part * rows * columns)), 1)
        top, left = (int(u * (room - side + 1)) for u, room in zip(places[query], (rows, columns), strict=True))
        for turned in (1, -1):
            guess = best.clone()
            for channel in range(channels):
                step = turned * (1 if signs[query, channel] else -1) * epsilon
                for row in range(top, top + side):
                    for column in range(left, left + side):
                        guess[channel, row, column] = (one[channel, row, column] + step).clamp(0, 1)
            if not torch.equal(guess, best):
                break
        found = margin(guess)
        if found < least - 1e-5:
            best, least = guess, found
    return best


@pytest.mark.parametrize("channels", [1, 3])
def test_it_equals_a_literal_version(channels: int) -> None:
    model = TorchModel(network(channels * 81), FaceInput(9, 9), ("anger", "fear", "sadness"))
    inputs, seeds = cells(5, channels, 9, 9), [1, 2, 3, 4, 5]
    with torch.no_grad():
        targets = model.logits(inputs).argmax(1)
        targets[0] = (targets[0] + 1) % 3
        (ours,) = square(model, inputs, targets, SampleRng(seeds), epsilon=[0.06], queries=150, share=0.5)
        for one, target, seed, found in zip(inputs, targets.tolist(), seeds, ours, strict=True):
            torch.testing.assert_close(found, literal(model, one, target, seed, 0.06, 150, 0.5))
    changed = (ours != inputs).flatten(1).any(1).tolist()
    assert changed == [False, True, True, True, True]


def test_its_schedule_is_the_published_one() -> None:
    theirs = torchattacks.Square(nn.Flatten(), n_queries=700, p_init=0.8)
    for query in range(700):
        assert 0.8 / 2 ** _halvings(query, 700) == pytest.approx(theirs.p_selection(query))


@pytest.mark.parametrize(
    ("share", "plane", "window"),
    [
        (0.05, (128, 94), (25, 25)),
        (0.8, (128, 94), (102, 94)),
        (0.8, (40, 300), (40, 240)),
        (0.05, (1, 48000), (1, 2400)),
        (1e-6, (1, 48000), (1, 1)),
        (1.0, (7, 7), (7, 7)),
    ],
)
def test_its_window_covers_the_share_of_the_cells(
    share: float, plane: tuple[int, int], window: tuple[int, int]
) -> None:
    assert _window(share, *plane) == window


def pictures(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Noisy pictures of four kinds of stripes."""
    generator = torch.Generator().manual_seed(seed)
    truths = torch.randint(0, 4, (count,), generator=generator)
    y, x = torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="ij")
    kinds = torch.stack([torch.sin(y), torch.sin(x), torch.sin((x + y) / 1.4), torch.sin((x - y) / 1.4)])
    noise = torch.randn(count, 16, 16, generator=generator)
    return (0.5 + 0.12 * kinds[truths] + 0.12 * noise).clamp(0, 1)[:, None], truths


@pytest.fixture(scope="module")
def trained() -> TorchModel:
    """A small CNN that has learned to tell the pictures apart."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = nn.Sequential(
            *(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU()),
            *(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(64, 4)),
        )
        inputs, truths = pictures(512, 1)
        optimiser = torch.optim.Adam(module.parameters(), 0.01)
        for _ in range(60):
            optimiser.zero_grad()
            nn.functional.cross_entropy(module(inputs), truths).backward()
            optimiser.step()
    return TorchModel(module.eval(), FACE, ("anger", "fear", "sadness", "joy"))


def test_it_leaves_no_more_right_answers_than_torchattacks(trained: TorchModel) -> None:
    inputs, truths = pictures(200, 2)

    def right(found: Tensor) -> int:
        with torch.no_grad():
            return int((trained.logits(found).argmax(1) == truths).sum())

    assert right(inputs) > 190
    sizes = (0.03, 0.05, 0.07)
    ours = square(trained, inputs, truths, SampleRng(range(200)), epsilon=sizes, queries=200)
    shares = []
    for size, found in zip(sizes, ours, strict=True):
        with torch.random.fork_rng():
            peer = torchattacks.Square(trained.module, eps=size, n_queries=200, p_init=0.8)(inputs, truths)
        _, high = wilson(right(peer) / 200, 200, 0.95)
        # Theirs puts one square on all clips at once, and tries ones that change nothing: it may find less.
        assert right(found) / 200 <= high
        shares.append(right(found) / 200)
    assert shares[0] > 0.4
    assert shares[-1] < 0.1
    assert shares == sorted(shares, reverse=True)


@pytest.mark.parametrize("order", [[[0], [1], [2], [3]], [[3, 1], [2, 0]], [[3, 2, 1, 0]]], ids=str)
def test_neither_batches_nor_their_order_change_what_is_found(
    resnet: TorchModel, mels: Tensor, order: list[list[int]]
) -> None:
    with torch.no_grad():
        targets = resnet.logits(mels).argmax(1)
    keys = {"epsilon": [0.002], "queries": 40}
    (together,) = square(resnet, mels, targets, SampleRng([1, 2, 3, 4]), **keys)
    for part in order:
        (found,) = square(resnet, mels[part], targets[part], SampleRng([i + 1 for i in part]), **keys)
        assert torch.equal(found, together[part])


def test_what_differs_in_the_last_digits_from_batch_to_batch_leads_nowhere_else() -> None:
    inner = TorchModel(network(64), WAVE, ("anger", "fear", "sadness"))

    class Rounding(nn.Module):
        def forward(self, inputs: Tensor) -> Tensor:
            exact = inner.module(inputs)
            generator = torch.Generator().manual_seed(len(inputs))
            return exact + 1e-6 * (torch.rand(3, generator=generator) - 0.5)

    model = TorchModel(Rounding(), WAVE, inner.emotions)
    inputs = cells(12, 64) - 0.5
    with torch.no_grad():
        targets = inner.logits(inputs).argmax(1)
    keys = {"epsilon": [0.02], "queries": 400}
    (together,) = square(model, inputs, targets, SampleRng(range(12)), **keys)
    alone = [next(square(model, inputs[i : i + 1], targets[i : i + 1], SampleRng([i]), **keys))[0] for i in range(12)]
    assert torch.equal(torch.stack(alone), together)


def test_every_epsilon_starts_from_the_same_random_numbers(resnet: TorchModel, mels: Tensor) -> None:
    with torch.no_grad():
        targets = resnet.logits(mels).argmax(1)
    curve = list(square(resnet, mels, targets, SampleRng([1, 2, 3, 4]), epsilon=[0.01, 0.0, 0.002], queries=20))
    (alone,) = square(resnet, mels, targets, SampleRng([1, 2, 3, 4]), epsilon=[0.002], queries=20)
    assert torch.equal(curve[2], alone)
    assert torch.equal(curve[1], mels)


def test_a_clip_is_left_alone_once_it_is_misclassified() -> None:
    model = TorchModel(Linear(torch.ones(64), -32.0), WAVE, TWO)
    inputs = torch.stack([torch.full((64,), 0.4), torch.full((64,), 0.501), torch.full((64,), 0.9)])
    targets = torch.zeros(3).long()
    (found,) = square(model, inputs, targets, SampleRng([1, 2, 3]), epsilon=[0.05], queries=50)
    assert torch.equal(found[0], inputs[0])
    margins = model.logits(found)[:, 0]
    assert margins[1] < 0 < margins[2]
    # One question each before the search, 50 about the clip that holds out, few about the one that does not.
    assert 3 + 50 < model.ledger.total.forward_samples < 3 + 50 + 25


def test_a_waveform_is_the_same_with_and_without_an_axis_for_its_channel() -> None:
    inputs = cells(2, 64) - 0.5
    targets = torch.zeros(2).long()
    found = [
        next(
            square(
                TorchModel(Linear(cells(64, seed=4), 100.0), WAVE, TWO),
                inputs.view(2, *shape),
                targets,
                SampleRng([1, 2]),
                epsilon=[0.1],
                queries=60,
            )
        ).view(2, 64)
        for shape in ((64,), (1, 64), (1, 1, 64))
    ]
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


def test_it_needs_answers_alone() -> None:
    weights = cells(64, seed=4).numpy()

    def answer(array: np.ndarray) -> np.ndarray:
        votes = np.clip(np.rint(array @ weights - 0.5 * weights.sum() + 8), 0, 10) / 10
        return np.stack([votes, 1 - votes], axis=1)

    model = BlackBox(answer, WAVE, TWO)
    inputs = torch.full((2, 64), 0.5)
    assert not find("attack", "square").facts["gradients"]
    (found,) = square(model, inputs, torch.zeros(2).long(), SampleRng([1, 2]), epsilon=[0.2], queries=100)
    assert model.logits(found).argmax(1).tolist() == [1, 1]


@pytest.mark.parametrize("keys", [{"queries": 0}, {"share": 0.0}, {"share": 1.5}])
def test_a_search_without_queries_or_cells_is_refused(keys: dict[str, float]) -> None:
    model = TorchModel(Linear(torch.ones(4), 1.0), WAVE, TWO)
    with pytest.raises(MethodError, match="queries of at least 1 and a share in"):
        next(square(model, torch.zeros(1, 4), torch.tensor([0]), SampleRng([1]), epsilon=[0.1], **keys))
