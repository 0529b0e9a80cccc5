"""How a recording becomes a model's input: what is heard or seen of it, the representation, the scaling."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from audit.data import Recording, Sample, read_audio, read_picture
from audit.errors import DataError
from audit.kinds import find
from audit.scaling import Scaling, fitted

Floats = NDArray[np.float32]
SHORTEST_SECONDS = 0.1
QUIETEST = 1e-5


@dataclass(frozen=True)
class Axes:
    """What an input's last two axes mean: Hz per row, seconds per column; None where they are neither."""

    seconds: NDArray[np.float64] | None = None
    hertz: NDArray[np.float64] | None = None


class InputSpec(ABC):
    """What a model is given of a recording.

    A recording is brought to one shape (`recording`), turned into the `representation`, whose keyword arguments are
    `parameters`, and scaled. All of it but the first step is differentiable where the representation is.
    """

    modality: ClassVar[str]
    pictured: ClassVar[bool] = False
    """Whether an input of four axes is a picture, (n, ..., rows, columns): rows and columns are pixels."""
    letters: ClassVar[Mapping[int, str]]
    """The audit's own order of an input's axes, by their number, one letter each, the batch first."""
    representation: str
    parameters: Mapping[str, Any]
    scaling: Scaling | None

    @abstractmethod
    def read(self, sample: Sample) -> tuple[Recording, int]:
        """Read `sample.path`; raises DataError where it is no such file."""

    @abstractmethod
    def recording(self, raw: Recording, rate: int, name: str) -> Floats:
        """Return one recording as every recording is given to the representation.

        Raises DataError naming it where it is too short, silent or blank, or not finite.
        """

    @abstractmethod
    def example(self, count: int) -> Tensor:
        """Return `count` recordings of this shape that look like nothing in particular, to try a model with."""

    def _represented(self, recordings: Tensor) -> Tensor:
        """Return the representation of recordings, unscaled."""
        return find("representation", self.representation).load()(recordings, **self.parameters)

    @property
    def axes(self) -> Axes:
        """Hz and seconds of the input's rows and columns; neither, unless there is something to hear alone."""
        return Axes()

    @property
    @abstractmethod
    def described(self) -> str:
        """A recording's size in words: `3 s at 16000 Hz`."""

    def represent(self, recordings: Tensor) -> Tensor:
        """Turn recordings (n, ...) into inputs (n, ...)."""
        found = self._represented(recordings)
        return self.scaling.apply(found) if self.scaling else found

    @property
    def differentiable(self) -> bool:
        """Whether gradients pass from the input to the recording."""
        return bool(self._fact("gradients"))

    @property
    def bounds(self) -> tuple[float, float]:
        """Lowest and highest value an input cell may take, over all cells."""
        low, high = self._bounds()
        return float(low.min()), float(high.max())

    @property
    def nothing(self) -> Tensor | None:
        """What an input holds where there is nothing to hear or see, as a number or per cell; None where unknown.

        Of a spectrogram the lowest level, of what swings about zero its middle, of a picture grey.
        """
        low, high = (float(end) for end in self._fact("bounds")(**self.parameters))
        # Black is as much to see as white: from grey, dark lines and bright ones count alike.
        middle = 0.5 * (low + high) if self.pictured else 0.0
        value = torch.tensor(middle if self.pictured or low < 0.0 < high else low)
        if self.scaling is not None:
            value, _ = self.scaling.bounds(value, value)
        return value if bool(torch.isfinite(value).all()) else None

    @property
    def floor(self) -> Tensor | None:
        """Silence, where that is not simply the lowest value a cell may take, as it is of a picture; else None."""
        return None if self.pictured else self.nothing

    def clip(self, inputs: Tensor) -> Tensor:
        """Return inputs (n, ...) with every cell brought back to its own bounds."""
        low, high = self._bounds()
        return inputs.clamp(fitted(low, inputs), fitted(high, inputs))

    def _bounds(self) -> tuple[Tensor, Tensor]:
        low, high = self._fact("bounds")(**self.parameters)
        ends = torch.tensor(float(low)), torch.tensor(float(high))
        return self.scaling.bounds(*ends) if self.scaling else ends

    def _fact(self, name: str) -> Any:
        return find("representation", self.representation).facts[name]


