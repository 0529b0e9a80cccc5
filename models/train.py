"""Train a reference model: `python models/train.py NAME --data ROOT` writes its weights and its card's figures."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from recipes import Recipe, recipes
from rich.progress import Progress
from safetensors.torch import save_file
from torch import Tensor, nn

from audit.data import Dataset, Problem, Sample, recording_of, split_at_random
from audit.dataset import open_dataset
from audit.errors import DataError
from audit.kinds import import_file
from audit.manifest import Manifest, load_model, read_manifest

MODELS = Path(__file__).parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, save half-precision weights, and write the figures the card quotes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=sorted(recipes(None)))
    parser.add_argument("--data", type=Path, help="root of the recordings or pictures (quickstart makes its own)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folds", action="store_true", help="train on disjoint splits instead, for the card's figures")
    options = parser.parse_args(arguments)
    recipe = recipes(options.data)[options.name]
    weights = MODELS / "weights" / f"{options.name}.safetensors"
    weights.parent.mkdir(exist_ok=True)
    # The manifest names the file that this is about to write.
    weights.touch()
    manifest = read_manifest(MODELS / f"{options.name}.model.yaml")
    corpus = Corpus.read(open_dataset(recipe.source, manifest.emotions), manifest)
    figures = MODELS / f"{options.name}.figures.json"
    known = json.loads(figures.read_text()) if figures.is_file() else {}
    if options.folds:
        for column, (parts, turns) in recipe.folds.items():
            known[f"{column}-disjoint"] = disjoint(corpus, column, parts, turns, manifest, recipe, options.seed)
    else:
        known["held-out"] = train(corpus, manifest, recipe, options.seed, weights)
        for name, source in recipe.also.items():
            known[name] = recalls(Corpus.read(open_dataset(source, manifest.emotions), manifest), manifest)
    figures.write_text(json.dumps(known, indent=1) + "\n")
    print(json.dumps(known, indent=1))
    return 0


@dataclass(frozen=True)
class Corpus:
    """All clips or pictures of a data set as the model takes them: inputs (n, ...), truths (n,)."""

    samples: tuple[Sample, ...]
    inputs: Tensor
    truths: Tensor

    @classmethod
    def read(cls, dataset: Dataset, manifest: Manifest) -> Corpus:
        """Read every recording once, and say which cannot be used."""
        problems, samples, recordings = list(dataset.problems), [], []
        for sample in dataset.samples:
            try:
                recordings.append(recording_of(sample, dataset, manifest.spec))
            except DataError as error:
                problems.append(Problem(sample.where, str(error).removeprefix(f"{sample.where}: ")))
                continue
            samples.append(sample)
        for problem in problems:
            print(f"left out: {problem.path}: {problem.reason}", file=sys.stderr)
        inputs = torch.cat([manifest.spec.represent(part) for part in torch.from_numpy(np.stack(recordings)).split(64)])
        truths = torch.tensor([manifest.emotions.index(sample.emotion) for sample in samples])
        return cls(tuple(samples), inputs, truths)

    def copies_of(self, other: Corpus) -> Tensor:
        """Return a boolean mask (n,) of the inputs that are equal to one of another corpus, cell by cell."""
        known = {row.numpy().tobytes() for row in other.inputs}
        return torch.tensor([row.numpy().tobytes() in known for row in self.inputs])

    def rows(self, chosen: Sequence[Sample]) -> Tensor:
        """Return a boolean mask (n,) of the chosen samples."""
        ids = {sample.id for sample in chosen}
        return torch.tensor([sample.id in ids for sample in self.samples])


def train(corpus: Corpus, manifest: Manifest, recipe: Recipe, seed: int, weights: Path) -> dict[str, float]:
    """Train, save the weights in half precision, and return what the saved ones get right of what was held out."""
    if recipe.unseen is None:
        held_out = corpus.rows(split_at_random(corpus.samples, 0.2, recipe.source.seed))
        judged, kept = corpus, ~held_out
    else:
        judged = Corpus.read(open_dataset(recipe.unseen, manifest.emotions), manifest)
        held_out = torch.ones(len(judged.samples), dtype=torch.bool)
        copies = corpus.copies_of(judged)
        if copies.any():
            print(f"left out: {int(copies.sum())} copies of what is judged", file=sys.stderr)
        kept = ~copies
    module = fit(corpus, kept, manifest, recipe, seed)
    state = {k: v.half() if v.is_floating_point() else v for k, v in module.state_dict().items()}
    save_file(state, weights)
    weights.chmod(0o644)
    # What is committed is judged, not what was trained: half precision may cost something.
    module.load_state_dict(state)
    parameters = sum(parameter.numel() for parameter in module.parameters())
    return {"n": int(held_out.sum()), **scores(module, judged, held_out), "parameters": parameters}


def disjoint(
    corpus: Corpus, column: str, parts: int, turns: int, manifest: Manifest, recipe: Recipe, seed: int
) -> dict[str, float]:
    """Return the accuracy, pooled over `turns`, on clips whose `column` value was never trained on.

    Each training takes half the epochs, since there are several; that costs a little accuracy.
    """
    shorter = replace(recipe, epochs=recipe.epochs // 2)
    values = sorted({sample.groups[column] for sample in corpus.samples})
    right, n = 0.0, 0
    for turn in range(turns):
        held_out = torch.tensor([values.index(sample.groups[column]) % parts == turn for sample in corpus.samples])
        module = fit(corpus, ~held_out, manifest, shorter, seed)
        n += int(held_out.sum())
        right += scores(module, corpus, held_out)["accuracy"] * int(held_out.sum())
    return {"n": n, "accuracy": right / n, "trainings": turns, "epochs": shorter.epochs}


def fit(corpus: Corpus, rows: Tensor, manifest: Manifest, recipe: Recipe, seed: int) -> nn.Module:
    """Train with AdamW on a one-cycle schedule; the same seed gives the same weights on one machine."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    assert manifest.source is not None
    build = getattr(import_file(manifest.source.path), manifest.source.function)
    module: nn.Module = build(**manifest.arguments).to(memory_format=torch.channels_last)
    inputs, truths = corpus.inputs[rows], corpus.truths[rows]
    batches = len(inputs) // recipe.batch
    optimiser = torch.optim.AdamW(module.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.learning_rate, total_steps=batches * recipe.epochs, pct_start=0.25
    )
    shares = truths.bincount(minlength=len(manifest.emotions)).clamp(min=1) / len(truths)
    loss_of = nn.CrossEntropyLoss(shares**-recipe.balance if recipe.balance else None, label_smoothing=0.05)
    with Progress() as progress:
        task = progress.add_task(manifest.name, total=batches * recipe.epochs)
        for _ in range(recipe.epochs):
            module.train()
            order = torch.randperm(len(inputs), generator=generator)
            for chosen in order[: batches * recipe.batch].split(recipe.batch):
                batch = recipe.augmentation.varied(inputs[chosen], generator)
                if recipe.adversarial:
                    batch = attacked(module, batch, truths[chosen], recipe, generator)
                batch = batch.contiguous(memory_format=torch.channels_last)
                with torch.autocast("cpu", torch.bfloat16):
                    logits = module(batch)
                loss = loss_of(logits.float(), truths[chosen])
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
                progress.update(task, advance=1, description=f"{manifest.name} loss {loss.item():.3f}")
    return module.eval().to(memory_format=torch.contiguous_format)


