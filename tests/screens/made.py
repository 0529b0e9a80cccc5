"""Folders of pictures and clips for the screens to look at, and a data check run on them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter
from torch import nn

from audit.checks.data import DataRun
from audit.checks.session import Session
from audit.data import Dataset, Sample
from audit.input_spec import FaceInput, InputSpec, SpeechInput
from audit.layouts import synthetic
from audit.model import TorchModel
from audit.progress import Unwatched
from audit.suite import Check, Gate, Use

EMOTIONS = ("anger", "fear", "happiness")
FACES = FaceInput(48, 48)
SPEECH = SpeechInput(16000, 3.0, "waveform")
RATE = 16000
Floats = NDArray[np.float32]
Files = Mapping[str, Floats]


def texture(seed: int, side: int = 48) -> Floats:
    """Return a grey picture (side, side) in [0, 1] with light, shade and detail of its own."""
    rng = np.random.default_rng(seed)
    noise = [gaussian_filter(rng.normal(size=(side, side)), side / size) * side / size for size in (6, 16, 32)]
    whole = sum(noise)
    return ((whole - whole.min()) / np.ptp(whole)).astype(np.float32)


def voice(seed: int) -> Floats:
    """Return one generated clip of its own speaker, (samples,) at RATE."""
    sample = next(iter(synthetic.synthetic(None, speakers=1, clips=1, emotions=("anger",), seed=seed)))
    return synthetic.render(sample)[0]


def write(folder: Path, files: Files) -> Path:
    """Write pictures (height, width) or clips (samples,) under their names; the name's ending is left to them."""
    for name, values in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if values.ndim == 1:
            soundfile.write(path.with_suffix(".wav"), values, RATE, subtype="FLOAT")
        else:
            Image.fromarray(np.rint(values * 255).astype(np.uint8)).save(path.with_suffix(".png"))
    return folder


def session_of(dataset: Dataset, spec: InputSpec) -> Session:
    """Return a session of which a data check uses the samples and the model's input."""
    nothing = torch.empty(0)
    model = TorchModel(nn.Identity(), spec, EMOTIONS, name="none")
    return Session(model, dataset.samples, nothing, nothing, nothing, nothing, 7, 32, Unwatched())


def found_by(run: DataRun) -> dict[str, dict[str, float]]:
    """Read the records of a run: by screen and sample, the score."""
    scores: dict[str, dict[str, float]] = {}
    for record in run.records():
        scores.setdefault(record.method, {})[record.sample.id] = record.score
    return scores


def check_of(*screens: str | Use, gated: tuple[str, ...] = ()) -> Check:
    """Return a data check of these screens with a gate on some."""
    uses = tuple(each if isinstance(each, Use) else Use("screen", each) for each in screens)
    return Check("data", "data", uses, gates=tuple(Gate("found", None, 0.0, of=name) for name in gated))


def sample(name: str, emotion: str = "anger", **groups: str) -> Sample:
    """Return a sample without a file."""
    return Sample(name, None, emotion, groups)
