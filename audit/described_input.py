"""A manifest's `input` as the specification of a model's input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from audit.audiovisual_input import AudiovisualInput
from audit.errors import ModelError
from audit.input_spec import FaceInput, InputSpec, SpeechInput
from audit.kinds import find
from audit.scaling import Affine, PerClip, Scaling, arranged, from_file, onto
from audit.video_input import VideoInput


def read_input(row: Mapping[str, Any], manifest: Path) -> InputSpec:
    """Return the specification that the checked keys of `input` in `manifest` describe; raises ModelError."""
    if row["modality"] == "audiovisual":
        return AudiovisualInput(**row["sound"], **row["picture"])
    if row["preprocess"] is not None:
        name, parameters = "preprocess", {"function": str((manifest.parent / row["preprocess"]).resolve())}
    elif row["representation"] is not None:
        method, name, parameters = row["representation"]
        name = f"{method.path}:{method.name}" if ".py:" in name else name
    else:
        name, parameters = {"face": "pixels", "video": "frames"}[row["modality"]], {}
    spec: InputSpec
    own: tuple[str, ...]
    if row["modality"] == "face":
        own = ("height", "width", "colour", "resize")
        spec = FaceInput(**{key: row[key] for key in own}, representation=name, parameters=parameters)
    elif row["modality"] == "video":
        own = ("frames", "height", "width", "face", "equalise", "smoothing")
        spec = VideoInput(**{key: row[key] for key in own}, representation=name, parameters=parameters)
    else:
        own = ("sampling_rate", "seconds", "offset", "pad")
        spec = SpeechInput(**{key: row[key] for key in own}, representation=name, parameters=parameters)
    taken = find("representation", name).facts["modality"]
    if taken not in (spec.modality, "any"):
        raise ModelError(f"{manifest}: input.representation {name} is for {taken}, and modality is {spec.modality}")
    return replace(spec, scaling=_scaling(row["scaling"], row["order"], spec, manifest))


def _scaling(row: Mapping[str, Any] | None, order: str | None, spec: InputSpec, manifest: Path) -> Scaling | None:
    if row is None:
        return None
    if "low" in row:
        return onto(row["low"], row["high"], spec.bounds)
    if "mean" in row:
        return Affine(row["mean"], row["std"])
    if "per_clip" in row:
        return PerClip(row["per_clip"])
    return _in_our_axes(from_file(manifest.parent / row["file"]), spec, order)


def _in_our_axes(scaling: Affine, spec: InputSpec, order: str | None) -> Affine:
    values = [value for value in (scaling.shift, scaling.unit) if isinstance(value, Tensor)]
    if all(value.ndim == 0 for value in values):
        return scaling
    try:
        shape = spec.represent(spec.example(1)).shape
    except Exception:
        # What cannot be represented at all is told of when the model is tried.
        return scaling
    letters = spec.letters.get(len(shape), "")[1:]
    return Affine(*(arranged(value, shape[1:], letters, order) for value in values)) if letters else scaling
