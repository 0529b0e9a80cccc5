"""A face's case to see: the picture as the model takes it, perturbed and masked, and saliency maps to lay over it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from audit.input_spec import FaceInput
from audit.rendering import picture, portrait
from audit.rendering.case import Case
from audit.rendering.level import Floats, plane_of, unscaled
from audit.rendering.media import Axes, Media

COLOURS = (1, 3)


def media_of(case: Case, spec: FaceInput) -> Media:
    """Return what there is to see of a face; there is nothing to hear.

    Where the model takes no picture (features of one), the face is shown as it was recorded, and nothing else is.
    """
    if case.inputs.ndim != 3 or case.inputs.shape[0] not in COLOURS:
        rows, columns = case.recording.shape[-2:]
        maps = dict.fromkeys(case.maps, None)
        return Media(Axes(pixels=[rows, columns]), portrait.png(case.recording), maps=maps, exact=False)
    low, high = _ends(case, spec)
    clean = _shares(case.inputs, case, spec, low, high)
    changed = case.perturbation
    perturbed = _shares(changed.values, case, spec, low, high) if changed is not None else None
    rows, columns = clean.shape[-2:]
    return Media(
        axes=Axes(pixels=[rows, columns]),
        clean=portrait.png(clean),
        perturbed=portrait.png(perturbed) if perturbed is not None else None,
        masked=portrait.cut_png(clean, 1.0 - case.hidden.mean(axis=0)) if case.hidden is not None else None,
        only=portrait.cut_png(clean, case.hidden.mean(axis=0)) if case.hidden is not None else None,
        # An overlay's rows count from the bottom, as frequencies do.
        maps={name: picture.overlay_png(picture.scaled(plane_of(map_))[::-1]) for name, map_ in case.maps.items()},
        moved=_moved(case),
        exact=spec.representation == "pixels" and (perturbed is None or portrait.holds(perturbed)),
    )


def _ends(case: Case, spec: FaceInput) -> tuple[float, float]:
    """Return which unscaled values are black and white: the representation's bounds, or what this face shows."""
    low, high = replace(spec, scaling=None).bounds
    if np.isfinite([low, high]).all():
        return low, high
    values = unscaled(case.inputs, case.recording, spec)
    return float(values.min()), float(values.max())


def _moved(case: Case) -> dict[str, bytes]:
    if case.moved is None or case.moved.map is None or case.masked_by is None:
        return {}
    found = picture.compared(plane_of(case.maps[case.masked_by]), plane_of(case.moved.map))
    return {name: picture.overlay_png(plane[::-1]) for name, plane in found.items()}


def _shares(values: Floats, case: Case, spec: FaceInput, low: float, high: float) -> Floats:
    return ((unscaled(values, case.recording, spec) - low) / ((high - low) or 1.0)).clip(0.0, 1.0)