def attacked(module: nn.Module, batch: Tensor, truths: Tensor, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """Return the batch after one gradient-sign step of up to `recipe.adversarial`. Goodfellow et al. (2015)."""
    leaf = batch.detach().requires_grad_(True)
    (slope,) = torch.autograd.grad(nn.functional.cross_entropy(module(leaf), truths), leaf)
    size = recipe.adversarial * torch.rand(len(batch), 1, 1, 1, generator=generator)
    return (batch + size * slope.sign()).clamp(0.0, 1.0)


@torch.inference_mode()
def scores(module: nn.Module, corpus: Corpus, rows: Tensor) -> dict[str, float]:
    """Return the share of the rows the module gets right, and F1 averaged over the emotions they show."""
    predicted = torch.cat([module(part).argmax(1) for part in corpus.inputs[rows].split(64)])
    truths = corpus.truths[rows]
    right = predicted == truths
    f1 = [2 * (right & (truths == e)).sum() / ((predicted == e).sum() + (truths == e).sum()) for e in truths.unique()]
    return {"accuracy": float(right.float().mean()), "f1": float(torch.stack(f1).mean())}


@torch.inference_mode()
def recalls(corpus: Corpus, manifest: Manifest) -> dict[str, float]:
    """Return, by emotion, the share that the saved model recognises."""
    model = load_model(manifest.path)
    predicted = torch.cat([model.logits(part).argmax(1) for part in corpus.inputs.split(64)])
    right = (predicted == corpus.truths).float()
    return {emotion: float(right[corpus.truths == i].mean()) for i, emotion in enumerate(manifest.emotions)}


if __name__ == "__main__":
    sys.exit(main())
