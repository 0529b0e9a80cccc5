"""Every reference model's recipe, by its name."""

from __future__ import annotations

from pathlib import Path

import rows_classifiers
import rows_fer2013
import rows_generated
import rows_nemo
import rows_ravdess
import rows_vectors
from conv1d_vector_keras import KerasRecipe
from estimators import EstimatorRecipe
from recipe import Recipe

__all__ = ["Recipe", "recipes"]


def recipes(root: Path | None) -> dict[str, Recipe | EstimatorRecipe | KerasRecipe]:
    """Return every recipe by model name; `root` is the data the user points to."""
    return {
        **rows_generated.rows(),
        **rows_nemo.rows(root),
        **rows_classifiers.rows(root),
        **rows_vectors.rows(root),
        **rows_fer2013.rows(root),
        **rows_ravdess.rows(root),
    }
