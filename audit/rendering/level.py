"""What an input's cells say: before they were scaled, and in decibels where the representation has levels at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from audit.data import Recording
from audit.errors import MethodError
from audit.input_spec import InputSpec, SpeechInput
from audit.kinds import find
from audit.scaling import PerClip

Floats = NDArray[np.floating[Any]]


def settings(spec: InputSpec) -> Mapping[str, Any]:
    """Return the representation's parameters, its defaults filled in."""
    method = find("representation", spec.representation)
    return {**{name: parameter.default for name, parameter in method.parameters.items()}, **spec.parameters}


def represented(recording: Recording, spec: InputSpec) -> Floats:
    """Return what the representation makes of one recording, unscaled, one input."""
    with torch.inference_mode():
        made = _unscaled_spec(spec).represent(torch.from_numpy(np.asarray(recording, np.float32))[None])
    return made[0].numpy()


def unscaled(values: Floats, recording: Recording, spec: InputSpec) -> Floats:
    """Return input values as they were before the specification's scaling.

    A scaling by each clip's own values is undone by those of `recording`, which the input was made of.
    """
    scaling = spec.scaling
    if scaling is None:
        return values
    if isinstance(scaling, PerClip):
        before = represented(recording, spec)
        with torch.inference_mode():
            after = scaling.apply(torch.from_numpy(before)[None])[0].numpy()
        unit = float(np.ptp(before)) / (float(np.ptp(after)) or 1.0)
        return float(before.min()) + (values - float(after.min())) * unit
    # Every other scaling is a straight line for each cell, and two points tell it.
    ends = torch.stack([torch.zeros(values.shape), torch.ones(values.shape)]).double()
    low, high = scaling.apply(ends).numpy()
    return (values - low) / (high - low)


def _unscaled_spec(spec: InputSpec) -> InputSpec:
    assert is_dataclass(spec)
    return replace(spec, scaling=None)


def has_levels(spec: SpeechInput) -> bool:
    """Return whether the cells are levels over frequency: whether a change of them can be heard as a gain."""
    return spec.axes.hertz is not None and {"scaling", "amin"} <= set(settings(spec))


def decibels(values: Floats, spec: SpeechInput) -> Floats:
    """Return unscaled values (channels, rows, columns) as levels of magnitude^`power`, in dB of 10 log10.

    They are (rows, columns): those of the channels' sum, where they part the sound between them.
    Raises MethodError where the representation has no levels.
    """
    given = settings(spec)
    if not has_levels(spec):
        raise MethodError(f"{spec.representation} holds no levels over frequency; a change of it cannot be heard")
    if given["scaling"] == "power":
        return 10.0 * np.log10(np.maximum(values.sum(axis=0), given["amin"]))
    levels = (values - 1.0) * given["top_db"] if given["scaling"] == "unit" else values
    # One channel as it is, to the last bit.
    return levels[0] if len(levels) == 1 else 10.0 * np.log10(np.power(10.0, levels / 10.0).sum(axis=0))


def plane_of(values: Floats) -> Floats:
    """Return one input (..., rows, columns) or (columns,) as a plane (rows, columns), channels summed."""
    return values.reshape(-1, *values.shape[-2:]).sum(axis=0) if values.ndim > 1 else values[None, :]
