"""Train a reference model: `python models/train.py NAME --data ROOT` writes its weights and its card's figures."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from conv1d_vector_keras import KerasRecipe
from corpus import Corpus
from estimators import EstimatorRecipe
from fitting import fit, scores
from recipes import Recipe, recipes
from safetensors.torch import save_file

from audit.dataset import open_dataset
from audit.manifest import Manifest, load_model, read_manifest

MODELS = Path(__file__).parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, save the weights, those of networks in half precision, and write the figures the card quotes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=sorted(recipes(None)))
    parser.add_argument("--data", type=Path, help="root of the recordings or pictures (quickstart makes its own)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folds", action="store_true", help="train on disjoint splits instead, for the card's figures")
    options = parser.parse_args(arguments)
    recipe = recipes(options.data)[options.name]
    if options.folds and not (isinstance(recipe, Recipe) and recipe.folds):
        parser.error(f"{options.name} has no folds in its recipe; leave --folds out")
    weights = MODELS / "weights" / f"{options.name}{recipe.ending}"
    weights.parent.mkdir(exist_ok=True)
    # The manifest names the file that this is about to write.
    weights.touch()
    path = MODELS / f"{options.name}.model.yaml"
    figures = MODELS / f"{options.name}.figures.json"
    known = json.loads(figures.read_text()) if figures.is_file() else {}
    if not isinstance(recipe, Recipe):
        known["held-out"] = write(path, recipe, options.seed, weights)
    elif options.folds:
        manifest, corpus = prepared(path, recipe, options.seed)
        for column, (parts, turns) in recipe.folds.items():
            known[f"{column}-disjoint"] = disjoint(corpus, column, parts, turns, manifest, recipe, options.seed)
    else:
        manifest, corpus = prepared(path, recipe, options.seed)
        known["held-out"] = train(corpus, manifest, recipe, options.seed, weights)
        for name, source in recipe.also.items():
            known[name] = recalls(Corpus.read(open_dataset(source, manifest.emotions), manifest), manifest)
    figures.write_text(json.dumps(known, indent=1) + "\n")
    print(json.dumps(known, indent=1))
    return 0


def prepared(path: Path, recipe: Recipe, seed: int) -> tuple[Manifest, Corpus]:
    """Return the manifest at `path`, and the corpus as it says; where the recipe names a scaling, that is fitted first.

    It is fitted to what is trained on, without noise.
    """
    # Undersampled is what is trained on, so not before anything is held out.
    source = recipe.source if recipe.unseen else replace(recipe.source, undersample=None)
    if recipe.scaling is None:
        manifest = read_manifest(path)
        return manifest, Corpus.read(open_dataset(source, manifest.emotions), manifest, recipe.noise, seed)
    file = MODELS / "weights" / recipe.scaling
    if not file.exists():
        file.write_text('{"mean": 0.0, "std": 1.0}\n')
    manifest = read_manifest(path)
    unscaled = replace(manifest, spec=replace(manifest.spec, scaling=None))
    corpus = Corpus.read(open_dataset(source, manifest.emotions), unscaled, recipe.noise, seed)
    values = corpus.inputs[corpus.parted(recipe.source)[0]].flatten(1).double()
    fitted = {"mean": values.mean(0).tolist(), "std": values.std(0, correction=0).tolist()}
    file.write_text(json.dumps(fitted, indent=1) + "\n")
    manifest = read_manifest(path)
    assert manifest.spec.scaling is not None
    return manifest, corpus.scaled(manifest.spec.scaling)


def write(path: Path, recipe: EstimatorRecipe | KerasRecipe, seed: int, weights: Path) -> dict[str, Any]:
    """Let the recipe write its file, and return what the saved model gets right of what was held out."""
    manifest = read_manifest(path)
    corpus = Corpus.read(open_dataset(replace(recipe.source, undersample=None), manifest.emotions), manifest)
    kept, held_out = corpus.parted(recipe.source)
    recipe.write(corpus, kept, manifest, seed, weights)
    return {"n": int(held_out.sum()), **scores(load_model(path).logits, corpus, held_out)}


def train(corpus: Corpus, manifest: Manifest, recipe: Recipe, seed: int, weights: Path) -> dict[str, Any]:
    """Train, save the weights in half precision, and return what the saved ones get right of what was held out."""
    if recipe.unseen is None:
        judged = corpus
        kept, held_out = corpus.parted(recipe.source)
    else:
        judged = Corpus.read(open_dataset(recipe.unseen, manifest.emotions), manifest)
        held_out = torch.ones(len(judged.samples), dtype=torch.bool)
        kept = corpus.without_copies(torch.ones(len(corpus.samples), dtype=torch.bool), judged.inputs)
    checkpoint = MODELS / "checkpoints" / f"{manifest.name}-{seed}.pt"
    found = fit(
        corpus,
        kept,
        manifest,
        recipe,
        seed,
        checkpoint=checkpoint,
        judge=lambda module: scores(module, judged, held_out)["accuracy"],
    )
    module = found.module
    state = {k: v.half() if v.is_floating_point() else v for k, v in module.state_dict().items()}
    save_file(state, weights)
    weights.chmod(0o644)
    # What is committed is judged, not what was trained: half precision may cost something.
    module.load_state_dict(state)
    parameters = sum(parameter.numel() for parameter in module.parameters())
    return {
        "n": int(held_out.sum()),
        **scores(module, judged, held_out),
        "parameters": parameters,
        "curve": found.curve,
    }


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
        module = fit(corpus, ~held_out, manifest, shorter, seed).module
        n += int(held_out.sum())
        right += scores(module, corpus, held_out)["accuracy"] * int(held_out.sum())
    return {"n": n, "accuracy": right / n, "trainings": turns, "epochs": shorter.epochs}


@torch.inference_mode()
def recalls(corpus: Corpus, manifest: Manifest) -> dict[str, float]:
    """Return, by emotion, the share that the saved model recognises."""
    model = load_model(manifest.path)
    predicted = torch.cat([model.logits(part).argmax(1) for part in corpus.inputs.split(64)])
    right = (predicted == corpus.truths).float()
    return {emotion: float(right[corpus.truths == i].mean()) for i, emotion in enumerate(manifest.emotions)}


if __name__ == "__main__":
    sys.exit(main())
