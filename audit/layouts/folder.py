"""One folder per emotion, clips, pictures or videos inside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from audit.data import VIDEOS, Problem, Sample
from audit.errors import DataError
from audit.kinds import layout

AUDIO = (".wav", ".flac", ".ogg", ".mp3")
PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
RECORDINGS = (*AUDIO, *PICTURES, *VIDEOS)


@layout(modality="any")
def folder(root: Path, *, speaker: str | None = None) -> Iterator[Sample | Problem]:
    """Yield the clips, pictures and videos in `root/<emotion>/`, sorted by name.

    They are known by their endings, in any case: .wav, .flac, .ogg and .mp3 of clips, .png, .jpg, .jpeg, .bmp and .webp
    of pictures, .mp4, .m4v, .mov, .mkv, .avi and .webm of videos, of which a model of speech hears the sound. Which of
    them the model can take is found out when they are read.
    `speaker` is a regular expression searched in each file's name: its named parts become groups
    (`(?P<speaker>[^_]+)_(?P<sex>[mf])`); without named parts, its first part or all of it is the speaker.
    Anything else that lies there is a Problem; hidden files without such an ending are left out.
    Raises DataError where `root` is no folder or holds none, or the expression is wrong.
    """
    pattern = _compiled(speaker)
    try:
        entries = sorted(root.iterdir())
    except NotADirectoryError as error:
        raise DataError(f"{root}: is a file; layout folder takes a folder with one folder per emotion") from error
    except OSError as error:
        raise DataError(f"{root}: cannot be listed ({error.strerror})") from error
    if not any(entry.is_dir() for entry in entries):
        raise DataError(f"{root}: no folders inside; layout folder takes a folder with one folder per emotion")
    for entry in entries:
        if entry.is_dir():
            yield from _emotion(entry, pattern)
        elif not _hidden(entry):
            yield Problem(str(entry), "lies outside the emotions' folders; move it into one, or away")


def _emotion(folder: Path, pattern: re.Pattern[str] | None) -> Iterator[Sample | Problem]:
    if folder.name.startswith("."):
        return
    try:
        files = [file for file in sorted(folder.iterdir()) if not _hidden(file)]
    except OSError as error:
        yield Problem(str(folder), f"cannot be listed ({error.strerror})")
        return
    if not files:
        yield Problem(str(folder), "an emotion's folder without a clip or picture")
    for file in files:
        if file.is_dir():
            yield Problem(str(file), "a folder inside an emotion's folder; files are looked for one level deep")
        elif file.suffix.lower() not in RECORDINGS:
            yield Problem(
                str(file),
                f"neither a clip nor a picture by its ending {file.suffix!r} (looked for: {', '.join(AUDIO)}; "
                f"{', '.join(PICTURES)}; {', '.join(VIDEOS)})",
            )
        elif not file.exists():
            yield Problem(str(file), "a link to nothing")
        else:
            yield _sample(file, folder.name, pattern)


def _sample(file: Path, emotion: str, pattern: re.Pattern[str] | None) -> Sample | Problem:
    groups: dict[str, str] = {}
    if pattern is not None:
        match = pattern.search(file.name)
        if match is None:
            return Problem(str(file), f"its name does not match the speaker expression {pattern.pattern!r}")
        named = {name: value for name, value in match.groupdict().items() if value is not None}
        groups = named or {"speaker": (match.group(1) if pattern.groups else None) or match.group(0)}
    return Sample(f"{emotion}/{file.stem}", file, emotion, groups)


def _hidden(file: Path) -> bool:
    return file.name.startswith(".") and file.suffix.lower() not in RECORDINGS


def _compiled(speaker: str | None) -> re.Pattern[str] | None:
    if speaker is None:
        return None
    try:
        return re.compile(speaker)
    except re.error as error:
        raise DataError(f"layout folder: speaker {speaker!r} is no regular expression ({error})") from error
