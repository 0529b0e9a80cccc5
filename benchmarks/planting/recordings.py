"""The sound recordings: generated clips, rendered once and written as WAV files, and the tables that list them."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile

from audit.data import Sample, Waveform
from audit.layouts.synthetic import render, synthetic

EMOTIONS = ("anger", "fear", "happiness", "neutral", "sadness", "surprise")
RATE = 16000
COLUMNS = ("path", "emotion", "speaker", "sex", "split")
DONE = "done"


@dataclass(frozen=True)
class Clip:
    """One row of a table: a WAV file, what is said of it, and the part of the data it belongs to."""

    path: Path
    emotion: str
    speaker: str
    sex: str
    split: str


@dataclass(frozen=True)
class Size:
    """How many speakers, and clips per speaker and emotion, there are to train on and to judge.

    `known` of the speakers trained on have one further clip of every emotion, in the part `spare`.
    """

    train_speakers: int = 48
    train_clips: int = 8
    test_speakers: int = 24
    test_clips: int = 4
    known: int = 6

    @property
    def name(self) -> str:
        """A folder's name for it."""
        return f"{self.train_speakers}x{self.train_clips}-{self.test_speakers}x{self.test_clips}-{self.known}"


def recordings(folder: Path, size: Size) -> tuple[Clip, ...]:
    """Return the clips of all parts, rendered into `folder` where they are not there yet."""
    clips: list[Clip] = []
    wanted: list[tuple[Clip, Sample]] = []
    spare = size.train_clips + size.test_clips
    for part, letter, speakers, count, seed in (
        ("train", "a", size.train_speakers, size.train_clips, 1),
        ("spare", "a", size.known, spare, 1),
        ("test", "b", size.test_speakers, size.test_clips, 7),
    ):
        for sample in synthetic(None, speakers=speakers, clips=count, seed=seed, sampling_rate=RATE):
            assert isinstance(sample, Sample)
            number = int(sample.groups["carrier"].rpartition("-")[2])
            if part == "spare" and number < size.train_clips:
                continue
            speaker = letter + sample.groups["speaker"].removeprefix("s")
            path = folder / f"{speaker}-{sample.emotion}-{number:03d}.wav"
            clips.append(Clip(path, sample.emotion, speaker, sample.groups["sex"], part))
            wanted.append((clips[-1], sample))
    if not (folder / DONE).exists():
        folder.mkdir(parents=True, exist_ok=True)
        for clip, sample in wanted:
            write(clip.path, render(sample)[0])
        (folder / DONE).touch()
    return tuple(clips)


def waveform(clip: Clip) -> Waveform:
    """Return a clip's waveform (samples,) in [-1, 1]."""
    wave: Waveform = soundfile.read(clip.path, dtype="float32")[0]
    return wave


def write(path: Path, wave: Waveform) -> None:
    """Write a waveform (samples,) in [-1, 1] as 16-bit WAV."""
    soundfile.write(path, np.clip(wave, -1.0, 1.0), RATE, subtype="PCM_16")


def changed(clip: Clip, folder: Path, wave: Waveform, name: str = "") -> Clip:
    """Return the clip with another waveform, written into `folder` under its own name or another."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name or clip.path.stem}.wav"
    write(path, wave)
    return replace(clip, path=path)


def with_tone(wave: Waveform, hertz: float, decibels: float) -> Waveform:
    """Return a waveform with a steady tone, `decibels` beside the clip's own level."""
    amplitude = np.sqrt(2.0 * np.mean(np.square(wave, dtype=np.float64))) * 10.0 ** (decibels / 20.0)
    tone = amplitude * np.sin(2.0 * np.pi * hertz / RATE * np.arange(len(wave)))
    return np.asarray(wave + tone, np.float32)


def write_table(path: Path, clips: Iterable[Clip]) -> Path:
    """Write the table of these clips, their paths relative to it."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for clip in clips:
            name = Path(os.path.relpath(clip.path, path.parent)).as_posix()
            rows.writerow((name, clip.emotion, clip.speaker, clip.sex, clip.split))
    return path


def of(part: str, clips: Sequence[Clip]) -> list[Clip]:
    """Return the clips of one part."""
    return [clip for clip in clips if clip.split == part]
