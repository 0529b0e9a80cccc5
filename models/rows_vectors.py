"""Models of three of nEMO's emotions: vectors of 52 features, without and with noise in training, and mel pictures."""

from __future__ import annotations

from pathlib import Path

from augmentation import NoisyCopies, Spectrograms, Unvaried
from conv1d_vector_keras import KerasRecipe
from recipe import Recipe

from audit.suite import DataSource, Use

SCALING = "nemo-conv1d-vector.scaling.json"


def rows(root: Path | None) -> dict[str, Recipe | KerasRecipe]:
    """Return their recipes by model name; `root` is that of nEMO."""
    emotions = ("happiness", "neutral", "sadness")
    three = DataSource(Use("layout", "nemo"), root, seed=7, emotions=emotions, undersample="smallest")
    noise = NoisyCopies(3)
    return {
        # As many steps in both: with three noisy copies of each clip an epoch is four times as long.
        "nemo-conv1d-vector": Recipe(
            three, epochs=80, augmentation=Unvaried(), learning_rate=1e-3, batch=32, scaling=SCALING
        ),
        "nemo-conv1d-vector-noisy": Recipe(
            three, epochs=20, augmentation=Unvaried(), learning_rate=1e-3, batch=32, scaling=SCALING, noise=noise
        ),
        "nemo-conv1d-vector-keras": KerasRecipe(three, "nemo-conv1d-vector"),
        "nemo-conv2d-picture": Recipe(
            three, epochs=20, augmentation=Spectrograms(shift=10, band=16), learning_rate=1e-3, batch=32
        ),
    }
