"""Models of every kind of method on nEMO: classifiers of scikit-learn, and networks that read frames in time."""

from __future__ import annotations

from pathlib import Path

from augmentation import Spectrograms
from estimators import EstimatorRecipe, forest, linear, nearest, tree
from recipe import Recipe

from audit.suite import DataSource, Use

VARIED = Spectrograms(band=8)
SLOWER = Spectrograms(shift=10, band=8)
"""Of half as many frames a second."""


def rows(root: Path | None) -> dict[str, Recipe | EstimatorRecipe]:
    """Return their recipes by model name; `root` is that of nEMO."""
    nemo = DataSource(Use("layout", "nemo"), root, seed=7)
    return {
        "nemo-knn": EstimatorRecipe(nemo, nearest),
        "nemo-linear": EstimatorRecipe(nemo, linear),
        "nemo-tree": EstimatorRecipe(nemo, tree),
        "nemo-forest": EstimatorRecipe(nemo, forest),
        "nemo-dense": Recipe(nemo, epochs=60, augmentation=VARIED, learning_rate=3e-3),
        "nemo-rnn": Recipe(nemo, epochs=60, augmentation=SLOWER, learning_rate=2e-3, weight_decay=0.01),
        "nemo-lstm": Recipe(nemo, epochs=60, augmentation=SLOWER, learning_rate=5e-3, weight_decay=0.01),
        "nemo-conv1d": Recipe(nemo, epochs=60, augmentation=VARIED, learning_rate=3e-3),
    }
