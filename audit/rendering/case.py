"""One case of an audit as files and as a row of `audit.json`: what was heard, seen and said."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from audit.data import Sample, Waveform, printable
from audit.gate_id import slug, unique
from audit.input_spec import InputSpec
from audit.rendering import picture, sound
from audit.rendering.level import Floats, decibels, has_levels, plane_of, settings

LONGEST_NAME = 32
MAP_SCALE = (-1.0, 1.0)


@dataclass(frozen=True)
class Perturbation:
    """What was done to the clip: `values` is the perturbed input, or the perturbed waveform where `on_waveform`."""

    check: str
    method: str
    severity: float
    on_waveform: bool
    values: Floats


@dataclass(frozen=True)
class Case:
    """One clip, as it was, as perturbed and as masked.

    `waveform` is (samples,), `inputs` one input as the model takes it; `maps` (one attribution per saliency method) and
    `hidden` (True where the map of `masked_by` had the cells masked) have its shape. `probabilities` are the model's,
    in the order of its emotions, under `clean`, `perturbed` and `masked`; `drops` is what masking by each
    method took from the predicted emotion.
    """

    sample: Sample
    why: str
    waveform: Waveform
    inputs: Floats
    probabilities: Mapping[str, Sequence[float]]
    perturbation: Perturbation | None = None
    maps: Mapping[str, Floats] = field(default_factory=dict)
    hidden: NDArray[np.bool_] | None = None
    masked_by: str | None = None
    drops: Mapping[str, float] = field(default_factory=dict)


def draw(case: Case, spec: InputSpec, emotions: Sequence[str], folder: Path) -> dict[str, Any]:
    """Write the case's clips and pictures into `folder` and return its row; paths in it are from the folder above.

    What does not exist (no perturbation, no map, a representation that cannot be heard) is None, and what was not
    predicted is left out. Names of files hold
    a-z, 0-9 and hyphens alone: the emotion and a digest of the sample's id and the perturbation, never the id itself.
    """
    put = _Files(folder, case)
    perturbed = _perturbed_input(case, spec)
    changed = case.perturbation
    rate, bits = spec.sampling_rate, _bits(changed, spec)
    return {
        "emotion": case.sample.emotion,
        "sample": case.sample.id,
        "path": printable(str(case.sample.path)) if case.sample.path is not None else None,
        "why": case.why,
        "groups": dict(case.sample.groups),
        "predicted": {name: emotions[int(np.argmax(row))] for name, row in case.probabilities.items()},
        "probabilities": {name: [float(p) for p in row] for name, row in case.probabilities.items()},
        "perturbation": changed
        and {
            "check": changed.check,
            "method": changed.method,
            "at": float(changed.severity),
            "space": "waveform" if changed.on_waveform else "input",
            "approximate": not _is_exact(changed, spec),
        },
        "audio": {
            "original": put.clip("original", case.waveform, rate, bits),
            "perturbed": put.clip("perturbed", _perturbed_clip(case, spec), rate, bits),
            "masked": put.clip("masked", _masked_clip(case, spec), rate),
        },
        "spectrogram": put.picture("clean", _picture(case.inputs, case, spec)),
        "perturbed_spectrogram": put.picture("changed", _picture(perturbed, case, spec)),
        "maps": {
            name: put.picture(f"map-{plain}", _overlay(map_, case, spec))
            for (name, map_), plain in zip(case.maps.items(), unique(map(_plain, case.maps)), strict=True)
        },
        "drops": {name: float(drop) for name, drop in case.drops.items()},
        "masked_by": case.masked_by,
        "axes": {
            "seconds": [0.0, float(spec.seconds)],
            "hertz": picture.hertz_ticks(spec.axes.hertz) if spec.axes.hertz is not None else [],
            "scale": list(MAP_SCALE),
        },
    }


class _Files:
    def __init__(self, folder: Path, case: Case) -> None:
        changed = case.perturbation
        identity = (case.sample.id, *((changed.check, repr(float(changed.severity))) if changed else ()))
        digest = hashlib.sha256("\x1f".join(identity).encode("utf-8", "surrogatepass")).hexdigest()[:12]
        self._folder, self._stem = folder, f"{_plain(case.sample.emotion)}-{digest}"

    def clip(self, what: str, waveform: Waveform | None, rate: int, bits: sound.Bits = 16) -> str | None:
        if waveform is None:
            return None
        path = self._folder / f"{self._stem}-{what}.flac"
        sound.write_flac(path, waveform, rate, bits)
        return f"{self._folder.name}/{path.name}"

    def picture(self, what: str, png: bytes | None) -> str | None:
        if png is None:
            return None
        path = self._folder / f"{self._stem}-{what}.png"
        path.write_bytes(png)
        return f"{self._folder.name}/{path.name}"


def _plain(name: str) -> str:
    return slug(name).replace(".", "-")[:LONGEST_NAME].strip("-")


def _is_exact(changed: Perturbation, spec: InputSpec) -> bool:
    return changed.on_waveform or spec.representation == "waveform"


def _bits(changed: Perturbation | None, spec: InputSpec) -> sound.Bits:
    return 24 if changed is not None and _is_exact(changed, spec) else 16


def _perturbed_input(case: Case, spec: InputSpec) -> Floats | None:
    changed = case.perturbation
    if changed is None or not changed.on_waveform:
        return changed.values if changed is not None else None
    with torch.inference_mode():
        return spec.represent(torch.from_numpy(np.asarray(changed.values, np.float32))[None])[0].numpy()


def _perturbed_clip(case: Case, spec: InputSpec) -> Waveform | None:
    changed = case.perturbation
    if changed is None:
        return None
    if changed.on_waveform:
        return np.asarray(changed.values, dtype=np.float32)
    if _is_exact(changed, spec) or has_levels(spec):
        return sound.perturbed_clip(case.waveform, spec, case.inputs, changed.values)
    return None


def _masked_clip(case: Case, spec: InputSpec) -> Waveform | None:
    if case.hidden is None:
        return None
    return sound.masked_clip(case.waveform, spec, plane_of(case.hidden.astype(np.float32)) == 0)


def _picture(values: Floats | None, case: Case, spec: InputSpec) -> bytes | None:
    if values is None:
        return None
    if spec.representation == "waveform":
        return picture.wave_png(values.reshape(-1), _peak(case))
    if has_levels(spec):
        high = float(decibels(plane_of(case.inputs), spec).max())
        return picture.spectrogram_png(decibels(plane_of(values), spec), high - float(settings(spec)["top_db"]), high)
    clean = plane_of(case.inputs)
    return picture.spectrogram_png(plane_of(values), float(clean.min()), float(clean.max()))


def _overlay(map_: Floats, case: Case, spec: InputSpec) -> bytes:
    if spec.representation == "waveform":
        return picture.wave_overlay_png(case.inputs.reshape(-1), _peak(case), map_.reshape(-1))
    return picture.overlay_png(picture.scaled(plane_of(map_)))


def _peak(case: Case) -> float:
    return float(np.abs(case.waveform).max())