@dataclass(frozen=True)
class SpeechInput(InputSpec):
    """A clip, resampled to `sampling_rate` (Hz), cut to `seconds` from `offset` (both in seconds) and padded."""

    modality: ClassVar[str] = "speech"
    letters: ClassVar[Mapping[int, str]] = {2: "ns", 3: "ncs", 4: "ncft"}
    sampling_rate: int
    seconds: float
    representation: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    offset: float = 0.0
    pad: Literal["end", "start", "center", "repeat"] = "end"
    scaling: Scaling | None = None

    @property
    def samples(self) -> int:
        """Waveform samples in one recording."""
        return round(self.seconds * self.sampling_rate)

    @property
    def axes(self) -> Axes:
        """Hz and seconds of the input's rows and columns."""
        return self._fact("axes")(self.samples, self.sampling_rate, **self.parameters) or Axes()

    @property
    def described(self) -> str:
        """Seconds and sampling rate."""
        return f"{self.seconds:g} s at {self.sampling_rate} Hz"

    def read(self, sample: Sample) -> tuple[Recording, int]:
        """Return (mono waveform in [-1, 1], sampling rate in Hz)."""
        return read_audio(sample)

    def recording(self, raw: Recording, rate: int, name: str) -> Floats:
        """Return the waveform (samples,) that is heard of a mono waveform at `rate` Hz."""
        refuse_not_finite(raw, name, "samples")
        if len(raw) < SHORTEST_SECONDS * rate:
            raise DataError(f"{name}: {len(raw) / rate:.3f} s long; at least {SHORTEST_SECONDS} s is needed")
        waveform = soxr.resample(raw, rate, self.sampling_rate) if rate != self.sampling_rate else raw
        fitted = np.ascontiguousarray(self.fit(waveform), dtype=np.float32)
        if not len(fitted) or float(np.abs(fitted).max()) < QUIETEST:
            raise DataError(f"{name}: silent from {self.offset} s to {self.offset + self.seconds} s")
        return fitted

    def fit(self, waveform: Floats) -> Floats:
        """Cut or pad a mono waveform at this sampling rate to exactly `samples` values."""
        start = round(self.offset * self.sampling_rate)
        clip = waveform[start : start + self.samples]
        missing = self.samples - len(clip)
        if missing <= 0:
            return clip
        if self.pad == "repeat":
            return np.resize(clip, self.samples)
        left = {"end": 0, "start": missing, "center": missing // 2}[self.pad]
        return np.pad(clip, (left, missing - left))

    def example(self, count: int) -> Tensor:
        """Return a tone and noises, (count, samples)."""
        tone = 0.1 * torch.sin(2 * torch.pi * 440 * torch.arange(self.samples) / self.sampling_rate)
        return torch.cat([tone[None], 0.1 * noise_of(count - 1, self.samples)])

    def _represented(self, recordings: Tensor) -> Tensor:
        method = find("representation", self.representation)
        return method.load()(recordings, self.sampling_rate, **self.parameters)


@dataclass(frozen=True)
class FaceInput(InputSpec):
    """A picture, resized to `height` x `width` pixels, grey or RGB, its values in [0, 1]."""

    modality: ClassVar[str] = "face"
    pictured: ClassVar[bool] = True
    letters: ClassVar[Mapping[int, str]] = {4: "nchw"}
    height: int
    width: int
    colour: Literal["grey", "rgb"] = "grey"
    resize: Literal["bilinear", "bicubic", "nearest", "box"] = "bilinear"
    representation: str = "pixels"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    scaling: Scaling | None = None

    @property
    def described(self) -> str:
        """Pixels and colours."""
        return f"{self.height} x {self.width} pixels, {self.colour}"

    def read(self, sample: Sample) -> tuple[Recording, int]:
        """Return the picture (height, width, 3) in [0, 1], and 0 for it has no rate."""
        return read_picture(sample), 0

    def recording(self, raw: Recording, rate: int, name: str) -> Floats:
        """Return the picture (channels, height, width) in [0, 1] of one (height, width, 3)."""
        del rate
        refuse_not_finite(raw, name, "values")
        # Resized in 8 bits, as everyone does who trains on files.
        image = Image.fromarray(np.rint(raw * 255.0).clip(0, 255).astype(np.uint8), "RGB")
        image = image.convert("L") if self.colour == "grey" else image
        if image.size != (self.width, self.height):
            image = image.resize((self.width, self.height), Image.Resampling[self.resize.upper()])
        pixels = np.asarray(image, dtype=np.float32).reshape(self.height, self.width, -1).transpose(2, 0, 1) / 255.0
        if float(pixels.max() - pixels.min()) == 0.0:
            raise DataError(f"{name}: blank, every pixel is {float(pixels.max()):.2f}")
        return np.ascontiguousarray(pixels)

    def example(self, count: int) -> Tensor:
        """Return noises, (count, channels, height, width)."""
        channels = 1 if self.colour == "grey" else 3
        noise = noise_of(count, channels * self.height * self.width)
        return (0.5 + 0.25 * noise).clamp(0.0, 1.0).view(count, channels, self.height, self.width)


def noise_of(count: int, cells: int) -> Tensor:
    """Return the same noise every time, (count, cells), of deviation 1 and within 3."""
    return torch.randn(count, cells, generator=torch.Generator().manual_seed(0)).clamp(-3.0, 3.0)


def refuse_not_finite(raw: Recording, name: str, what: str) -> None:
    """Raise DataError naming the recording where any of its values is NaN or infinite; `what` it calls them."""
    wrong = int((~np.isfinite(raw)).sum())
    if wrong:
        raise DataError(f"{name}: {wrong} {what} are NaN or infinite")
