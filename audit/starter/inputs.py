"""What `input:` of a manifest may say, guessed from the shape of one input and from the recordings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from audit.loaders.inspection import Dimensions, Inspection
from audit.probing.readings import HOPS
from audit.starter.data_facts import DataFacts

BANDS = (128, 64, 80, 40)
USUAL_BANDS = (128, 64, 80, 40, 96, 256, 32, 26, 20, 13, 39, 60)
COEFFICIENTS = 40
RATES = (16000, 22050, 24000, 44100, 48000, 8000)
SHORTEST_WAVEFORM = 2000
MOST = 12
"""Shapes of input that are tried at most."""


@dataclass(frozen=True)
class Draft:
    """Lines of `input:`, and why each that was guessed stands there."""

    lines: Mapping[str, Any]
    why: Mapping[str, str]


def drafts(seen: Inspection, data: DataFacts, preprocess: str | None = None) -> Iterator[Draft]:
    """Yield what `input:` may say, the likeliest first; what the file makes certain is in all of them."""
    if preprocess is not None:
        found: Iterator[Draft] = _preprocessed(preprocess, data)
    elif data.modality == "face":
        found = _faces(seen.shape, data)
    elif seen.input.get("representation") == "waveform":
        found = _waveforms((None,), data)
    else:
        found = _sounds(seen.shape, data)
    # A function in place of the representation is asked for by name; what the file knows of others is beside the point.
    certain = {key: value for key, value in seen.input.items() if preprocess is None or key != "representation"}
    yielded: list[Mapping[str, Any]] = []
    for draft in found:
        # A line that the file settles may be one to leave out.
        lines = {key: value for key, value in {**draft.lines, **certain}.items() if value is not None}
        if lines not in yielded and len(yielded) < MOST:
            yielded.append(lines)
            yield Draft(lines, {key: why for key, why in draft.why.items() if key not in certain})


def _faces(shape: Dimensions | None, data: DataFacts) -> Iterator[Draft]:
    height, width = data.size
    usual = f"most pictures have {height} x {width} pixels"
    if shape is None or len(shape) != 3:
        for colour in ("grey", "rgb") if data.grey else ("rgb", "grey"):
            lines = {"modality": "face", "height": height, "width": width, "colour": colour}
            told = "the pictures are grey" if data.grey else "the pictures have colours"
            yield Draft(lines, {"height": usual, "width": usual, "colour": told})
        return
    last = shape[0] not in (1, 3)
    rows, columns, channels = shape if last else (*shape[1:], shape[0])
    for colour in ("rgb",) if channels == 3 else ("grey",) if channels == 1 else ("grey", "rgb"):
        lines = {"modality": "face", "height": rows or height, "width": columns or width, "colour": colour}
        why = {} if rows and columns else {"height": usual, "width": usual}
        why |= {} if channels else {"colour": "the file does not say"}
        yield Draft({**lines, "order": "nhwc"} if last else lines, why)


def _preprocessed(function: str, data: DataFacts) -> Iterator[Draft]:
    if data.modality == "face":
        height, width = data.size
        lines: dict[str, Any] = {"modality": "face", "height": height, "width": width}
        why = {"height": "most pictures have it", "width": "most pictures have it"}
    else:
        lines, why = _heard(data.rate, _usual_seconds(data), data)
    yield Draft({**lines, "preprocess": function}, why)


def _sounds(shape: Dimensions | None, data: DataFacts) -> Iterator[Draft]:
    if shape is None:
        # Another sampling rate is tried later, on what is best.
        for bands in BANDS:
            yield next(_spectrograms((1, bands, None), data, guessed=True))
        yield next(_waveforms((None,), data))
        yield next(_waveforms((1, None), data))
        yield next(_features((COEFFICIENTS,), COEFFICIENTS, data))
        return
    core = [size for size in shape if size != 1]
    if len(core) == 1:
        length = core[0]
        if length is None or length >= SHORTEST_WAVEFORM:
            yield from _waveforms(shape, data)
        else:
            yield from _features(shape, length, data)
    elif len(core) == 2:
        yield from _spectrograms(shape, data, guessed=False)


def _waveforms(shape: Dimensions, data: DataFacts) -> Iterator[Draft]:
    length = max((size for size in shape if size is not None), default=1)
    order = "n" + "".join("1" if size == 1 else "s" for size in shape)
    for rate in _rates(data):
        seconds = length / rate if length > 1 else _usual_seconds(data)
        lines, why = _heard(rate, seconds, data)
        if length > 1:
            why["seconds"] = f"{length} samples"
        yield Draft({**lines, "representation": "waveform", **({} if order == "ns" else {"order": order})}, why)


def _features(shape: Dimensions, count: int, data: DataFacts) -> Iterator[Draft]:
    order = "n" + "".join("1" if size == 1 else "f" for size in shape)
    if count > 256:
        return
    for rate in _rates(data):
        lines, why = _heard(rate, _usual_seconds(data), data)
        keys = {"n_mfcc": count, "mean": True, **({"n_mels": count} if count > 128 else {})}
        told = f"{count} numbers a clip are most often means of as many cepstral coefficients"
        yield Draft({**lines, "representation": {"mfcc": keys}, "order": order}, {**why, "representation": told})


def _spectrograms(shape: Dimensions, data: DataFacts, *, guessed: bool) -> Iterator[Draft]:
    """Yield spectrograms whose rows and columns are the two dimensions that are not one."""
    first, second = (size for size in shape if size != 1)
    for rows, columns, letters in _sides(first, second):
        axes = iter(letters)
        order = "n" + "".join("1" if size == 1 else next(axes) for size in shape).replace("1", "c", 1)
        order = "" if order == "ncft" else order
        told = "the file does not say" if guessed else f"one input is {_shown(shape)}"
        for bands, (rate, hop, seconds, certain) in product(
            (rows,) if rows else BANDS, list(_times(columns, data))[: MOST // 2]
        ):
            lines, why = _heard(rate, seconds, data)
            if columns:
                where = "" if certain else " about"
                why["seconds"] = f"{columns} columns a hop of {hop} apart are{where} {seconds:g} s at {rate} Hz"
            mel = {"n_fft": 1024 if hop * 4 >= 1024 else 512, "hop_length": hop, "n_mels": bands}
            why["representation"] = f"{told}; what makes a column is not in the file"
            extra = {"order": order} if order else {}
            yield Draft({**lines, "representation": {"melspectrogram": mel}, **extra}, why)
            if bands <= COEFFICIENTS:
                mfcc = {"n_mfcc": bands, "hop_length": hop}
                yield Draft({**lines, "representation": {"mfcc": mfcc}, **extra}, why)


def _sides(first: int | None, second: int | None) -> Iterator[tuple[int | None, int | None, str]]:
    """Yield (rows, columns, order of the axes), the likelier first: rows are a usual number of bands."""
    upright, turned = (first, second, "ft"), (second, first, "tf")
    likely = first in USUAL_BANDS or second not in USUAL_BANDS
    both = first in USUAL_BANDS and second in USUAL_BANDS
    yield upright if likely else turned
    if both or (first not in USUAL_BANDS and second not in USUAL_BANDS):
        yield turned if likely else upright


def _times(columns: int | None, data: DataFacts) -> Iterator[tuple[int, int, float, bool]]:
    """Yield (sampling rate, hop, seconds, whether these are round), the likeliest first."""
    if columns is None:
        yield from ((rate, 512, _usual_seconds(data), True) for rate in _rates(data))
        return
    found = []
    for place, (rate, hop) in enumerate(product(_rates(data), HOPS)):
        for step, tenths in ((0, 5), (1, 1)):
            seconds = -(-(columns - 1) * hop * 10 // (rate * tenths)) * tenths / 10
            longest = max(1.5 * max(data.seconds), 1.0)
            if 1 + int(seconds * rate) // hop == columns and 0.5 <= seconds <= longest:
                found.append(((step, place), (rate, hop, seconds, True)))
                break
    yield from (each for _, each in sorted(found))
    if not found:
        for rate in _rates(data):
            yield rate, 512, round(((columns - 1) * 512 + 256) / rate, 4), False


def _rates(data: DataFacts) -> tuple[int, ...]:
    own = (data.rate,) if data.rate in RATES else ()
    return tuple(dict.fromkeys((*own, *RATES[:3])))[:3]


def _heard(rate: int, seconds: float, data: DataFacts) -> tuple[dict[str, Any], dict[str, str]]:
    own = f"the clips have {data.rate} Hz" if rate == data.rate else "usual"
    why = {"sampling_rate": own, "seconds": f"the clips are {data.lengths} long"}
    return {"sampling_rate": rate, "seconds": seconds}, why


def _usual_seconds(data: DataFacts) -> float:
    """Return a round length that most clips fit in, at most 10 s."""
    return min(max(round(2 * data.length(0.9)) / 2, 1.0), 10.0)


def _shown(shape: Dimensions) -> str:
    return " x ".join("any" if size is None else str(size) for size in shape)
