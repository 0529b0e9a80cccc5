"""Small videos of generated faces that move and hum, named as those of RAVDESS are."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from audit.data import Sample
from audit.layouts import synthetic_faces

SIDE, FACE = 96, 72
RATE, FPS = 16000, 12
EMOTIONS = {"sad": "04", "surprise": "08"}
"""Emotions of generated faces, as RAVDESS numbers them."""


def write(
    path: Path, frames: NDArray[np.uint8] | None, sound: NDArray[np.float32] | None = None, fps: int = FPS
) -> Path:
    """Write grey frames (number, rows, columns) and mono sound of 16 kHz into one file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        if frames is not None:
            shown = container.add_stream("mpeg4", rate=fps)
            shown.height, shown.width = frames.shape[1:]
            shown.pix_fmt, shown.bit_rate = "yuv420p", 2_000_000
        if sound is not None:
            heard = container.add_stream("aac", rate=RATE, layout="mono")
            heard.bit_rate = 96_000
        for picture in frames if frames is not None else ():
            container.mux(shown.encode(av.VideoFrame.from_ndarray(picture, format="gray")))
        if frames is not None:
            container.mux(shown.encode())
        if sound is not None:
            frame = av.AudioFrame.from_ndarray(sound[None].astype(np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
            container.mux(heard.encode(frame))
            container.mux(heard.encode())
    return path


@cache
def face(person: int, number: int, emotion: str) -> NDArray[np.uint8]:
    """Return one generated face, FACE pixels high and wide."""
    groups = {"carrier": f"p{person:02d}-{number:03d}", "seed": "0", "size": str(FACE), "expression": emotion}
    picture, _ = synthetic_faces.render(Sample("face", None, emotion, groups))
    return np.rint(picture[..., 0] * 255).astype(np.uint8)


def moving(person: int, number: int, emotion: str, count: int = FPS) -> NDArray[np.uint8]:
    """Return frames (count, SIDE, SIDE) in which a neutral face that drifts takes on an emotion."""
    rng = np.random.default_rng([person, number])
    neutral, shown = (face(person, number, name).astype(np.float64) for name in ("neutral", emotion))
    start, step = rng.uniform(4, SIDE - FACE - 4, 2), rng.uniform(-3, 3, 2)
    frames = np.full((count, SIDE, SIDE), int(neutral[0].mean()), np.uint8)
    for index in range(count):
        share = min(1.0, 2.5 * index / count)
        top, left = (start + step * index / count).round().astype(int)
        frames[index, top : top + FACE, left : left + FACE] = np.rint((1 - share) * neutral + share * shown)
    return frames


def voice(person: int, number: int, emotion: str) -> NDArray[np.float32]:
    """Return a second of a hum at 16 kHz, every person's own: it rises in surprise, and falls and is low in sadness."""
    rng = np.random.default_rng([person, number])
    moments = np.arange(RATE) / RATE
    first, last = (220.0, 420.0) if emotion == "surprise" else (180.0, 110.0)
    pitch = (first + (last - first) * moments) * rng.uniform(0.9, 1.1)
    turns = np.cumsum(pitch) / RATE
    hum = sum(np.sin(2 * np.pi * order * turns) / order for order in range(1, 8))
    swell = 0.5 - 0.5 * np.cos(2 * np.pi * moments * rng.integers(2, 5))
    return (0.1 * swell * hum + rng.normal(0, 0.003, RATE)).astype(np.float32)


def recordings(root: Path, actors: int, clips: int) -> Path:
    """Write `clips` (at most 8) of every actor and emotion, with sound (01), into `root/Actor_NN/`."""
    for actor in range(1, actors + 1):
        for number in range(clips):
            turn = f"{number // 4 % 2 + 1:02d}-{number // 2 % 2 + 1:02d}-{number % 2 + 1:02d}"
            for emotion, code in EMOTIONS.items():
                name = f"01-01-{code}-{turn}-{actor:02d}.mp4"
                frames, sound = moving(actor, number, emotion), voice(actor, number, emotion)
                write(root / f"Actor_{actor:02d}" / name, frames, sound)
    return root
