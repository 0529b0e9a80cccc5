"""The models of FER2013: seven emotions on grey pictures, judged on the challenge's test parts."""

from __future__ import annotations

from pathlib import Path

from augmentation import Faces
from recipe import Recipe

from audit.suite import DataSource, Use

VARIED = Faces(angle=10.0, noise=0.02)


def rows(root: Path | None) -> dict[str, Recipe]:
    """Return their recipes by model name; `root` holds train/ and test/."""
    train, test = (DataSource(Use("layout", "folder"), root / part if root else None) for part in ("train", "test"))
    return {
        "fer-cnn-lstm": Recipe(train, epochs=16, augmentation=VARIED, unseen=test, balance=0.5),
        "fer-cnn": Recipe(train, epochs=16, augmentation=VARIED, unseen=test, balance=0.25, learning_rate=1e-3),
        "fer-cnn-stacked-lstm": Recipe(
            train, epochs=20, augmentation=VARIED, unseen=test, balance=0.25, learning_rate=1e-3
        ),
    }
