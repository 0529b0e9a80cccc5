"""The models of RAVDESS: eight emotions of English-speaking actors."""

from __future__ import annotations

from pathlib import Path

from augmentation import Spectrograms
from recipe import Recipe

from audit.suite import DataSource, Use


def rows(root: Path | None) -> dict[str, Recipe]:
    """Return their recipes by model name; `root` holds the folders Actor_NN."""
    ravdess = DataSource(Use("layout", "ravdess"), root, seed=7)
    return {
        "ravdess-crnn": Recipe(
            ravdess, epochs=80, augmentation=Spectrograms(band=8), batch=32, mixup=0.3, folds={"speaker": (4, 1)}
        ),
    }
