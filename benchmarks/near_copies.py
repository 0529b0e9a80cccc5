"""How often a recording is found again in another form: `python benchmarks/near_copies.py --data ROOT`.

ROOT holds `fer2013`, `nemo` and `ravdess`. Every form is made of some of the pictures and clips, which are then looked
for among all: found is one whose own original is. `figures/near_copies.json` keeps what was printed last, and
`benchmarks/brief.py` prints it as the table of docs/suites.md.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from audit.kinds import find
from audit.screening import Decoded
from audit.screens.near import pictures, sounds

FIGURES = Path(__file__).parent / "figures" / "near_copies.json"
CORRELATION, MISFIT, SHARE, LANDMARKS = (
    float(find("screen", "near_copies").parameters[name].default)
    for name in ("correlation", "misfit", "share", "landmarks")
)
PICTURES, CLIPS, SEED = 400, 200, 0

Floats = NDArray[np.float32]
Sound = tuple[Floats, int]


def cropped(image: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    """Return a part of a picture, ends as shares of its sides, at the size of the whole."""
    width, height = image.size
    box = (left * width, top * height, right * width, bottom * height)
    return image.resize(image.size, Image.Resampling.BICUBIC, box=box)


def jpeg(quality: int) -> Callable[[Image.Image], Image.Image]:
    """Return what writes a picture as JPEG and reads it again."""

    def written(image: Image.Image) -> Image.Image:
        held = io.BytesIO()
        image.save(held, "JPEG", quality=quality)
        return Image.open(held).convert("L")

    return written


def levels(change: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Callable[[Image.Image], Image.Image]:
    """Return what changes grey values in [0, 1], clipped to there again."""
    return lambda image: Image.fromarray(
        np.rint(255 * change(np.asarray(image, np.float64) / 255).clip(0, 1)).astype(np.uint8)
    )


def encoded(container: str, subtype: str) -> Callable[[Sound], Sound]:
    """Return what writes a clip at the lowest quality and reads it again."""

    def written(sound: Sound) -> Sound:
        samples, rate = sound
        held = io.BytesIO()
        soundfile.write(held, samples, rate, format=container, subtype=subtype, compression_level=0.99)
        held.seek(0)
        again, rate = soundfile.read(held, dtype="float32")
        return again, rate

    return written


def noisy(snr_db: float) -> Callable[[Sound], Sound]:
    """Return what adds white noise at a signal-to-noise ratio."""

    def added(sound: Sound) -> Sound:
        samples, rate = sound
        noise = np.random.default_rng(SEED).normal(0, 1, len(samples)) * np.sqrt(np.mean(samples**2))
        return (samples + noise * 10 ** (-snr_db / 20)).astype(np.float32), rate

    return added


def cut(first: Callable[[int, int], int], last: Callable[[int, int], int]) -> Callable[[Sound], Sound]:
    """Return what keeps a part of a clip; where it begins and ends follow from its length and rate."""
    return lambda sound: (sound[0][first(len(sound[0]), sound[1]) : last(len(sound[0]), sound[1])], sound[1])


FACES: Mapping[str, Callable[[Image.Image], Image.Image]] = {
    "resized to 96 by 96": lambda image: image.resize((96, 96), Image.Resampling.BICUBIC),
    "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "half as bright": lambda image: ImageEnhance.Brightness(image).enhance(0.5),
    "noise of 10/255": levels(lambda x: x + np.random.default_rng(SEED).normal(0, 10 / 255, x.shape)),
    "JPEG of quality 30": jpeg(30),
    "JPEG of quality 10": jpeg(10),
    "gamma 0.6": levels(lambda x: x**0.6),
    "blown out by 1.3": levels(lambda x: 1.3 * x),
    "a tenth cropped, all around": lambda image: cropped(image, 0.05, 0.05, 0.95, 0.95),
    "a tenth cropped, at a corner": lambda image: cropped(image, 0.1, 0.1, 1.0, 1.0),
    "a fifth cropped, all around": lambda image: cropped(image, 0.1, 0.1, 0.9, 0.9),
    "shifted by 4 %": lambda image: image.transform(
        image.size, Image.Transform.AFFINE, (1, 0, 0.04 * image.width, 0, 1, 0.04 * image.height)
    ),
    "turned by 5 degrees": lambda image: image.rotate(5, Image.Resampling.BICUBIC),
}
VOICES: Mapping[str, Callable[[Sound], Sound]] = {
    "gain 0.3": lambda sound: (0.3 * sound[0], sound[1]),
    "resampled to 16 kHz": lambda sound: (soxr.resample(sound[0], sound[1], 16_000), 16_000),
    "Vorbis, lowest quality": encoded("OGG", "VORBIS"),
    "MP3, lowest quality": encoded("MP3", "MPEG_LAYER_III"),
    "noise 20 dB below": noisy(20),
    "noise 10 dB below": noisy(10),
    "0.5 s later": lambda sound: (np.pad(sound[0], (sound[1] // 2, 0)), sound[1]),
    "0.3 s cut off": cut(lambda n, rate: int(0.3 * rate) + 11, lambda n, rate: n),
    "a sixth cut off both ends": cut(lambda n, rate: n // 6, lambda n, rate: n - n // 6),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the figures, and keep them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="ROOT", help="where fer2013, nemo and ravdess lie")
    root = parser.parse_args(arguments).data
    found = {
        "fer2013": of_pictures(below(root / "fer2013", ".jpg", ".png")),
        "nemo": of_clips(below(root / "nemo", ".wav", ".flac")),
        "ravdess": of_clips(below(root / "ravdess", ".wav", ".flac")),
    }
    FIGURES.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))
    return 0


def below(folder: Path, *endings: str) -> list[Path]:
    """Return the recordings in a folder."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in endings)


