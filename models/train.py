"""Train a reference model: `python models/train.py NAME --data ROOT` writes its weights and its card's figures."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from rich.progress import Progress
from safetensors.torch import save_file
from torch import Tensor, nn

from audit.data import Dataset, Sample, split_at_random, waveform_of
from audit.dataset import open_dataset
from audit.kinds import import_file
from audit.manifest import Manifest, read_manifest
from audit.suite import DataSource, Use

MODELS = Path(__file__).parent


@dataclass(frozen=True)
class Recipe:
    """How one model is trained: the data, the settings, and how the batches are varied.

    Without `unseen`, a random fifth of `source` is held out; `folds` names group columns and how many parts each is
    cut into for accuracy on values that were never trained on, and how many of those parts are held out in turn.
    """

    source: DataSource
    epochs: int
    unseen: DataSource | None = None
    learning_rate: float = 2e-3
    batch: int = 64
    weight_decay: float = 0.05
    shift: int = 20
    band: int = 16
    noise: float = 0.0
    adversarial: float = 0.0
    folds: Mapping[str, tuple[int, int]] = field(default_factory=dict)


def recipes(root: Path | None) -> dict[str, Recipe]:
    """Return every recipe by model name; `root` is the data the user points to."""

    def synthetic(seed: int, speakers: int, clips: int) -> DataSource:
        return DataSource(Use("layout", "synthetic", {"speakers": speakers, "clips": clips, "seed": seed}), None)

    return {
        "nemo-resnet18": Recipe(
            DataSource(Use("layout", "nemo"), root, seed=7), epochs=30, folds={"sentence": (5, 1), "speaker": (3, 1)}
        ),
        "quickstart": Recipe(
            synthetic(seed=1, speakers=40, clips=8),
            epochs=14,
            unseen=synthetic(seed=2, speakers=20, clips=3),
            learning_rate=4e-3,
            weight_decay=0.02,
            shift=8,
            band=0,
            noise=0.05,
            adversarial=0.01,
        ),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, save half-precision weights, and write the figures the card quotes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=sorted(recipes(None)))
    parser.add_argument("--data", type=Path, help="root of the recordings (quickstart makes its own)")
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
    figures.write_text(json.dumps(known, indent=1) + "\n")
    print(json.dumps(known, indent=1))
    return 0


@dataclass(frozen=True)
class Corpus:
    """All clips of a data set as the model takes them: inputs (n, 1, rows, columns), truths (n,)."""

    samples: tuple[Sample, ...]
    inputs: Tensor
    truths: Tensor

    @classmethod
    def read(cls, dataset: Dataset, manifest: Manifest) -> Corpus:
        """Read every clip once."""
        for problem in dataset.problems:
            print(f"left out: {problem.path}: {problem.reason}", file=sys.stderr)
        waveforms = torch.from_numpy(np.stack([waveform_of(s, dataset, manifest.spec) for s in dataset.samples]))
        inputs = torch.cat([manifest.spec.represent(part) for part in waveforms.split(64)])
        truths = torch.tensor([manifest.emotions.index(s.emotion) for s in dataset.samples])
        return cls(dataset.samples, inputs, truths)

    def rows(self, chosen: Sequence[Sample]) -> Tensor:
        """Return a boolean mask (n,) of the chosen samples."""
        ids = {sample.id for sample in chosen}
        return torch.tensor([sample.id in ids for sample in self.samples])


def train(corpus: Corpus, manifest: Manifest, recipe: Recipe, seed: int, weights: Path) -> dict[str, float]:
    """Train, save the weights in half precision, and return the accuracy of what was saved on held-out clips."""
    if recipe.unseen is None:
        held_out = corpus.rows(split_at_random(corpus.samples, 0.2, recipe.source.seed))
        judged, kept = corpus, ~held_out
    else:
        judged = Corpus.read(open_dataset(recipe.unseen, manifest.emotions), manifest)
        held_out = torch.ones(len(judged.samples), dtype=torch.bool)
        kept = torch.ones(len(corpus.samples), dtype=torch.bool)
    module = fit(corpus, kept, manifest, recipe, seed)
    state = {k: v.half() if v.is_floating_point() else v for k, v in module.state_dict().items()}
    save_file(state, weights)
    weights.chmod(0o644)
    # What is committed is judged, not what was trained: half precision may cost something.
    module.load_state_dict(state)
    return {"n": int(held_out.sum()), "accuracy": accuracy(module, judged, held_out)}


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
        right += accuracy(module, corpus, held_out) * int(held_out.sum())
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
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.05)
    with Progress() as progress:
        task = progress.add_task(manifest.name, total=batches * recipe.epochs)
        for _ in range(recipe.epochs):
            module.train()
            order = torch.randperm(len(inputs), generator=generator)
            for chosen in order[: batches * recipe.batch].split(recipe.batch):
                batch = augment(inputs[chosen], recipe, generator)
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


def augment(batch: Tensor, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """Return the batch shifted in time, with a band of frequencies silenced and noise added. Park et al. (2019)."""

    def drawn(high: int) -> int:
        return int(torch.randint(high, (1,), generator=generator))

    changed = batch.clone()
    for row in range(len(changed)):
        changed[row] = changed[row].roll(drawn(2 * recipe.shift + 1) - recipe.shift, dims=-1)
        if recipe.band:
            width = drawn(recipe.band)
            low = drawn(changed.shape[-2] - width)
            changed[row, :, low : low + width] = 0.0
    if recipe.noise:
        size = recipe.noise * torch.rand(len(changed), 1, 1, 1, generator=generator)
        changed = (changed + size * torch.randn(changed.shape, generator=generator)).clamp(0.0, 1.0)
    return changed


def attacked(module: nn.Module, batch: Tensor, truths: Tensor, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """Return the batch after one gradient-sign step of up to `recipe.adversarial`. Goodfellow et al. (2015)."""
    leaf = batch.detach().requires_grad_(True)
    (slope,) = torch.autograd.grad(nn.functional.cross_entropy(module(leaf), truths), leaf)
    size = recipe.adversarial * torch.rand(len(batch), 1, 1, 1, generator=generator)
    return (batch + size * slope.sign()).clamp(0.0, 1.0)


@torch.inference_mode()
def accuracy(module: nn.Module, corpus: Corpus, rows: Tensor) -> float:
    """Return the share of the rows the module gets right."""
    predicted = torch.cat([module(part).argmax(1) for part in corpus.inputs[rows].split(64)])
    return float((predicted == corpus.truths[rows]).float().mean())


if __name__ == "__main__":
    sys.exit(main())
