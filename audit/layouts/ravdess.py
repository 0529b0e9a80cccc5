"""The English acted recordings of RAVDESS, whose names say everything."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from audit.data import VIDEOS, Problem, Sample
from audit.errors import DataError
from audit.kinds import layout

EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
INTENSITIES = ("normal", "strong")
STATEMENTS = ("kids", "dogs")
CHANNELS = ("speech", "song")
NAME = re.compile(r"(?P<modality>0[1-3])-(0[1-2])-(0[1-8])-(0[1-2])-(0[1-2])-(0[1-2])-(\d\d)")
AUDIO = (".wav", ".flac")
KINDS: Mapping[str, str] = {"01": "audiovisual", "02": "video", "03": "audio"}
"""What a recording holds, by the first number of its name."""


@layout(modality="any")
def ravdess(
    root: Path, *, recordings: Literal["audio", "video", "audiovisual"] = "audio"
) -> Iterator[Sample | Problem]:
    """Yield the recordings of one kind under `root/Actor_NN/`, sorted by name.

    The seven numbers of a name are modality, vocal channel, emotion, intensity, statement, repetition and actor;
    groups are speaker (the actor), sex (odd actors are male), intensity, statement and channel (speech or song).
    `recordings` chooses by the first: audio (03, .wav or .flac), video without sound (02) or audiovisual, video with
    sound (01; both .mp4). Those of the other kinds are the same performances once more, and not asked for; a file whose
    name says something else is a Problem. Livingstone and Russo (2018).
    Raises DataError where `root` holds no folder Actor_NN, or recordings of other kinds alone.
    """
    folders = sorted(path for path in root.glob("Actor_*") if path.is_dir())
    if not folders:
        raise DataError(f"{root}: no folders Actor_NN; layout ravdess takes the folder that holds them")
    kinds: Counter[str] = Counter()
    for file in (file for folder in folders for file in sorted(folder.iterdir())):
        match = NAME.fullmatch(file.stem)
        ending = file.suffix.lower()
        if ending not in (*AUDIO, *VIDEOS) or match is None:
            yield Problem(str(file), "its name is none of RAVDESS's, NN-NN-NN-NN-NN-NN-NN with .wav, .flac or .mp4")
            continue
        modality, *numbers = match.groups()
        kind = KINDS[modality]
        if (kind == "audio") != (ending in AUDIO):
            told = f"is sound alone, and {ending} is not" if kind == "audio" else f"has pictures, and {ending} has none"
            yield Problem(str(file), f"modality {modality} {told}; audio-only recordings begin with 03")
            continue
        kinds[kind] += 1
        if kind != recordings:
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
    if kinds and not kinds[recordings]:
        told = ", ".join(f"{count} of {kind}" for kind, count in sorted(kinds.items()))
        raise DataError(f"{root}: no recordings of {recordings}, only {told}; name what is there by `recordings:`")
