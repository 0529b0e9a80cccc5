"""What a model is given of a video with its sound: the waveform and the frames of one file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from audit.data import Recording, Sample
from audit.errors import DataError
from audit.input_spec import Floats, InputSpec, SpeechInput
from audit.scaling import Scaling
from audit.video import read_sound
from audit.video_input import VideoInput


@dataclass(frozen=True)
class AudiovisualInput(InputSpec):
    """A video's sound and picture as one flat vector: the waveform of a SpeechInput, then the frames of a VideoInput.

    Recordings and inputs are (n, samples + frames x height x width): the first in [-1, 1], the others in [0, 1], frame
    by frame and row by row. Frames are spread over the whole recording, also where `seconds` is shorter.
    """

    modality: ClassVar[str] = "audiovisual"
    letters: ClassVar[Mapping[int, str]] = {2: "ns"}
    sampling_rate: int
    seconds: float
    frames: int
    height: int
    width: int
    offset: float = 0.0
    pad: Literal["end", "start", "center", "repeat"] = "end"
    face: Literal["find", "whole"] = "find"
    equalise: bool = True
    smoothing: float = 1.0
    representation: str = "waveform and frames"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    scaling: Scaling | None = None

    @property
    def sound(self) -> SpeechInput:
        """What is heard."""
        return SpeechInput(self.sampling_rate, self.seconds, "waveform", {}, self.offset, self.pad)

    @property
    def picture(self) -> VideoInput:
        """What is seen."""
        return VideoInput(self.frames, self.height, self.width, self.face, self.equalise, self.smoothing)

    @property
    def parts(self) -> tuple[slice, slice]:
        """Which cells of one input hold the sound, and which the picture."""
        samples = self.sound.samples
        return slice(0, samples), slice(samples, samples + self.frames * self.height * self.width)

    @property
    def described(self) -> str:
        """Those of the sound and the picture."""
        return f"{self.sound.described} and {self.picture.described}"

    @property
    def differentiable(self) -> bool:
        """Always: the recording is the input."""
        return True

    @property
    def nothing(self) -> Tensor:
        """Silence, and grey, per cell."""
        return self._filled(0.0, 0.5)

    @property
    def floor(self) -> Tensor:
        """Silence, and black, per cell."""
        return self._filled(0.0, 0.0)

    def read(self, sample: Sample) -> tuple[Recording, int]:
        """Return the waveform and the frames that the model is given of a video file, flat; 0, for they have no rate.

        Raises DataError where it lacks one of them.
        """
        assert sample.path is not None
        heard = self.sound.recording(*read_sound(sample.path), sample.where)
        seen = self.picture.recording(*self.picture.read(sample), sample.where)
        return np.concatenate([heard, seen.reshape(-1)]), 0

    def recording(self, raw: Recording, rate: int, name: str) -> Floats:
        """Return a flat recording as `read` gives it; raises DataError for one of another size or not finite."""
        del rate
        cells = self.parts[1].stop
        if raw.shape != (cells,) or not np.isfinite(raw).all():
            raise DataError(f"{name}: {cells} finite values are due, samples and then pixels, not {raw.shape}")
        return np.ascontiguousarray(raw, dtype=np.float32)

    def example(self, count: int) -> Tensor:
        """Return a tone and noises, with noises to see."""
        return torch.cat([self.sound.example(count), self.picture.example(count).flatten(1)], dim=1)

    def _represented(self, recordings: Tensor) -> Tensor:
        return recordings

    def _bounds(self) -> tuple[Tensor, Tensor]:
        ends = self._cells(-1.0, 0.0), self._cells(1.0, 1.0)
        return self.scaling.bounds(*ends) if self.scaling else ends

    def _filled(self, heard: float, seen: float) -> Tensor:
        cells = self._cells(heard, seen)
        return self.scaling.bounds(cells, cells)[0] if self.scaling else cells

    def _cells(self, heard: float, seen: float) -> Tensor:
        first, second = (part.stop - part.start for part in self.parts)
        return torch.cat([torch.full((first,), heard), torch.full((second,), seen)])
