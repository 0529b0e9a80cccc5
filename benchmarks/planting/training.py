"""Trains the small network on a table of clips, by the road of the reference models."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import nn

from audit.dataset import open_dataset
from audit.kinds import import_file
from audit.manifest import read_manifest
from audit.suite import DataSource, Use

MODELS = Path(__file__).parents[2] / "models"
EPOCHS, BATCH = 10, 64


def trained(manifest: Path, table: Path, weights: Path, seed: int, epochs: int = EPOCHS) -> None:
    """Train on the table's part `train` and write the weights; the same seed gives the same on one machine."""
    if str(MODELS) not in sys.path:
        sys.path.append(str(MODELS))
    corpora, fitting, recipes = (import_file(MODELS / f"{name}.py") for name in ("corpus", "fitting", "recipes"))
    varied = import_file(MODELS / "augmentation.py").Spectrograms(shift=8, band=0, noise=0.05)
    split: Mapping[str, Any] = {"column": "split", "values": ("train",)}
    source = DataSource(Use("layout", "table"), table, split)
    recipe = recipes.Recipe(
        source, epochs=epochs, augmentation=varied, learning_rate=4e-3, batch=BATCH, weight_decay=0.02
    )
    described = read_manifest(manifest)
    # What is printed on the way is no part of a result that is read by a program.
    with redirect_stdout(sys.stderr):
        corpus = corpora.Corpus.read(open_dataset(source, described.emotions), described)
        network: nn.Module = fitting.fit(corpus, slice(None), described, recipe, seed).module
    save_file(network.state_dict(), weights)
