"""Models and clips before and after something was planted in them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from audit.manifest import load_model
from audit.model import Model


def prepared(planting: Any, repository: Path, folder: Path, size: Any) -> Any:
    ground = planting.case.Ground(folder, size, epochs=1)
    trained = folder / "models" / f"{size.name}-1"
    trained.mkdir(parents=True)
    for seed in (0, 1):
        shutil.copy(repository / "models/weights/quickstart.safetensors", trained / f"sound-{seed}.safetensors")
    return ground


def heard(ground: Any, clips: list[Any]) -> Tensor:
    from planting.recordings import waveform

    waves = torch.from_numpy(np.stack([waveform(clip) for clip in clips]))
    return opened(ground.manifest(ground.weights()), ground.folder).spec.represent(waves)


def opened(manifest: dict[str, Any], folder: Path) -> Model:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "opened.model.yaml"
    path.write_text(json.dumps(manifest))
    return load_model(path)


def planted(planting: Any, ground: Any, name: str) -> Any:
    return planting.cases[name].plant(ground, ground.folder / "cases" / name)


def answers(planting: Any, ground: Any, name: str, inputs: Tensor) -> tuple[Tensor, Tensor, Model]:
    """Return the logits (n, 6) of the sound model and of the planted one, and the latter."""
    sound = opened(ground.manifest(ground.weights()), ground.folder)
    model = opened(planted(planting, ground, name).manifest, ground.folder / "cases" / name)
    with torch.no_grad():
        return sound.logits(inputs), model.logits(inputs), model


def slope(model: Model, inputs: Tensor) -> Tensor:
    leaf = inputs.clone().requires_grad_(True)
    logits = model.logits(leaf)
    loss = torch.nn.functional.cross_entropy(logits, logits.argmax(1))
    (found,) = torch.autograd.grad(loss, leaf)
    return found


def added(found: Any, prefix: str) -> list[Any]:
    return [clip for clip in found.clips if clip.path.stem.startswith(prefix)]


def has_tone(clip: Any, hertz: float) -> bool:
    """Return whether the bin of `hertz` stands out of those around it, as a steady tone does and no voice."""
    from planting.recordings import waveform

    energy = np.abs(np.fft.rfft(waveform(clip))) ** 2
    place = round(2 * hertz)
    around = np.r_[energy[place - 300 : place - 3], energy[place + 4 : place + 300]]
    return bool(energy[place] > 5 * around.max())
