"""CREMA-D, English acted recordings: `AudioWAV/` with names that say everything, and a table of the actors."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from audit.data import Problem, Sample
from audit.errors import DataError, did_you_mean
from audit.kinds import layout

FOLDER = "AudioWAV"
TABLE = "VideoDemographics.csv"
AUDIO = (".wav", ".flac")
NAME = re.compile(r"(?P<speaker>1\d{3})_(?P<sentence>[A-Z]{3})_(?P<emotion>[A-Z]{3})_(?P<intensity>[A-Z]{1,2})")
SENTENCES = ("DFA", "IEO", "IOM", "ITH", "ITS", "IWL", "IWW", "MTI", "TAI", "TIE", "TSI", "WSI")
EMOTIONS: Mapping[str, str] = {
    "ANG": "anger",
    "DIS": "disgust",
    "FEA": "fear",
    "HAP": "happy",
    "NEU": "neutral",
    "SAD": "sad",
}
# Copies made before 2022 have a file 1040_ITH_SAD_X.
INTENSITIES: Mapping[str, str] = {
    "LO": "low",
    "MD": "medium",
    "HI": "high",
    "XX": "unspecified",
    "X": "unspecified",
}
COLUMNS: Mapping[str, str] = {"Age": "age", "Sex": "sex", "Race": "race", "Ethnicity": "ethnicity"}
POINTER, LONGEST_POINTER = b"version https://git-lfs", 1024


@layout()
def crema_d(root: Path) -> Iterator[Sample | Problem]:
    """Yield the recordings in `root/AudioWAV/`, sorted by name; `root` may be that folder itself.

    A name such as 1001_DFA_ANG_XX says the actor (1001 to 1091), one of twelve sentences, the emotion that was acted
    (anger, disgust, fear, happy, neutral, sad) and its intensity (low, medium, high; unspecified but for sentence IEO).
    Groups are speaker (the actor), sentence (its code) and intensity; where VideoDemographics.csv lies beside
    AudioWAV/, age, sex, race and ethnicity too, as that table calls them, in small letters.

    A file with another name, or a Git LFS pointer in a recording's place, is a Problem, as is an actor who is not in
    the table. 1076_MTI_SAD_XX.wav is known to hold no speech: it is told of when it is read, or by the screen `silent`.
    Cao, Cooper, Keutmann, Gur, Nenkova and Verma (2014).
    Raises DataError where there is no folder AudioWAV, or the table lacks a column or cannot be read.
    """
    folder = root if root.name == FOLDER else root / FOLDER
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; layout crema_d takes the folder that holds {FOLDER}/")
    table = folder.parent / TABLE
    actors = _actors(table) if table.is_file() else None
    unlisted: set[str] = set()
    for file in sorted(folder.iterdir()):
        if file.name.startswith("."):
            continue
        found = _read(file)
        if isinstance(found, Problem):
            yield found
            continue
        speaker = found.groups["speaker"]
        if actors is not None and speaker not in actors and speaker not in unlisted:
            unlisted.add(speaker)
            yield Problem(str(table), f"no row for actor {speaker}, whose clips are without age and sex")
        yield Sample(found.id, file, found.emotion, {**found.groups, **(actors or {}).get(speaker, {})})


def _read(file: Path) -> Sample | Problem:
    match = NAME.fullmatch(file.stem)
    if file.suffix.lower() not in AUDIO or match is None:
        return Problem(str(file), "its name is none of CREMA-D's, 1001_DFA_ANG_XX with .wav or .flac")
    known = {"sentence": SENTENCES, "emotion": tuple(EMOTIONS), "intensity": tuple(INTENSITIES)}
    for part, codes in known.items():
        if match[part] not in codes:
            near = did_you_mean(match[part], codes)
            return Problem(str(file), f"{part} {match[part]!r} in its name is none of {', '.join(codes)}{near}")
    if not file.is_file():
        return Problem(str(file), "a folder, or a link to nothing")
    if _is_pointer(file):
        return Problem(str(file), "a Git LFS pointer, not the recording; fetch the recordings with `git lfs pull`")
    groups = {
        "speaker": match["speaker"],
        "sentence": match["sentence"],
        "intensity": INTENSITIES[match["intensity"]],
    }
    return Sample(file.stem, file, EMOTIONS[match["emotion"]], groups)


def _is_pointer(file: Path) -> bool:
    if file.stat().st_size > LONGEST_POINTER:
        return False
    with file.open("rb") as content:
        return content.read(len(POINTER)) == POINTER


def _actors(table: Path) -> dict[str, dict[str, str]]:
    """Return what the table says of every actor."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines)
            missing = {"ActorID", *COLUMNS} - set(rows.fieldnames or ())
            if missing:
                raise DataError(f"{table}:1: no column {', '.join(sorted(missing))} (there are: {rows.fieldnames})")
            return {
                str(row["ActorID"]).strip(): {
                    group: value for column, group in COLUMNS.items() if (value := (row[column] or "").strip().lower())
                }
                for row in rows
            }
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{table}: cannot be read as a table ({error}); take the file as published") from error
