"""Classifiers of scikit-learn: how they are fitted to a corpus, and saved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from zipfile import ZIP_DEFLATED

import numpy as np
from corpus import Corpus
from torch import Tensor

from audit.extras import needed
from audit.manifest import Manifest
from audit.suite import DataSource


@dataclass(frozen=True)
class EstimatorRecipe:
    """A classifier of scikit-learn: the data, of which a random fifth is held out, and what makes it from a seed."""

    source: DataSource
    estimator: Callable[[int], Any]
    ending: ClassVar[str] = ".skops"

    def write(self, corpus: Corpus, rows: Tensor, manifest: Manifest, seed: int, path: Path) -> None:
        """Fit the classifier to the rows' inputs, flattened, and write it to `path`."""
        emotions = np.array(manifest.emotions)
        fitted = self.estimator(seed).fit(corpus.inputs[rows].flatten(1).numpy(), emotions[corpus.truths[rows].numpy()])
        needed("skops.io", extra="sklearn").dump(fitted, path, compression=ZIP_DEFLATED)


def nearest(seed: int) -> Any:
    """Return the vote of the five nearest neighbours, the nearer the weightier. Cover and Hart (1967)."""
    del seed
    from sklearn.neighbors import KNeighborsClassifier

    return _standardised(KNeighborsClassifier(5, weights="distance", algorithm="brute"))


def linear(seed: int) -> Any:
    """Return a multinomial logistic regression with an l2 penalty."""
    from sklearn.linear_model import LogisticRegression

    return _standardised(LogisticRegression(C=0.1, max_iter=500, random_state=seed))


def tree(seed: int) -> Any:
    """Return a decision tree with at least 15 clips in every leaf. Breiman et al. (1984)."""
    from sklearn.tree import DecisionTreeClassifier

    return DecisionTreeClassifier(min_samples_leaf=15, random_state=seed)


def forest(seed: int) -> Any:
    """Return a hundred trees, each of other clips and other features. Breiman (2001)."""
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(100, min_samples_leaf=3, random_state=seed)


def _standardised(classifier: Any) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), classifier)
