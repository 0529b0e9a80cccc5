"""Fits a network to a corpus, epoch by epoch, and goes on where it was interrupted."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from corpus import Corpus
from recipes import Recipe
from rich.progress import Progress
from torch import Tensor, nn

from audit.kinds import import_file
from audit.manifest import Manifest


@dataclass(frozen=True)
class Fitted:
    """A trained network in evaluation mode, and of every epoch the mean loss and what `judge` made of it."""

    module: nn.Module
    curve: list[dict[str, float]]


def fit(
    corpus: Corpus,
    rows: Tensor | slice,
    manifest: Manifest,
    recipe: Recipe,
    seed: int,
    *,
    checkpoint: Path | None = None,
    judge: Callable[[nn.Module], float] | None = None,
) -> Fitted:
    """Train with AdamW on a one-cycle schedule; the same seed gives the same weights on one machine.

    After every epoch all that the next needs is written to `checkpoint`, from which an interrupted training of the
    same recipe, data and seed goes on, to the same weights; it is deleted at the end. `judge` gives the accuracy that
    the learning curve shows.
    """
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    assert manifest.source is not None
    build = getattr(import_file(manifest.source.path), manifest.source.function)
    module: nn.Module = build(**manifest.arguments).to(memory_format=torch.channels_last)
    inputs = torch.cat([part[rows] for part in (corpus.inputs, *corpus.copies)])
    truths = corpus.truths[rows].repeat(1 + len(corpus.copies))
    batches = len(inputs) // recipe.batch
    optimiser = torch.optim.AdamW(module.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.learning_rate, total_steps=batches * recipe.epochs, pct_start=0.25
    )
    shares = truths.bincount(minlength=len(manifest.emotions)).clamp(min=1) / len(truths)
    loss_of = nn.CrossEntropyLoss(shares**-recipe.balance if recipe.balance else None, label_smoothing=0.05)
    held = _Held(
        checkpoint, training_key(inputs, truths, manifest, recipe, seed), module, optimiser, schedule, generator
    )
    curve = held.restored()
    with Progress() as progress:
        task = progress.add_task(manifest.name, total=batches * recipe.epochs, completed=batches * len(curve))
        for _ in range(len(curve), recipe.epochs):
            module.train()
            order, total = torch.randperm(len(inputs), generator=generator), 0.0
            for chosen in order[: batches * recipe.batch].split(recipe.batch):
                batch = recipe.augmentation.varied(inputs[chosen], generator)
                if recipe.adversarial:
                    batch = attacked(module, batch, truths[chosen], recipe, generator)
                others, share = torch.arange(len(batch)), 1.0
                if recipe.mixup:
                    others, share = torch.randperm(len(batch), generator=generator), _share(recipe.mixup, generator)
                    batch = share * batch + (1 - share) * batch[others]
                if batch.ndim == 4:
                    batch = batch.contiguous(memory_format=torch.channels_last)
                with torch.autocast("cpu", torch.bfloat16):
                    logits = module(batch)
                loss = share * loss_of(logits.float(), truths[chosen])
                if share < 1.0:
                    loss = loss + (1 - share) * loss_of(logits.float(), truths[chosen][others])
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
                total += loss.item()
                progress.update(task, advance=1, description=f"{manifest.name} loss {loss.item():.3f}")
            curve.append({"loss": round(total / batches, 4), **_judged(module, judge)})
            held.keep(curve)
    held.discard()
    return Fitted(module.eval().to(memory_format=torch.contiguous_format), curve)


def _share(alpha: float, generator: torch.Generator) -> float:
    """Return a draw from Beta(alpha, alpha) that no other generator decides."""
    seed = int(torch.randint(2**31, (1,), generator=generator))
    return float(np.random.default_rng(seed).beta(alpha, alpha))


def _judged(module: nn.Module, judge: Callable[[nn.Module], float] | None) -> dict[str, float]:
    return {"accuracy": round(judge(module.eval()), 4)} if judge else {}


class _Held:
    """What an interrupted training goes on from: weights, optimiser, schedule, random numbers, and the curve so far."""

    def __init__(self, path: Path | None, key: str, module: nn.Module, optimiser: Any, schedule: Any, rng: Any) -> None:
        self.path, self.key, self.parts, self.rng = path, key, (module, optimiser, schedule), rng

    def restored(self) -> list[dict[str, float]]:
        """Put back what was kept, and return the curve so far; nothing where none was, or of another training."""
        if self.path is None or not self.path.is_file():
            return []
        kept = torch.load(self.path, weights_only=True)
        if kept["key"] != self.key:
            return []
        for part, state in zip(self.parts, kept["parts"], strict=True):
            part.load_state_dict(state)
        self.rng.set_state(kept["rng"])
        torch.set_rng_state(kept["global"])
        return list(kept["curve"])

    def keep(self, curve: list[dict[str, float]]) -> None:
        """Write the state after an epoch, whole or not at all."""
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(f".{os.getpid()}")
        states = [part.state_dict() for part in self.parts]
        torch.save(
            {
                "key": self.key,
                "parts": states,
                "rng": self.rng.get_state(),
                "global": torch.get_rng_state(),
                "curve": curve,
            },
            partial,
        )
        partial.replace(self.path)

    def discard(self) -> None:
        """Delete what was kept."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def training_key(inputs: Tensor, truths: Tensor, manifest: Manifest, recipe: Recipe, seed: int) -> str:
    """Return a digest of all that decides what a training comes to, but for the code that trains."""
    found = hashlib.sha256(inputs.numpy().tobytes())
    found.update(truths.numpy().tobytes())
    if manifest.source is not None:
        found.update(manifest.source.path.read_bytes())
    found.update(torch.__version__.encode())
    found.update(json.dumps([manifest.arguments, repr(recipe), seed], sort_keys=True, default=repr).encode())
    return found.hexdigest()


def attacked(module: nn.Module, batch: Tensor, truths: Tensor, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """Return the batch after one gradient-sign step of up to `recipe.adversarial`. Goodfellow et al. (2015)."""
    leaf = batch.detach().requires_grad_(True)
    (slope,) = torch.autograd.grad(nn.functional.cross_entropy(module(leaf), truths), leaf)
    size = recipe.adversarial * torch.rand(len(batch), 1, 1, 1, generator=generator)
    return (batch + size * slope.sign()).clamp(0.0, 1.0)


@torch.inference_mode()
def scores(module: Callable[[Tensor], Tensor], corpus: Corpus, rows: Tensor) -> dict[str, float]:
    """Return the share of the rows the module gets right, and F1 averaged over the emotions they show."""
    predicted = torch.cat([module(part).argmax(1) for part in corpus.inputs[rows].split(64)])
    truths = corpus.truths[rows]
    right = predicted == truths
    f1 = [2 * (right & (truths == e)).sum() / ((predicted == e).sum() + (truths == e).sum()) for e in truths.unique()]
    return {"accuracy": float(right.float().mean()), "f1": float(torch.stack(f1).mean())}
