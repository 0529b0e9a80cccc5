"""What a model is given of a video's picture: frames of a face over time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from torch import Tensor

from audit.data import Recording, Sample
from audit.errors import DataError
from audit.face_crop import cropped, equalised, resized, smoothed
from audit.input_spec import Floats, InputSpec, noise_of, refuse_not_finite
from audit.scaling import Scaling
from audit.video import read_frames

LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Of red, green and blue, as Pillow and OpenCV weigh them."""


@dataclass(frozen=True)
class VideoInput(InputSpec):
    """`frames` grey frames, evenly over the recording, of `height` x `width` pixels, their values in [0, 1].

    `face: find` cuts the face out of every frame; `whole` takes frames as they are. Each is resized, its histogram
    equalised where `equalise` says so, and smoothed by a Gaussian of `smoothing` pixels.
    Recordings and inputs are (n, frames, height, width), axes `nthw`: frames stand where colours do in a picture.
    """

    modality: ClassVar[str] = "video"
    pictured: ClassVar[bool] = True
    letters: ClassVar[Mapping[int, str]] = {4: "nthw"}
    frames: int
    height: int
    width: int
    face: Literal["find", "whole"] = "find"
    equalise: bool = True
    smoothing: float = 1.0
    representation: str = "frames"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    scaling: Scaling | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of one recording: (frames, height, width)."""
        return self.frames, self.height, self.width

    @property
    def described(self) -> str:
        """Frames and pixels."""
        return f"{self.frames} frames of {self.height} x {self.width} pixels, grey"

    def read(self, sample: Sample) -> tuple[Recording, int]:
        """Return the faces (frames, height, width) in [0, 1], cut out and resized; 0, for they have no rate."""
        assert sample.path is not None
        shown = read_frames(sample.path, self.frames)
        if self.face == "find":
            shown = cropped(shown, sample.where)
        return np.stack([resized(frame, self.height, self.width) for frame in shown]).astype(np.float32) / 255.0, 0

    def recording(self, raw: Recording, rate: int, name: str) -> Floats:
        """Return the frames that are seen of grey ones (any number, rows, columns), or RGB ones, in [0, 1].

        Frames of another number are picked evenly, of another size resized; no face is looked for any more.
        Raises DataError where they are no such frames, blank or not finite.
        """
        del rate
        grey = raw @ LUMA if raw.ndim == 4 and raw.shape[-1] == 3 else raw
        if grey.ndim != 3 or not grey.size:
            raise DataError(f"{name}: frames (number, rows, columns) are due, in grey or RGB, not {raw.shape}")
        refuse_not_finite(grey, name, "values")
        picked = (np.arange(self.frames) + 0.5) / self.frames * len(grey)
        # In 8 bits, as they come from a file: a histogram is equalised level by level.
        levels = np.rint(grey[picked.astype(int)] * 255.0).clip(0, 255).astype(np.uint8)
        if levels.max() == levels.min():
            raise DataError(f"{name}: blank, every pixel of every frame is {levels.max() / 255:.2f}")
        return np.stack([self._seen(frame) for frame in levels])

    def _seen(self, frame: Any) -> Floats:
        if frame.shape != (self.height, self.width):
            frame = resized(frame, self.height, self.width)
        if self.equalise:
            frame = equalised(frame)
        return smoothed(frame.astype(np.float32) / 255.0, self.smoothing).clip(0.0, 1.0)

    def example(self, count: int) -> Tensor:
        """Return noises, (count, frames, height, width)."""
        noise = noise_of(count, math.prod(self.shape))
        return (0.5 + 0.25 * noise).clamp(0.0, 1.0).view(count, *self.shape)
