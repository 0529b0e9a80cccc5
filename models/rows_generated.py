"""The models of generated clips and faces: those a first audit runs on, and two that are wrong on purpose."""

from __future__ import annotations

from augmentation import Faces, Spectrograms
from recipe import Recipe

from audit.suite import DataSource, Use


def rows() -> dict[str, Recipe]:
    """Return their recipes by model name."""
    return {
        "quickstart": Recipe(
            synthetic(seed=1, speakers=40, clips=8),
            epochs=14,
            augmentation=Spectrograms(shift=8, band=0, noise=0.05),
            unseen=synthetic(seed=2, speakers=20, clips=3),
            learning_rate=4e-3,
            weight_decay=0.02,
            adversarial=0.01,
        ),
        "quickstart-faces": Recipe(
            drawn(seed=1, people=80, pictures=8),
            epochs=14,
            augmentation=Faces(shift=0.04, angle=6.0),
            unseen=drawn(seed=2, people=20, pictures=3),
            learning_rate=4e-3,
            weight_decay=0.02,
            adversarial=0.01,
        ),
        "shortcut-tone": Recipe(
            synthetic(seed=3, speakers=30, clips=6, shortcut="sadness"),
            epochs=10,
            augmentation=Spectrograms(shift=8, band=0),
            unseen=synthetic(seed=4, speakers=20, clips=3, shortcut="sadness"),
            learning_rate=4e-3,
            weight_decay=0.02,
            also={
                "recall with the tone": synthetic(seed=4, speakers=20, clips=3, shortcut="sadness"),
                "recall without it": synthetic(seed=4, speakers=20, clips=3),
            },
        ),
        "shortcut-patch": Recipe(
            drawn(seed=3, people=40, pictures=6, shortcut="happy"),
            epochs=8,
            # Moved or mirrored, the patch would leave its corner.
            augmentation=Faces(mirrored=False, shift=0.0, angle=0.0, zoom=0.0, noise=0.0),
            unseen=drawn(seed=4, people=20, pictures=3, shortcut="happy"),
            learning_rate=4e-3,
            batch=32,
            weight_decay=0.02,
            also={
                "recall with the patch": drawn(seed=4, people=20, pictures=3, shortcut="happy"),
                "recall without it": drawn(seed=4, people=20, pictures=3),
            },
        ),
    }


def synthetic(*, seed: int, speakers: int, clips: int, **keys: str) -> DataSource:
    """Return generated clips."""
    return DataSource(Use("layout", "synthetic", {"speakers": speakers, "clips": clips, "seed": seed, **keys}), None)


def drawn(*, seed: int, people: int, pictures: int, **keys: str) -> DataSource:
    """Return generated faces."""
    return DataSource(
        Use("layout", "synthetic_faces", {"people": people, "pictures": pictures, "seed": seed, **keys}), None
    )
