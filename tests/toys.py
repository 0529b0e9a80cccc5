"""Pictures in which one quadrant tells the emotion, a network that learned them, and what a check makes of both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from audit.checks.session import Session
from audit.data import Sample
from audit.explained import Explained
from audit.input_spec import FaceInput, InputSpec
from audit.model import Model, TorchModel
from audit.progress import Unwatched
from audit.randomness import SampleRng

EMOTIONS = ("anger", "fear", "joy", "neutral")
SIZE = 16
SPEC: InputSpec = FaceInput(SIZE, SIZE)


def pictures(count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return noisy pictures (n, 1, 16, 16) in [0, 1] with a bright blob in one quadrant, and which one it is, (n,)."""
    generator = torch.Generator().manual_seed(seed)
    inputs = 0.3 * torch.rand(count, 1, SIZE, SIZE, generator=generator)
    truths = torch.arange(count) % len(EMOTIONS)
    for picture, truth in zip(inputs, truths.tolist(), strict=True):
        top, left = (int(torch.randint(1, 4, (1,), generator=generator)) for _ in range(2))
        top, left = top + 8 * (truth // 2), left + 8 * (truth % 2)
        picture[0, top : top + 4, left : left + 4] += 0.6
    return inputs, truths


def network() -> nn.Module:
    """Return an untrained network of two convolutions with batch norm, always the same, in evaluation mode."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        layers = (
            nn.Conv2d(1, 8, 3, padding=1),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(256, len(EMOTIONS)),
        )
        return nn.Sequential(*layers).eval()


def learned() -> nn.Module:
    """Return the network after it has learned the pictures."""
    return deepcopy(_learned())


@cache
def _learned() -> nn.Module:
    module = network().train()
    inputs, truths = pictures(64, seed=5)
    optimiser = torch.optim.Adam(module.parameters(), 5e-3)
    for _ in range(40):
        loss = nn.functional.cross_entropy(module(inputs), truths)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return module.eval().requires_grad_(False)


def session(model: Model, inputs: Tensor, truths: Tensor, *, batch_size: int = 8) -> Session:
    """Return a session over inputs (n, ...) as they are, of four people."""
    samples = tuple(
        Sample(f"clip-{i:02d}", None, model.emotions[truth], {"speaker": f"s{i % 4}"})
        for i, truth in enumerate(truths.tolist())
    )
    empty = Session(
        model=model,
        samples=samples,
        recordings=inputs,
        inputs=inputs,
        truths=truths,
        clean=torch.empty(0),
        seed=7,
        batch_size=batch_size,
        progress=Unwatched(),
    )
    return replace(empty, clean=empty.predict(inputs))


def explained(
    model: Model,
    inputs: Tensor,
    values: Tensor,
    explain: Callable[[Model, Tensor, int], Tensor] | None = None,
    targets: Tensor | None = None,
) -> Explained:
    """Return inputs (n, ...) with these maps of them, made by `explain`, which returns the maps as they are without."""

    def probabilities(given: Tensor) -> Tensor:
        with torch.no_grad():
            return model.logits(given).double().softmax(1)

    of = probabilities(inputs).argmax(1) if targets is None else targets

    def probability(given: Tensor) -> Tensor:
        return probabilities(given).gather(1, of[:, None]).squeeze(1)

    return Explained(
        model=model,
        inputs=inputs,
        targets=of,
        values=values,
        before=probability(inputs),
        probability=probability,
        explain=explain or (lambda *_: values),
        seed=3,
    )


def streams(seeds: Sequence[int] | int) -> SampleRng:
    """Return one stream per seed, or that many."""
    return SampleRng(list(range(seeds)) if isinstance(seeds, int) else seeds)


def picture_model(module: nn.Module | None = None) -> TorchModel:
    """Return a network on the pictures as the audit takes it."""
    return TorchModel(module or learned(), SPEC, EMOTIONS, name="toy")


def state(model: Model) -> list[Any]:
    """Return all that a test could leave changed in a network, and the global random state."""
    module = model.module
    if module is None:
        return []
    tensors = [
        (name, tensor.detach().clone(), tensor.requires_grad, tensor.grad, tensor)
        for name, tensor in (*module.named_parameters(), *module.named_buffers())
    ]
    layers = [(part.training, len(part._forward_hooks), len(part._forward_pre_hooks)) for part in module.modules()]
    return [tensors, layers, torch.get_rng_state()]


def same(before: list[Any], after: list[Any]) -> bool:
    """Return whether two states are equal, the tensors being the very same objects."""
    if not before or not after:
        return before == after
    tensors = all(
        old[0] == new[0] and torch.equal(old[1], new[1]) and old[2] == new[2] and old[3] is new[3] and old[4] is new[4]
        for old, new in zip(before[0], after[0], strict=True)
    )
    return tensors and before[1] == after[1] and torch.equal(before[2], after[2])
