"""A manifest's `input` as the specification of a model's input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from audit.errors import ModelError
from audit.input_spec import FaceInput, InputSpec, SpeechInput
from audit.kinds import find
from audit.scaling import Affine, PerClip, Scaling, from_file, onto


def read_input(row: Mapping[str, Any], manifest: Path) -> InputSpec:
    """Return the specification that the checked keys of `input` in `manifest` describe; raises ModelError."""
    if row["preprocess"] is not None:
        name, parameters = "preprocess", {"function": str((manifest.parent / row["preprocess"]).resolve())}
    elif row["representation"] is not None:
        method, name, parameters = row["representation"]
        name = f"{method.path}:{method.name}" if ".py:" in name else name
    else:
        name, parameters = "pixels", {}
    spec: InputSpec
    if row["modality"] == "face":
        own = ("height", "width", "colour", "resize")
        spec = FaceInput(**{key: row[key] for key in own}, representation=name, parameters=parameters)
    else:
        own = ("sampling_rate", "seconds", "offset", "pad")
        spec = SpeechInput(**{key: row[key] for key in own}, representation=name, parameters=parameters)
    taken = find("representation", name).facts["modality"]
    if taken not in (spec.modality, "any"):
        raise ModelError(f"{manifest}: input.representation {name} is for {taken}, and modality is {spec.modality}")
    return replace(spec, scaling=_scaling(row["scaling"], spec, manifest))


def _scaling(row: Mapping[str, Any] | None, spec: InputSpec, manifest: Path) -> Scaling | None:
    if row is None:
        return None
    if "low" in row:
        return onto(row["low"], row["high"], spec.bounds)
    if "mean" in row:
        return Affine(row["mean"], row["std"])
    return PerClip(row["per_clip"]) if "per_clip" in row else from_file(manifest.parent / row["file"])
