"""The models of nEMO: six emotions of nine Polish speakers, a random fifth held out."""

from __future__ import annotations

from pathlib import Path

from augmentation import Spectrograms, Waveforms
from recipe import Recipe

from audit.suite import DataSource, Use


def rows(root: Path | None) -> dict[str, Recipe]:
    """Return their recipes by model name; `root` is that of nEMO."""
    nemo = DataSource(Use("layout", "nemo"), root, seed=7)
    return {
        "nemo-resnet18": Recipe(
            nemo, epochs=30, augmentation=Spectrograms(), folds={"sentence": (5, 1), "speaker": (3, 1)}
        ),
        "nemo-attention": Recipe(
            nemo,
            epochs=80,
            augmentation=Spectrograms(noise=0.03),
            learning_rate=1e-3,
            batch=32,
            folds={"sentence": (5, 1), "speaker": (3, 1)},
        ),
        **{
            f"nemo-resnet18-{name}": Recipe(nemo, epochs=60, augmentation=Spectrograms(band=band), mixup=0.3)
            # Of few rows no band is silenced: what is left would be another pitch, or another beat.
            for name, band in {
                "mel": 16,
                "spectrogram": 24,
                "hpss": 16,
                "mfcc": 0,
                "cqt": 8,
                "chroma": 0,
                "tempogram": 0,
            }.items()
        },
        "nemo-vgg16": Recipe(nemo, epochs=40, augmentation=Spectrograms(), learning_rate=1e-3),
        "nemo-cnn": Recipe(nemo, epochs=60, augmentation=Spectrograms(), learning_rate=3e-3, weight_decay=0.01),
        "nemo-waveform-cnn": Recipe(nemo, epochs=40, augmentation=Waveforms(), weight_decay=0.01),
        "nemo-conv1d-rnn": Recipe(nemo, epochs=40, augmentation=Spectrograms(), weight_decay=0.01),
    }