def of_pictures(paths: Sequence[Path]) -> dict[str, Any]:
    """Return the share of pictures found in every form, among all."""
    among = np.stack([small(Image.open(path)) for path in paths])
    rows = drawn(len(paths), PICTURES)
    forms = {}
    for name, form in FACES.items():
        changed = np.stack([small(form(Image.open(paths[row]).convert("L"))) for row in rows])
        matches = [
            (pair.one, pair.other)
            for pair in pictures.alike(changed, among)
            if pair.correlation >= CORRELATION and pair.misfit <= MISFIT
        ]
        forms[name] = share_found(matches, rows)
        print(f"fer2013  {name}  {forms[name]}", file=sys.stderr, flush=True)
    return {"among": len(paths), "tried": len(rows), "forms": forms}


def of_clips(paths: Sequence[Path]) -> dict[str, Any]:
    """Return the share of clips found in every form, among all."""
    among = [sounds.landmarks(Decoded(*read(path))) for path in paths]
    rows = drawn(len(paths), CLIPS)
    forms = {}
    for name, form in VOICES.items():
        changed = [sounds.landmarks(Decoded(*form(read(paths[row])))) for row in rows]
        matches = [
            (match.one, match.other)
            for match in sounds.in_step(changed, among)
            if match.share >= SHARE and match.shared >= LANDMARKS
        ]
        forms[name] = share_found(matches, rows)
        print(f"{paths[0].parent}  {name}  {forms[name]}", file=sys.stderr, flush=True)
    return {"among": len(paths), "tried": len(rows), "forms": forms}


def share_found(matches: Sequence[tuple[int, int]], rows: Sequence[int]) -> float:
    """Return the share of the rows of which their own original is among what was found."""
    return len({one for one, other in matches if rows[one] == other}) / len(rows)


def drawn(count: int, wanted: int) -> list[int]:
    """Return which recordings are tried."""
    return sorted(np.random.default_rng(SEED).choice(count, min(wanted, count), replace=False).tolist())


def small(image: Image.Image) -> NDArray[np.uint8]:
    """Return what the screen keeps of a picture."""
    grey = np.asarray(image.convert("L"), np.float32) / 255
    return pictures.small(Decoded(np.repeat(grey[..., None], 3, axis=2), 0))


def read(path: Path) -> Sound:
    """Return a clip's samples, (n,), and its rate in Hz."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return samples.mean(1), rate


if __name__ == "__main__":
    sys.exit(main())
