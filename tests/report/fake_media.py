"""The clips and pictures of a fake audit's gallery: buzzing syllables and blots of relevance, drawn by the engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from audit.data import Sample
from audit.input_spec import SpeechInput
from audit.rendering.case import Case, Moved, Perturbation
from audit.rendering.exhibit import draw
from audit.suite import Check
from audit.worst_cases import choose

SPEC = SpeechInput(16000, 3.0, "melspectrogram", {})
METHODS = ("lime", "gradcam", "lrp", "smoothgrad")


def _voice(rng: np.random.Generator) -> NDArray[np.float32]:
    """Return three seconds of something that buzzes in syllables, (48000,)."""
    t = np.arange(48000) / 16000
    pitch = 160 + 50 * np.sin(2 * np.pi * (0.7 * t + rng.uniform()))
    phase = 2 * np.pi * np.cumsum(pitch) / 16000
    buzz = sum(np.sin(h * phase) / h ** rng.uniform(0.8, 1.4) for h in range(1, 24))
    syllables = np.clip(np.sin(2 * np.pi * rng.uniform(2, 4) * t), 0, 1) * (t > 0.2) * (t < 2.6)
    return np.float32(0.15 * buzz * syllables + 0.002 * rng.normal(size=t.size))


def exhibits(
    kept: Sequence[Check],
    seen: Any,
    samples: Sequence[Sample],
    emotions: Sequence[str],
    *,
    per_emotion: int,
    explained_by: str | None,
    folder: Path,
) -> list[dict[str, Any]]:
    """Write the worst cases' media into `folder`/media and return their rows; `explained_by` None draws no maps."""
    rng = np.random.default_rng(6)
    media, by_id = folder / "media", {sample.id: sample for sample in samples}
    found = []
    chosen = choose(seen, kept, emotions, per_emotion=per_emotion) if per_emotion else []
    for choice in chosen:
        media.mkdir(exist_ok=True)
        waveform = _voice(rng)
        inputs = SPEC.represent(torch.from_numpy(waveform)[None])[0].numpy()
        rows = seen[(seen["sample"] == choice.sample) & (seen["measure"] == "")]
        clean = rows[rows["check"] == "clean"].iloc[0]["probabilities"]
        probabilities, perturbation = {"clean": list(clean)}, None
        if choice.check is not None and choice.severity is not None:
            part = rows[(rows["check"] == choice.check) & (rows["severity"] == choice.severity)]
            probabilities["perturbed"] = list(part.iloc[0]["probabilities"])
            noise = np.float32(max(choice.severity, 0.02) * rng.normal(size=inputs.shape))
            perturbation = Perturbation(
                choice.check, choice.check, choice.severity, False, np.clip(inputs + noise, 0, 1)
            )
        maps = {method: _map(inputs, rng) for method in METHODS} if explained_by else {}
        by = explained_by
        moved = None
        if by is not None and perturbation is not None:
            moved = Moved(0.7 * maps[by] + 0.3 * _map(inputs, rng), float(rng.uniform(0.2, 0.9)), 0.2)
        if by is not None:
            probabilities["masked"] = rng.dirichlet(np.ones(len(emotions))).tolist()
        case = Case(
            sample=by_id[choice.sample],
            why=choice.why,
            recording=waveform,
            inputs=inputs,
            probabilities=probabilities,
            perturbation=perturbation,
            maps=maps,
            hidden=np.abs(maps[by]) > np.quantile(np.abs(maps[by]), 0.8) if by is not None else None,
            masked_by=by,
            drops={method: float(rng.uniform(-0.05, 0.9)) for method in maps},
            moved=moved,
        )
        found.append(draw(case, SPEC, emotions, media))
    return found


def _map(inputs: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    rows, columns = np.mgrid[: inputs.shape[-2], : inputs.shape[-1]]
    bump = sum(
        rng.choice([1, 1, -0.7])
        * np.exp(-(((rows - rng.uniform(5, 80)) / 9) ** 2) - ((columns - rng.uniform(5, 80)) / 7) ** 2)
        for _ in range(6)
    )
    return np.float32(bump[None] * (0.3 + inputs))
