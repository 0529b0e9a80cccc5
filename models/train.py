"""Train a reference model: `python models/train.py NAME --data ROOT` writes its weights and its card's figures."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
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
    """How one model is trained: the data it takes, and the settings that were chosen on other splits than the test's."""

    source: DataSource
    epochs: int
    learning_rate: float = 2e-3
    batch: int = 64
    weight_decay: float = 0.05
    smoothing: float = 0.05
    shift: int = 20
    band: int = 16
    noise: float = 0.0
    folds: tuple[str, ...] = ()


def recipes(root: Path | None) -> dict[str, Recipe]:
    """Return every recipe by model name; `root` is the data the user points to."""
    nemo = DataSource(Use("layout", "nemo"), root, seed=7)
    synthetic = DataSource(
        Use("layout", "synthetic", {"speakers": 24, "clips": 12, "seed": 1}),
        None,
        seed=7,
    )
    return {
        "nemo-resnet18": Recipe(nemo, epochs=30, folds=("sentence", "speaker")),
        "quickstart": Recipe(synthetic, epochs=20, noise=0.05),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, save half-precision weights, and write the figures the card quotes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=sorted(recipes(None)))
    parser.add_argument("--data", type=Path, help="root of the recordings (not for quickstart)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folds", action="store_true", help="also train on sentence- and speaker-disjoint splits")
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
        for column in recipe.folds:
            known[f"{column}-disjoint"] = disjoint(corpus, column, manifest, recipe, options.seed)
    else:
        held_out = corpus.rows(split_at_random(corpus.samples, 0.2, recipe.source.seed))
        module = fit(corpus, ~held_out, manifest, recipe, options.seed)
        state = {k: v.half() if v.is_floating_point() else v for k, v in module.state_dict().items()}
        save_file(state, weights)
        # What is committed is judged, not what was trained: half precision may cost something.
        module.load_state_dict(state)
        known["random"] = {"n": int(held_out.sum()), "accuracy": accuracy(module, corpus, held_out)}
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


def disjoint(corpus: Corpus, column: str, manifest: Manifest, recipe: Recipe, seed: int) -> dict[str, float]:
    """Return accuracy on clips whose `column` value was never trained on, pooled over three folds."""
    values = sorted({sample.groups[column] for sample in corpus.samples})
    right = 0.0
    for fold in range(3):
        held_out = torch.tensor([values.index(sample.groups[column]) % 3 == fold for sample in corpus.samples])
        module = fit(corpus, ~held_out, manifest, recipe, seed)
        right += accuracy(module, corpus, held_out) * int(held_out.sum())
    return {"n": len(corpus.samples), "accuracy": right / len(corpus.samples), "folds": 3}


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
    loss_of = nn.CrossEntropyLoss(label_smoothing=recipe.smoothing)
    with Progress() as progress:
        task = progress.add_task(manifest.name, total=batches * recipe.epochs)
        for _ in range(recipe.epochs):
            module.train()
            order = torch.randperm(len(inputs), generator=generator)
            for chosen in order[: batches * recipe.batch].split(recipe.batch):
                batch = augment(inputs[chosen], recipe, generator).contiguous(memory_format=torch.channels_last)
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


@torch.inference_mode()
def accuracy(module: nn.Module, corpus: Corpus, rows: Tensor) -> float:
    """Return the share of the rows the module gets right."""
    predicted = torch.cat([module(part).argmax(1) for part in corpus.inputs[rows].split(64)])
    return float((predicted == corpus.truths[rows]).float().mean())


if __name__ == "__main__":
    sys.exit(main())
