"""The other ways in which a recording could have been made into the model's input: what is most often got wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, is_dataclass, replace
from typing import Any

from torch import Tensor

from audit.adapter import CHUNK
from audit.input_spec import FaceInput, InputSpec, SpeechInput
from audit.kinds import find
from audit.scaling import Affine, PerClip, Scaling, onto

RATES = (8000, 16000, 22050, 24000, 44100, 48000)
HOPS = (512, 256, 160, 128, 320, 200, 400, 1024)
"""Samples from one column to the next, the likeliest first."""
TRIED_HOPS = HOPS[:4]
LONGEST = 30.0
RANGES = ((0, 1), (-1, 1), (0, 255))
FULL_SCALE = 32768
IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
SAID = ("n_mfcc", "n_fft", "hop_length", "n_mels")
SCALE, RATE, SPECTRUM, AXES = "input scale", "sampling rate", "spectrogram", "axis order"


@dataclass(frozen=True)
class Reading:
    """One way to make inputs: its specification, and the lines of `input:` that say so.

    `cause` is what would be wrong with the manifest if this one were right; `turned` that the two axes of the plane
    change places before the model sees them.
    """

    cause: str
    lines: Mapping[str, Any]
    spec: InputSpec
    turned: bool = False

    def ordered(self, inputs: Tensor) -> Tensor:
        """Return inputs (n, ...) with their axes as this reading has them."""
        return inputs.transpose(-1, -2) if self.turned else inputs


def other_readings(spec: InputSpec, order: str | None = None, *, chunked: bool = False) -> Iterator[Reading]:
    """Yield readings that differ from `spec` in one thing, the likeliest first.

    `order` is the manifest's, `chunked` whether it has clips taken in pieces.
    """
    own = spec.letters.get(4)
    if own is None:
        return
    yield from _scales(spec)
    if isinstance(spec, SpeechInput):
        yield from _rates(spec)
    yield from _spectra(spec)
    own = f"{own[0]}{CHUNK}{own[1:]}" if chunked else own
    turned = _turned(order or own, plane=own[-2:])
    if spec.representation not in ("waveform", "preprocess") and turned is not None:
        yield Reading(AXES, {"order": turned if turned != own else None}, spec, turned=True)


def scaled(spec: InputSpec, lines: Mapping[str, Any] | None) -> InputSpec:
    """Return the specification with `scaling` as a manifest's lines say it; raises ModelError."""
    scaling: Scaling | None = None
    if lines is not None and "low" in lines:
        scaling = onto(lines["low"], lines["high"], replace_scaling(spec, None).bounds)
    elif lines is not None and "mean" in lines:
        scaling = Affine(lines["mean"], lines["std"])
    elif lines is not None:
        scaling = PerClip(lines["per_clip"])
    return replace_scaling(spec, scaling)


def replace_scaling(spec: InputSpec, scaling: Scaling | None) -> InputSpec:
    """Return the specification with another scaling."""
    assert is_dataclass(spec)
    return replace(spec, scaling=scaling)


def scalings(spec: InputSpec) -> Iterator[Mapping[str, Any] | None]:
    """Yield what `scaling:` may usually say for such inputs, None for nothing."""
    yield None
    bare = replace_scaling(spec, None)
    low, high = bare.bounds
    if abs(low) < float("inf") > abs(high):
        for first, last in RANGES:
            if (first, last) != (low, high) and (last <= 1.0 or spec.pictured):
                yield {"low": first, "high": last}
    if spec.representation == "waveform":
        yield {"low": -FULL_SCALE, "high": FULL_SCALE}
    yield {"per_clip": "standard"}
    if isinstance(spec, FaceInput) and spec.colour == "rgb":
        yield {"mean": IMAGENET[0], "std": IMAGENET[1]}


def _scales(spec: InputSpec) -> Iterator[Reading]:
    if spec.representation == "preprocess":
        return
    seen = [spec]
    for lines in scalings(spec):
        other = scaled(spec, lines)
        if other not in seen:
            seen.append(other)
            yield Reading(SCALE, {"scaling": dict(lines) if lines else None}, other)
    if spec.representation == "melspectrogram":
        now = spec.parameters.get("scaling", "unit")
        for level in ("unit", "decibel", "power"):
            if level != now and spec.scaling is None:
                yield _with(spec, SCALE, scaling=level)


def _rates(spec: SpeechInput) -> Iterator[Reading]:
    for rate in RATES:
        if rate == spec.sampling_rate:
            continue
        # As many samples as before fit a network of fixed size, as many seconds one that takes any.
        for seconds in dict.fromkeys((round(spec.samples / rate, 6), spec.seconds)):
            if seconds <= LONGEST:
                other = replace(spec, sampling_rate=rate, seconds=seconds)
                lines = {"sampling_rate": rate, **({"seconds": seconds} if seconds != spec.seconds else {})}
                yield Reading(RATE, lines, other)


def _spectra(spec: InputSpec) -> Iterator[Reading]:
    if spec.representation not in ("melspectrogram", "mfcc"):
        return
    method = find("representation", spec.representation)
    keys = {name: key.default for name, key in method.parameters.items()} | dict(spec.parameters)
    for n_fft in (2 * keys["n_fft"], keys["n_fft"] // 2):
        if n_fft >= 256 and (keys["win_length"] or 0) <= n_fft:
            yield _with(spec, SPECTRUM, n_fft=n_fft)
    for hop in TRIED_HOPS:
        if hop != keys["hop_length"]:
            yield _with(spec, SPECTRUM, hop_length=hop)
    yield _with(spec, SPECTRUM, mel_scale="htk" if keys["mel_scale"] == "slaney" else "slaney")
    yield _with(spec, SPECTRUM, ref=1.0 if keys["ref"] == "max" else "max")


def _with(spec: InputSpec, cause: str, **changed: Any) -> Reading:
    parameters = {**spec.parameters, **changed}
    assert isinstance(spec, SpeechInput)
    return Reading(cause, representation_lines(spec.representation, parameters), replace(spec, parameters=parameters))


def representation_lines(name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the line that says so, without what says no more than the default does, the usual four apart."""
    known = find("representation", name).parameters
    said = {key: value for key, value in parameters.items() if key in SAID or value != known[key].default}
    return {"representation": {name: said}}


def _turned(order: str, plane: str) -> str | None:
    """Return the order with the two letters of the plane in each other's place, None where one of them is left out."""
    if not set(plane) <= set(order):
        return None
    return order.translate(str.maketrans(plane, plane[::-1]))
