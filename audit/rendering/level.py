"""What an input's cells say in decibels, where its representation has levels at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.errors import MethodError
from audit.input_spec import InputSpec
from audit.kinds import find

Floats = NDArray[np.floating[Any]]


def settings(spec: InputSpec) -> Mapping[str, Any]:
    """Return the representation's parameters, its defaults filled in."""
    method = find("representation", spec.representation)
    return {**{name: parameter.default for name, parameter in method.parameters.items()}, **spec.parameters}


def has_levels(spec: InputSpec) -> bool:
    """Return whether the cells are levels over frequency: whether a change of them can be heard as a gain."""
    return spec.axes.hertz is not None and "scaling" in settings(spec)


def decibels(plane: Floats, spec: InputSpec) -> Floats:
    """Return a plane of input values (rows, columns) as levels of magnitude^`power`, in dB of 10 log10.

    Raises MethodError where the representation has no levels.
    """
    given = settings(spec)
    if not has_levels(spec):
        raise MethodError(f"{spec.representation} holds no levels over frequency; a change of it cannot be heard")
    if given["scaling"] == "power":
        return 10.0 * np.log10(np.maximum(plane, given["amin"]))
    return (plane - 1.0) * given["top_db"] if given["scaling"] == "unit" else plane


def plane_of(values: Floats) -> Floats:
    """Return one input (..., rows, columns) or (columns,) as a plane (rows, columns), channels summed."""
    return values.reshape(-1, *values.shape[-2:]).sum(axis=0) if values.ndim > 1 else values[None, :]
