"""What a feature extractor or an image processor of transformers computes, in torch, so that gradients pass."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from audit.errors import ModelError, told
from audit.input_spec import SHORTEST_SECONDS, FaceInput, InputSpec, SpeechInput
from audit.loaders.transformers_folder.inspect import PROCESSORS

TINY = 1e-7
CLOSE = 1e-4
BYTES = 255.0
USUAL_RATE = 16000
"""Hz; of nearly every model of speech on the hub, whatever rate the manifest was written with."""
MASK = "attention_mask"
# Of Pillow, by their numbers.
FILTERS = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box", 5: "hamming"}
OFFERED = ("bilinear", "bicubic", "nearest", "box")


class Standardised(nn.Module):
    """Each waveform (n, samples) to mean 0 and deviation 1, as feature extractors with `do_normalize` do."""

    def forward(self, waveforms: Tensor) -> Tensor:
        """Return (n, samples)."""
        centred = waveforms - waveforms.mean(dim=-1, keepdim=True)
        return centred / (centred.square().mean(dim=-1, keepdim=True) + TINY).sqrt()


class Unpadded(nn.Module):
    """Of each waveform (n, samples) all but the exact zeros at its end, normalised alone; `padding` fills the rest.

    A padded clip tells its length by nothing else. One whose end holds anything, such as noise, is heard as a whole,
    and so is silence, and no clip is shorter than `shortest` samples.
    """

    def __init__(self, *, normalised: bool, padding: float, shortest: int) -> None:
        super().__init__()
        self.normalised, self.padding, self.shortest = normalised, padding, shortest

    def mask(self, waveforms: Tensor) -> Tensor:
        """Return True where a waveform is heard, (n, samples)."""
        position = torch.arange(1, waveforms.shape[-1] + 1, device=waveforms.device)
        length = torch.where(waveforms != 0, position, 0).amax(dim=-1, keepdim=True)
        return (position <= length.clamp_min(self.shortest)) | (length == 0)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Return (n, samples)."""
        heard = self.mask(waveforms)
        if not self.normalised:
            return waveforms.masked_fill(~heard, self.padding)
        count = heard.sum(dim=-1, keepdim=True)
        centred = waveforms - waveforms.masked_fill(~heard, 0.0).sum(dim=-1, keepdim=True) / count
        variance = centred.square().masked_fill(~heard, 0.0).sum(dim=-1, keepdim=True) / count
        return (centred / (variance + TINY).sqrt()).masked_fill(~heard, self.padding)


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

    Both are tried on the same recordings; without `own` nothing is done.
    Raises ModelError where they differ, or the input is not what `own` expects.
    """
    if own is None:
        scaled = f", {spec.scaling}" if spec.scaling else ""
        what = "feature extractor" if isinstance(spec, SpeechInput) else "image processor"
        return nn.Identity(), f"without {what}: given {spec.representation}{scaled} as the manifest says"
    if isinstance(spec, SpeechInput):
        rate = getattr(own, "sampling_rate", spec.sampling_rate)
        if rate != spec.sampling_rate:
            raise ModelError(
                f"{folder}: was trained on {rate} Hz, and the manifest says {spec.sampling_rate} Hz; write "
                f"`sampling_rate: {rate}`, and clips are resampled"
            )
        if spec.representation != "waveform":
            return nn.Identity(), f"given {spec.representation} in place of what its {type(own).__name__} makes"
        ahead = _heard(own, spec, folder)
        long, short = spec.example(2)
        cut = short[: spec.samples - spec.samples // 8]
        padded = torch.stack([long, torch.cat([cut, torch.zeros(spec.samples - len(cut))])])
        if isinstance(ahead, Unpadded):
            given, keys = [long, cut], {"padding": "max_length", "max_length": spec.samples}
            told = "normalises each clip over" if ahead.normalised else "hears of each clip"
            told += " what is not padding, and masks the rest: zeros at the end are padding, noise there is not"
        else:
            given, keys = list(padded), {}
            told = "normalises each clip with its padding" if isinstance(ahead, Standardised) else "changes nothing"
        _compare(own, ahead, [clip.numpy() for clip in given], padded, name, folder, sampling_rate=rate, **keys)
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


def refuse_unsaid(spec: InputSpec, folder: Path) -> None:
    """Raise ModelError where a folder has no processor and the manifest does not say what is done to its inputs."""
    if spec.scaling is not None or spec.representation not in ("waveform", "pixels"):
        return
    if isinstance(spec, SpeechInput):
        lines: dict[str, Any] = {"feature_extractor_type": "Wav2Vec2FeatureExtractor", "do_normalize": True}
        lines["sampling_rate"] = USUAL_RATE
        own, scaling = "feature extractor", "`scaling: {per_clip: standard}`, or `{mean: 0, std: 1}` for none"
    else:
        assert isinstance(spec, FaceInput)
        usual = [0.5] * (1 if spec.colour == "grey" else 3)
        lines = {"image_processor_type": "ViTImageProcessor", "do_resize": False, "image_mean": usual}
        lines["image_std"] = usual
        own, scaling = "image processor", "`scaling: {mean: 0.5, std: 0.5}`"
    raise ModelError(
        f"{folder}: has no {PROCESSORS[0]}, so that nothing says how its inputs were normalised. Save its {own} beside "
        f"it by save_pretrained(FOLDER); or write that file as it was trained, such as {json.dumps(lines)}; or say it "
        f"in the manifest's input: {scaling}, or `preprocess: file.py:function`"
    )


def _heard(own: Any, spec: SpeechInput, folder: Path) -> nn.Module:
    """Return what the feature extractor does to a waveform that the audit has cut or padded."""
    normalised = bool(getattr(own, "do_normalize", False))
    # Padded in any other way, a clip comes whole to the extractor: the mask is all ones.
    side = {"end": "right", "start": "left"}.get(spec.pad)
    if getattr(own, "return_attention_mask", False) and side == getattr(own, "padding_side", "right"):
        if side == "left":
            raise ModelError(
                f"{folder}: its {type(own).__name__} pads clips at their start, and normalises them over another part; "
                "where clips came to it padded already, write `pad: center` or `return_attention_mask: false`"
            )
        shortest = min(spec.samples, round(SHORTEST_SECONDS * spec.sampling_rate))
        return Unpadded(normalised=normalised, padding=float(getattr(own, "padding_value", 0.0)), shortest=shortest)
    return Standardised() if normalised else nn.Identity()


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
        made = own(given, return_tensors="np", **keys)
        expected, found = np.asarray(made[name]), ahead(same).numpy()
        masks_differ = isinstance(ahead, Unpadded) and not np.array_equal(made[MASK], ahead.mask(same).numpy())
    except Exception as error:
        raise _beyond(own, folder, f"it fails with {told(error)}") from error
    if expected.shape != found.shape:
        raise _beyond(own, folder, f"of {tuple(same.shape[1:])} it makes {expected.shape[1:]}")
    if not np.allclose(expected, found, atol=CLOSE):
        raise _beyond(own, folder, f"its values differ by {float(np.abs(expected - found).max()):.2g}")
    if masks_differ:
        raise _beyond(own, folder, "its attention mask differs")


def _beyond(own: Any, folder: Path, what: str) -> ModelError:
    return ModelError(
        f"{folder}: its {type(own).__name__} does more than the audit can repeat in torch ({what}); for speech, let "
        "`preprocess: file.py:function` call it, for pictures use `loader: python`"
    )
