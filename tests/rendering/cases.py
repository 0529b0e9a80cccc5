"""A case to draw: a noisy clip, perturbed and masked, with two maps of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from audit.data import Sample, Waveform
from audit.input_spec import InputSpec, SpeechInput
from audit.rendering.case import Case, Moved, Perturbation

EMOTIONS = ("anger", "sadness")
MEL = SpeechInput(16000, 3.0, "melspectrogram", {})
WAVE = SpeechInput(16000, 3.0, "waveform", {})
MOVED = ("clean", "perturbed", "difference")


def noise(seed: int = 0) -> Waveform:
    return (0.1 * np.random.default_rng(seed).standard_normal(48000)).astype(np.float32)


def represented(waveform: Waveform, spec: InputSpec) -> NDArray[np.float32]:
    return spec.represent(torch.from_numpy(waveform)[None])[0].numpy()


def case_of(spec: InputSpec, *, name: str = "clip-1", emotion: str = "anger", on_waveform: bool = False) -> Case:
    clip = noise()
    inputs = represented(clip, spec)
    draws = np.random.default_rng(1)
    changed = clip + 0.01 * noise(2) if on_waveform else inputs + 0.01 * draws.standard_normal(inputs.shape)
    map_ = draws.standard_normal(inputs.shape)
    return Case(
        sample=Sample(name, Path("clips/one.wav"), emotion, {"speaker": "s1"}),
        why="flips to sadness",
        recording=clip,
        inputs=inputs,
        probabilities={"clean": [0.9, 0.1], "perturbed": [0.2, 0.8], "masked": [0.4, 0.6]},
        perturbation=Perturbation("fgsm", "fgsm", 0.01, on_waveform, changed.astype(np.float32)),
        maps={"lime": map_, "gradcam": np.abs(map_)},
        hidden=map_ > 0.8,
        masked_by="lime",
        drops={"lime": 0.5, "gradcam": 0.25},
        moved=Moved(0.5 * map_, 0.75, 0.2),
    )


def files(row: Mapping[str, Any]) -> list[str]:
    moved = [row["moved"][name] for name in MOVED] if row["moved"] else []
    found = [*row["audio"].values(), row["spectrogram"], row["perturbed_spectrogram"], *row["maps"].values(), *moved]
    return [path for path in found if path is not None]
