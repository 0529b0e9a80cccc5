"""A video's case to see and to hear: its frames on a sheet, perturbed and masked, saliency maps over them, sound."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from audit.audiovisual_input import AudiovisualInput
from audit.rendering import picture, portrait, speech
from audit.rendering.case import Case
from audit.rendering.contact_sheet import sheet
from audit.rendering.level import Floats, unscaled
from audit.rendering.media import Axes, Media
from audit.video_input import VideoInput


def media_of(case: Case, spec: VideoInput) -> Media:
    """Return what there is to see of a video: all frames as the model takes them, on one sheet.

    Where the model takes no frames (features of them), they are shown as they were recorded, and nothing else is.
    """
    rows, columns = sheet(np.zeros(case.recording.shape)).shape
    axes = Axes(pixels=[rows, columns])
    if case.inputs.shape != case.recording.shape:
        return Media(axes, portrait.png(sheet(case.recording)[None]), maps=dict.fromkeys(case.maps), exact=False)
    low, high = replace(spec, scaling=None).bounds

    def shares(values: Floats) -> Floats:
        return sheet(((unscaled(values, case.recording, spec) - low) / (high - low)).clip(0.0, 1.0))[None]

    clean, changed = shares(case.inputs), case.perturbation
    perturbed = shares(changed.values) if changed is not None else None
    hidden = sheet(case.hidden.astype(np.float64)) if case.hidden is not None else None
    return Media(
        axes=axes,
        clean=portrait.png(clean),
        perturbed=portrait.png(perturbed) if perturbed is not None else None,
        masked=portrait.cut_png(clean, 1.0 - hidden) if hidden is not None else None,
        only=portrait.cut_png(clean, hidden) if hidden is not None else None,
        # An overlay's rows count from the bottom, as frequencies do.
        maps={name: picture.overlay_png(picture.scaled(sheet(map_))[::-1]) for name, map_ in case.maps.items()},
        moved=_moved(case),
        exact=perturbed is None or portrait.holds(perturbed),
    )


def media_with_sound(case: Case, spec: AudiovisualInput) -> Media:
    """Return what there is to see and to hear of a video with sound; of a map, the part that lies on the frames."""
    heard, seen = spec.parts
    sound = speech.media_of(_part(case, heard, (spec.sound.samples,)), spec.sound)
    return replace(
        media_of(_part(case, seen, spec.picture.shape), spec.picture),
        sampling_rate=sound.sampling_rate,
        original_clip=sound.original_clip,
        perturbed_clip=sound.perturbed_clip,
        masked_clip=sound.masked_clip,
        only_clip=sound.only_clip,
    )


def _part(case: Case, cells: slice, shape: tuple[int, ...]) -> Case:
    def cut(values: Floats) -> Floats:
        return values[cells].reshape(shape)

    changed, moved = case.perturbation, case.moved
    return replace(
        case,
        recording=cut(case.recording),
        inputs=cut(case.inputs),
        perturbation=changed and replace(changed, values=cut(changed.values)),
        maps={name: cut(map_) for name, map_ in case.maps.items()},
        hidden=case.hidden[cells].reshape(shape) if case.hidden is not None else None,
        moved=moved and replace(moved, map=cut(moved.map) if moved.map is not None else None),
    )


def _moved(case: Case) -> dict[str, bytes]:
    if case.moved is None or case.moved.map is None or case.masked_by is None:
        return {}
    found = picture.compared(sheet(case.maps[case.masked_by]), sheet(case.moved.map))
    return {name: picture.overlay_png(plane[::-1]) for name, plane in found.items()}
