"""FER2013, grey pictures of faces: the challenge's table with the pixels in it, or one folder per part and emotion."""

from __future__ import annotations

import csv
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from audit.data import Problem, Recording, Sample, read_picture
from audit.errors import DataError, did_you_mean
from audit.kinds import layout
from audit.layouts.folder import folder

TABLES = ("fer2013.csv", "icml_face_data.csv", "fer2013/fer2013.csv")
COLUMNS = ("emotion", "pixels", "Usage")
EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
SIDE = 48
SPLITS: Mapping[str, str] = {"Training": "train", "PublicTest": "test", "PrivateTest": "test"}
PARTS = ("train", "test")


def read(sample: Sample) -> tuple[Recording, int]:
    """Return the picture (height, width, 3) in [0, 1] of a row of the table, or of a file, and 0; raises DataError."""
    assert sample.path is not None
    table, _, line = str(sample.path).rpartition(":")
    if not (table and line.isdigit()):
        return read_picture(sample), 0
    pixels = _row(Path(table), int(line)).get("pixels", "")
    try:
        # bytes() refuses what is out of range, and is far faster than an array of texts.
        grey = np.frombuffer(bytes(map(int, pixels.split())), dtype=np.uint8).reshape(SIDE, SIDE, 1)
    except ValueError as error:
        raise DataError(f"{sample.path}: {SIDE * SIDE} whole numbers from 0 to 255 are due as pixels") from error
    return np.repeat(grey.astype(np.float32) / 255.0, 3, axis=2), 0


@layout(modality="face", read=read)
def fer2013(
    root: Path, *, usage: Literal["Training", "PublicTest", "PrivateTest", "train", "test"] | None = None
) -> Iterator[Sample | Problem]:
    """Yield the pictures of FER2013, 48 by 48, of all parts or those of `usage`; `test` are PublicTest and PrivateTest.

    `root` is fer2013.csv or icml_face_data.csv (columns emotion, from 0 to 6, pixels and Usage, in any order), or the
    folder that holds it, or train/ and test/ with the folders angry, disgust, fear, happy, sad, surprise and neutral in
    each. Where there are both, the table is read; of its pixels none is kept, each is read again from its row.

    Groups are usage and split (train or test), so that `split: test` takes what was not for training. In folders a
    picture's usage is what its name begins with (PublicTest_123.jpg), or else the folder, train or test.
    A row with another emotion, Usage or number of pixels, and what else lies in the folders, is a Problem.
    Goodfellow et al. (2013).
    Raises DataError where `root` is none of these, or the table lacks a column.
    """
    table = root if root.is_file() else next((root / name for name in TABLES if (root / name).is_file()), None)
    for item in _folders(root) if table is None else _table(table):
        if isinstance(item, Problem) or usage in (None, item.groups["usage"], item.groups["split"]):
            yield item
        elif item.groups["usage"] == SPLITS.get(str(usage)):
            yield Problem(item.where, f"its name does not say whether it is of {usage}")


def _table(table: Path) -> Iterator[Sample | Problem]:
    for line, row in _rows(table):
        place = f"{table}:{line}"
        emotion, usage, pixels = (row.get(column, "").strip() for column in ("emotion", "Usage", "pixels"))
        if emotion not in map(str, range(len(EMOTIONS))):
            yield Problem(place, f"emotion {emotion!r} is no number from 0 to {len(EMOTIONS) - 1}")
        elif usage not in SPLITS:
            yield Problem(place, f"Usage {usage!r} is none of {', '.join(SPLITS)}{did_you_mean(usage, SPLITS)}")
        # Counted before they are split: that takes long for 80 million of them.
        elif pixels.count(" ") + 1 != SIDE * SIDE and (count := len(pixels.split())) != SIDE * SIDE:
            yield Problem(place, f"{count} pixels, and {SIDE} by {SIDE} are due")
        else:
            groups = {"usage": usage, "split": SPLITS[usage]}
            yield Sample(f"{usage}-{line:05d}", Path(place), EMOTIONS[int(emotion)], groups)


def _folders(root: Path) -> Iterator[Sample | Problem]:
    parts = [part for part in PARTS if (root / part).is_dir()]
    if not parts:
        raise DataError(
            f"{root}: layout fer2013 takes {', '.join(TABLES[:2])}, or the folder of one or of train/, test/"
        )
    missing = [root / part / name for part in parts for name in EMOTIONS if not (root / part / name).is_dir()]
    if missing:
        raise DataError(f"{missing[0]}: no such folder; FER2013 has one for each of {', '.join(EMOTIONS)}")
    for part in parts:
        for item in folder(root / part):
            if isinstance(item, Problem):
                yield item
            elif item.emotion not in EMOTIONS:
                yield Problem(item.where, f"folder {item.emotion} is none of {', '.join(EMOTIONS)}")
            else:
                begins = item.id.rpartition("/")[2].partition("_")[0]
                usage = begins if SPLITS.get(begins) == part else part
                yield Sample(f"{part}/{item.id}", item.path, item.emotion, {"usage": usage, "split": part})


def _rows(table: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    with table.open("rb") as lines:
        columns = _columns(table, lines.readline())
        for number, line in enumerate(lines, start=2):
            yield number, _parsed(f"{table}:{number}", columns, line)


def _columns(table: Path, header: bytes) -> list[str]:
    # icml_face_data.csv has blanks before the names.
    columns = [name.strip() for name in _values(f"{table}:1", header.removeprefix(BOM_UTF8))]
    missing = [column for column in COLUMNS if column not in columns]
    if missing:
        raise DataError(f"{table}:1: no column {', '.join(missing)} (there are: {', '.join(columns)[:200]})")
    return columns


def _parsed(place: str, columns: list[str], line: bytes) -> Mapping[str, str]:
    return dict(zip(columns, _values(place, line), strict=False))


def _values(place: str, line: bytes) -> list[str]:
    text = line.decode("utf-8", "replace")
    try:
        return next(csv.reader([text]), []) if '"' in text else text.split(",")
    except csv.Error as error:
        raise DataError(f"{place}: cannot be read as a row ({error}); take the file as published") from error


def _row(table: Path, line: int) -> Mapping[str, str]:
    try:
        about = table.stat()
        start = int(_starts(table, about.st_size, about.st_mtime_ns)[line - 1])
        with table.open("rb") as lines:
            columns = _columns(table, lines.readline())
            lines.seek(start)
            return _parsed(f"{table}:{line}", columns, lines.readline())
    except (OSError, IndexError) as error:
        raise DataError(f"{table}:{line}: no such row any more ({error})") from error


@lru_cache(maxsize=4)
def _starts(table: Path, size: int, changed: int) -> NDArray[np.int64]:
    """Return the byte at which each line begins; other arguments are another state of the file."""
    del size, changed
    with table.open("rb") as lines:
        lengths = np.fromiter((len(line) for line in lines), dtype=np.int64)
    return np.cumsum(lengths) - lengths
