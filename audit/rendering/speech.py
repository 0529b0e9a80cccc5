"""A clip's case to hear and see: the clips, spectrograms or waveforms, and saliency maps to lay over them."""

from __future__ import annotations

import numpy as np

from audit.data import Waveform
from audit.input_spec import SpeechInput
from audit.rendering import picture, sound
from audit.rendering.case import Case, Perturbation
from audit.rendering.level import Floats, decibels, has_levels, plane_of, represented, settings, unscaled
from audit.rendering.media import Axes, Media, Sound

SHOWN_DB = 80.0
"""Of a picture, where the representation itself has no floor."""


def media_of(case: Case, spec: SpeechInput) -> Media:
    """Return what there is to hear and see of a clip.

    A representation whose columns are no moments, or whose cells are no levels, cannot be heard; it is drawn as a plane
    of values.
    """
    clean = unscaled(case.inputs, case.recording, spec)
    perturbed = _perturbed_input(case, spec)
    changed, axes = case.perturbation, spec.axes
    bits = _bits(changed, spec)
    clip = _perturbed_clip(case, spec, clean, perturbed)
    masked, only = _parts(case, spec)
    return Media(
        axes=Axes(
            seconds=[0.0, float(spec.seconds)] if axes.seconds is not None else [],
            hertz=picture.hertz_ticks(axes.hertz) if axes.hertz is not None else [],
        ),
        clean=_picture(clean, clean, case, spec),
        perturbed=_picture(perturbed, clean, case, spec) if perturbed is not None else None,
        maps={
            name: _overlay(picture.scaled(_relevance(map_, spec)), clean, case, spec)
            for name, map_ in case.maps.items()
        },
        moved=_moved(case, spec, clean, perturbed),
        exact=changed is None or _is_exact(changed, spec),
        sampling_rate=spec.sampling_rate,
        original_clip=Sound(case.recording, bits),
        perturbed_clip=Sound(clip, bits) if clip is not None else None,
        masked_clip=masked,
        only_clip=only,
    )


def _is_exact(changed: Perturbation, spec: SpeechInput) -> bool:
    return changed.on_waveform or spec.representation == "waveform"


def _bits(changed: Perturbation | None, spec: SpeechInput) -> sound.Bits:
    return 24 if changed is not None and _is_exact(changed, spec) else 16


def _perturbed_input(case: Case, spec: SpeechInput) -> Floats | None:
    changed = case.perturbation
    if changed is None:
        return None
    if changed.on_waveform:
        return represented(np.asarray(changed.values, np.float32), spec)
    return unscaled(changed.values, case.recording, spec)


def _perturbed_clip(case: Case, spec: SpeechInput, clean: Floats, perturbed: Floats | None) -> Waveform | None:
    changed = case.perturbation
    if changed is None or perturbed is None:
        return None
    if changed.on_waveform:
        return np.asarray(changed.values, dtype=np.float32)
    if _is_exact(changed, spec) or has_levels(spec):
        return sound.perturbed_clip(case.recording, spec, clean, perturbed)
    return None


def _parts(case: Case, spec: SpeechInput) -> tuple[Sound | None, Sound | None]:
    """Return the clip without what was hidden from the model, and with nothing else: together they are the clip."""
    if case.hidden is None or spec.axes.seconds is None:
        return None, None
    keep = plane_of(case.hidden.astype(np.float32)) == 0
    parts = [sound.masked_clip(case.recording, spec, cells) for cells in (keep, ~keep)]
    # Either may swing further than the clip did; what is made quieter is made so in both.
    loudest = max(1.0, *(float(np.abs(part).max()) for part in parts))
    masked, only = (Sound((part / np.float32(loudest)).astype(np.float32)) for part in parts)
    return masked, only


def _picture(values: Floats, clean: Floats, case: Case, spec: SpeechInput) -> bytes:
    if spec.representation == "waveform":
        return picture.wave_png(values.reshape(-1), _peak(case))
    if has_levels(spec):
        high = float(decibels(clean, spec).max())
        return picture.spectrogram_png(decibels(values, spec), high - (settings(spec)["top_db"] or SHOWN_DB), high)
    plane, shown = plane_of(clean), plane_of(values)
    return picture.spectrogram_png(shown, float(plane.min()), float(plane.max()))


def _moved(case: Case, spec: SpeechInput, clean: Floats, perturbed: Floats | None) -> dict[str, bytes]:
    if case.moved is None or case.moved.map is None or case.masked_by is None or perturbed is None:
        return {}
    found = picture.compared(_relevance(case.maps[case.masked_by], spec), _relevance(case.moved.map, spec))
    under = {"perturbed": perturbed}
    return {name: _overlay(shares, under.get(name, clean), case, spec) for name, shares in found.items()}


def _relevance(map_: Floats, spec: SpeechInput) -> Floats:
    """Return a map as it is drawn, (rows, columns): of a waveform one row, its moments put together."""
    return picture.reduced(map_.reshape(1, -1)) if spec.representation == "waveform" else plane_of(map_)


def _overlay(shares: Floats, values: Floats, case: Case, spec: SpeechInput) -> bytes:
    if spec.representation == "waveform":
        return picture.wave_overlay_png(values.reshape(-1), _peak(case), shares)
    return picture.overlay_png(shares)


def _peak(case: Case) -> float:
    return float(np.abs(case.recording).max())
