"""A case as files and as a row of `audit.json`: what was heard, seen and said."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from audit.audiovisual_input import AudiovisualInput
from audit.data import printable
from audit.gate_id import slug, unique
from audit.input_spec import FaceInput, InputSpec, SpeechInput
from audit.rendering import face, sound, speech, video
from audit.rendering.case import Case
from audit.rendering.media import Media, Sound
from audit.video_input import VideoInput

LONGEST_NAME = 32
MAP_SCALE = (-1.0, 1.0)
MOVED = ("clean", "perturbed", "difference")


def draw(case: Case, spec: InputSpec, emotions: Sequence[str], folder: Path) -> dict[str, Any]:
    """Write the case's clips and pictures into `folder` and return its row; paths in it are from the folder above.

    What does not exist (no perturbation, no map, a representation that cannot be heard) is None, and what was not
    predicted is left out. Names of files hold
    a-z, 0-9 and hyphens alone: the emotion and a digest of the sample's id and the perturbation, never the id itself.
    """
    media, put = _media(case, spec), _Files(folder, case)
    changed, rate = case.perturbation, media.sampling_rate
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
            "approximate": not media.exact,
        },
        "audio": {
            "original": put.clip("original", media.original_clip, rate),
            "perturbed": put.clip("perturbed", media.perturbed_clip, rate),
            "masked": put.clip("masked", media.masked_clip, rate),
            "only": put.clip("only", media.only_clip, rate),
        },
        "spectrogram": put.picture("clean", media.clean),
        "perturbed_spectrogram": put.picture("changed", media.perturbed),
        "masked_picture": put.picture("cut", media.masked),
        "only_picture": put.picture("kept", media.only),
        "maps": {
            name: put.picture(f"map-{plain}", map_)
            for (name, map_), plain in zip(media.maps.items(), unique(map(_plain, media.maps)), strict=True)
        },
        "drops": {name: float(drop) for name, drop in case.drops.items()},
        "masked_by": case.masked_by,
        "moved": case.moved
        and {
            **{name: put.picture(f"moved-{name}", media.moved.get(name)) for name in MOVED},
            "stays": case.moved.stays,
            "by_chance": case.moved.by_chance,
            "reason": case.moved.reason,
        },
        "axes": {
            "seconds": list(media.axes.seconds),
            "hertz": [list(tick) for tick in media.axes.hertz],
            "pixels": list(media.axes.pixels),
            "scale": list(MAP_SCALE),
        },
    }


def _media(case: Case, spec: InputSpec) -> Media:
    if isinstance(spec, FaceInput):
        return face.media_of(case, spec)
    if isinstance(spec, VideoInput):
        return video.media_of(case, spec)
    if isinstance(spec, AudiovisualInput):
        return video.media_with_sound(case, spec)
    assert isinstance(spec, SpeechInput)
    return speech.media_of(case, spec)


class _Files:
    def __init__(self, folder: Path, case: Case) -> None:
        changed = case.perturbation
        identity = (case.sample.id, *((changed.check, repr(float(changed.severity))) if changed else ()))
        digest = hashlib.sha256("\x1f".join(identity).encode("utf-8", "surrogatepass")).hexdigest()[:12]
        self._folder, self._stem = folder, f"{_plain(case.sample.emotion)}-{digest}"

    def clip(self, what: str, clip: Sound | None, rate: int) -> str | None:
        if clip is None:
            return None
        path = self._folder / f"{self._stem}-{what}.flac"
        sound.write_flac(path, clip.waveform, rate, clip.bits)
        return f"{self._folder.name}/{path.name}"

    def picture(self, what: str, png: bytes | None) -> str | None:
        if png is None:
            return None
        path = self._folder / f"{self._stem}-{what}.png"
        path.write_bytes(png)
        return f"{self._folder.name}/{path.name}"


def _plain(name: str) -> str:
    return slug(name).replace(".", "-")[:LONGEST_NAME].strip("-")
