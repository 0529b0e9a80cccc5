"""What a feature extractor or an image processor of transformers computes, in torch, so that gradients pass."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from audit.errors import ModelError, first_line
from audit.input_spec import FaceInput, InputSpec, SpeechInput

TINY = 1e-7
CLOSE = 1e-4
BYTES = 255.0
# Of Pillow, by their numbers.
FILTERS = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box", 5: "hamming"}
OFFERED = ("bilinear", "bicubic", "nearest", "box")


class Standardised(nn.Module):
    """Each waveform (n, samples) to mean 0 and deviation 1, as feature extractors with `do_normalize` do."""

    def forward(self, waveforms: Tensor) -> Tensor:
        """Return (n, samples)."""
        centred = waveforms - waveforms.mean(dim=-1, keepdim=True)
        return centred / (centred.square().mean(dim=-1, keepdim=True) + TINY).sqrt()


class Pictures(nn.Module):
    """Of pictures (n, c, h, w) the middle of `crop` (rows, columns), times `factor`, less `mean`, over `std`."""

    mean: Tensor
    std: Tensor

    def __init__(
        self, *, crop: tuple[int, int] | None, factor: float, mean: Sequence[float], std: Sequence[float]
    ) -> None:
        super().__init__()
        self.crop, self.factor = crop, factor
        for name, values in (("mean", mean), ("std", std)):
            self.register_buffer(name, torch.tensor(values, dtype=torch.float32).view(-1, 1, 1), persistent=False)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return (n, c, rows, columns) for values in [0, 1]."""
        if self.crop is not None:
            (rows, columns), (height, width) = pictures.shape[-2:], self.crop
            top, left = (rows - height) // 2, (columns - width) // 2
            pictures = pictures[..., top : top + height, left : left + width]
        return (pictures * self.factor - self.mean) / self.std


def preprocessing(own: Any, spec: InputSpec, name: str, folder: Path) -> tuple[nn.Module, str]:
    """Return what `own` does to the recordings of `spec`, as a module, and a sentence about it.

    Both are tried on the same recordings. Raises ModelError where they differ, or the input is not what `own` expects.
    """
    if isinstance(spec, SpeechInput):
        rate = getattr(own, "sampling_rate", spec.sampling_rate)
        if rate != spec.sampling_rate:
            raise ModelError(
                f"{folder}: was trained on {rate} Hz, and the manifest says {spec.sampling_rate} Hz; write "
                f"`sampling_rate: {rate}`, and clips are resampled"
            )
        if spec.representation != "waveform":
            return nn.Identity(), f"given {spec.representation} in place of what its {type(own).__name__} makes"
        ahead: nn.Module = Standardised() if getattr(own, "do_normalize", False) else nn.Identity()
        clips = spec.example(2)
        _compare(own, ahead, [clip.numpy() for clip in clips], clips, name, folder, sampling_rate=rate)
        told = "normalises each clip" if isinstance(ahead, Standardised) else "changes nothing"
    else:
        assert isinstance(spec, FaceInput)
        _refuse_other_pictures(own, spec, folder)
        ahead = _pictures(own, 1 if spec.colour == "grey" else 3)
        values = (spec.example(2) * BYTES).round().to(torch.uint8)
        shown = [picture.squeeze(0) if len(picture) == 1 else picture.movedim(0, -1) for picture in values]
        opened = [Image.fromarray(picture.numpy()) for picture in shown]
        _compare(own, ahead, opened, values / BYTES, name, folder)
        told = "normalises each picture"
    return ahead, f"whose {type(own).__name__} {told}"


def _refuse_other_pictures(own: Any, spec: FaceInput, folder: Path) -> None:
    if spec.scaling is not None or spec.representation != "pixels":
        raise ModelError(
            f"{folder}: its {type(own).__name__} rescales and normalises pictures in [0, 1] itself; leave out "
            "`scaling:` and `representation:`"
        )
    if not getattr(own, "do_resize", False):
        return
    height, width = _size(own.size)
    if None not in (height, width) and (spec.height, spec.width) != (height, width):
        raise ModelError(
            f"{folder}: takes pictures of {height} x {width} pixels, and the manifest says {spec.height} x "
            f"{spec.width}; write `height: {height}` and `width: {width}`"
        )
    method = FILTERS.get(int(own.resample)) if getattr(own, "resample", None) is not None else None
    if method in OFFERED and method != spec.resize:
        raise ModelError(
            f"{folder}: its pictures were resized by {method}, and the manifest says {spec.resize}; write "
            f"`resize: {method}`"
        )


def _size(size: Any) -> tuple[int | None, int | None]:
    """Return rows and columns of a size; the shorter edge of square pictures is both."""
    edge = size.get("shortest_edge")
    return (edge, edge) if edge else (size.get("height"), size.get("width"))


def _pictures(own: Any, channels: int) -> Pictures:
    crop = _size(own.crop_size) if getattr(own, "do_center_crop", False) else None
    rescaled, normalised = getattr(own, "do_rescale", False), getattr(own, "do_normalize", False)
    mean, std = (own.image_mean, own.image_std) if normalised else (0.0, 1.0)
    return Pictures(
        crop=None if crop is None or None in crop else (int(crop[0] or 0), int(crop[1] or 0)),
        factor=BYTES * own.rescale_factor if rescaled else BYTES,
        mean=mean if isinstance(mean, Sequence) else [mean] * channels,
        std=std if isinstance(std, Sequence) else [std] * channels,
    )


def _compare(own: Any, ahead: nn.Module, given: list[Any], same: Tensor, name: str, folder: Path, **keys: Any) -> None:
    """Raise ModelError where `own` makes other values of the recordings than `ahead` of the same in torch."""
    try:
        expected = np.asarray(own(given, return_tensors="np", **keys)[name])
        found = ahead(same).numpy()
    except Exception as error:
        raise _beyond(own, folder, f"it fails with {type(error).__name__}: {first_line(error)}") from error
    if expected.shape != found.shape:
        raise _beyond(own, folder, f"of {tuple(same.shape[1:])} it makes {expected.shape[1:]}")
    if not np.allclose(expected, found, atol=CLOSE):
        raise _beyond(own, folder, f"its values differ by {float(np.abs(expected - found).max()):.2g}")


def _beyond(own: Any, folder: Path, what: str) -> ModelError:
    return ModelError(
        f"{folder}: its {type(own).__name__} does more than the audit can repeat in torch ({what}); for speech, let "
        "`preprocess: file.py:function` call it, for pictures use `loader: python`"
    )
