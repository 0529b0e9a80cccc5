"""The English acted recordings of RAVDESS, whose names say everything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from audit.data import Problem, Sample
from audit.errors import DataError
from audit.kinds import layout

EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
INTENSITIES = ("normal", "strong")
STATEMENTS = ("kids", "dogs")
CHANNELS = ("speech", "song")
NAME = re.compile(r"(?P<modality>0[1-3])-(0[1-2])-(0[1-8])-(0[1-2])-(0[1-2])-(0[1-2])-(\d\d)")
AUDIO = (".wav", ".flac")
AUDIO_ONLY = "03"


@layout()
def ravdess(root: Path) -> Iterator[Sample | Problem]:
    """Yield the audio-only recordings under `root/Actor_NN/`, sorted by name.

    The seven numbers of a name are modality, vocal channel, emotion, intensity, statement, repetition and actor;
    groups are speaker (the actor), sex (odd actors are male), intensity, statement and channel (speech or song).
    A file whose name says something else is a Problem. Livingstone and Russo (2018).
    Raises DataError where `root` holds no folder Actor_NN.
    """
    folders = sorted(path for path in root.glob("Actor_*") if path.is_dir())
    if not folders:
        raise DataError(f"{root}: no folders Actor_NN; layout ravdess takes the folder that holds them")
    for file in (file for folder in folders for file in sorted(folder.iterdir())):
        match = NAME.fullmatch(file.stem)
        if file.suffix.lower() not in AUDIO or match is None:
            yield Problem(str(file), "its name is none of RAVDESS's, NN-NN-NN-NN-NN-NN-NN with .wav or .flac")
            continue
        modality, *numbers = match.groups()
        if modality != AUDIO_ONLY:
            yield Problem(str(file), f"modality {modality} has pictures; the audio-only recordings begin with 03")
            continue
        channel, emotion, intensity, statement, _, actor = (int(number) for number in numbers)
        groups = {
            "speaker": f"{actor:02d}",
            "sex": "male" if actor % 2 else "female",
            "intensity": INTENSITIES[intensity - 1],
            "statement": STATEMENTS[statement - 1],
            "channel": CHANNELS[channel - 1],
        }
        yield Sample(file.stem, file, EMOTIONS[emotion - 1], groups)
