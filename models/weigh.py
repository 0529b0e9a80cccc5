"""Weigh an ensemble's members: `python models/weigh.py NAME --data ROOT` writes their weights into its manifest."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import optuna
import torch
from corpus import Corpus
from fitting import fit, scores, training_key
from numpy.typing import NDArray
from recipes import Recipe, recipes
from ruamel.yaml import YAML

from audit.data import split_at_random
from audit.dataset import open_dataset
from audit.manifest import Manifest, load_model, read_manifest

MODELS = Path(__file__).parent
DIGITS = 4
Floats = NDArray[np.float64]


def main(arguments: Sequence[str] | None = None) -> int:
    """Train every member again without a fifth of its training part, search the weights there, and judge them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="an ensemble: NAME.model.yaml lies beside this file")
    parser.add_argument("--data", type=Path, required=True, help="root of the recordings")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--trials", type=int, default=400)
    parser.add_argument("--l1", type=float, default=0.01, help="what a member at full weight costs in log-likelihood")
    options = parser.parse_args(arguments)
    path = MODELS / f"{options.name}.model.yaml"
    ensemble = read_manifest(path)
    members = [read_manifest(path.parent / name) for name in ensemble.keys["members"]]
    known = recipes(options.data)
    found = [unseen_answers(member, known[member.name], options.seed) for member in members]
    if any(each.clips != found[0].clips for each in found):
        raise SystemExit("the members were not asked about the same clips: one cannot use a recording that others can")
    stacked = torch.stack([each.logits for each in found]).numpy().astype(np.float64)
    true = found[0].truths.numpy()
    weights, temperature = search(stacked, true, options.trials, options.l1, options.seed)
    write(path, weights, temperature)
    figures = {
        "weighed-on": {
            "n": len(true),
            "accuracy": accuracy(mixed(stacked, weights, temperature), true),
            "members": {
                m.name: accuracy(mixed(a[None], [1.0], 1.0), true) for m, a in zip(members, stacked, strict=True)
            },
            "weights": dict(zip((member.name for member in members), weights, strict=True)),
            "temperature": temperature,
            "l1": options.l1,
            "trials": options.trials,
        },
        "held-out": held_out(ensemble.path, known[members[0].name]),
    }
    (MODELS / f"{options.name}.figures.json").write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures, indent=1))
    return 0


@dataclass(frozen=True)
class Answers:
    """Logits (n, emotions) and truths (n,) of clips, by their ids."""

    logits: torch.Tensor
    truths: torch.Tensor
    clips: list[str]


def unseen_answers(member: Manifest, recipe: Recipe, seed: int) -> Answers:
    """Return the answers of a fifth of the training part, by a network that never saw it.

    Weights searched on what the members were trained on would favour the one that knows it by heart; searched on what
    they are judged by, the figure would be too good. The network is kept in `checkpoints/`, and used again.
    """
    corpus = Corpus.read(open_dataset(recipe.source, member.emotions), member)
    kept, _ = corpus.parted(recipe.source)
    trained = [sample for sample, stays in zip(corpus.samples, kept.tolist(), strict=True) if stays]
    unseen = corpus.rows(split_at_random(trained, 0.2, recipe.source.seed + 1))
    clips = [sample.id for sample, asked in zip(corpus.samples, unseen.tolist(), strict=True) if asked]
    rows = kept & ~unseen
    key = training_key(corpus.inputs[rows], corpus.truths[rows], member, recipe, seed)
    path = MODELS / "checkpoints" / f"{member.name}-{seed}-weighing.logits.pt"
    known = torch.load(path, weights_only=True) if path.is_file() else {}
    if known.get("key") == key and known["clips"] == clips:
        return Answers(known["logits"], corpus.truths[unseen], clips)
    checkpoint = MODELS / "checkpoints" / f"{member.name}-{seed}-weighing.pt"
    module = fit(corpus, rows, member, recipe, seed, checkpoint=checkpoint).module
    with torch.inference_mode():
        logits = torch.cat([module(part) for part in corpus.inputs[unseen].split(64)])
    torch.save({"key": key, "clips": clips, "logits": logits}, path)
    return Answers(logits, corpus.truths[unseen], clips)


def search(logits: Floats, truths: NDArray[np.int64], trials: int, l1: float, seed: int) -> tuple[list[float], float]:
    """Return the weights, of sum 1, and the temperature that suit logits (members, n, emotions) and truths (n,) best.

    Minimised is the mean negative log-likelihood plus `l1` times the sum of the weights, the largest counting as 1: a
    member must earn its place. Akiba et al. (2019), Optuna.
    """

    def cost(trial: optuna.Trial) -> float:
        raw = np.array([trial.suggest_float(f"w{i}", 0.0, 1.0) for i in range(len(logits))])
        temperature = trial.suggest_float("temperature", 0.25, 4.0, log=True)
        if raw.max() == 0.0:
            return float("inf")
        likely = mixed(logits, raw, temperature)[np.arange(len(truths)), truths]
        return float(-np.log(likely.clip(1e-12)).mean() + l1 * (raw / raw.max()).sum())

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed, multivariate=True))
    study.enqueue_trial({**{f"w{i}": 1.0 for i in range(len(logits))}, "temperature": 1.0})
    study.optimize(cost, n_trials=trials)
    raw = np.array([study.best_params[f"w{i}"] for i in range(len(logits))])
    return [round(float(w), DIGITS) for w in raw / raw.sum()], round(study.best_params["temperature"], DIGITS)


def mixed(logits: Floats, weights: Sequence[float] | Floats, temperature: float) -> Floats:
    """Return the weighted mean (n, emotions) of the members' probabilities, as the loader `ensemble` makes it."""
    shifted = logits / temperature
    odds = np.exp(shifted - shifted.max(axis=-1, keepdims=True))
    shares = np.asarray(weights) / np.sum(weights)
    return np.asarray(np.einsum("m,mne->ne", shares, odds / odds.sum(axis=-1, keepdims=True)))


def accuracy(probabilities: Floats, truths: NDArray[np.int64]) -> float:
    """Return the share of the truths that are the likeliest."""
    return float((probabilities.argmax(axis=1) == truths).mean())


def held_out(path: Path, recipe: Recipe) -> dict[str, float]:
    """Return what the saved ensemble gets right of the part that none of its members was trained on."""
    manifest = read_manifest(path)
    corpus = Corpus.read(open_dataset(recipe.source, manifest.emotions), manifest)
    _, rows = corpus.parted(recipe.source)
    return {"n": int(rows.sum()), **scores(load_model(path).logits, corpus, rows)}


def write(path: Path, weights: Sequence[float], temperature: float) -> None:
    """Put weights and temperature into the ensemble's manifest, the rest of which stays as it is written."""
    yaml = YAML()
    yaml.width = 120
    document = yaml.load(path)
    keys = document["loader"]["ensemble"]
    keys["weights"][:] = list(weights)
    keys["temperature"] = temperature
    with path.open("w") as file:
        yaml.dump(document, file)


if __name__ == "__main__":
    sys.exit(main())
