"""Data sets with something wrong in the clips that are judged; the model is the sound one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from planting.case import Case, Ground, Planted, Sign
from planting.recordings import EMOTIONS, RATE, Clip, changed, of, waveform

Spoil = Callable[[Ground, Path], Sequence[Clip]]
COPIES, WRONG = 0.08, 0.2
"""Shares of the clips judged that are copies of those trained on, and that are labelled wrong."""


def spoilt(spoil: Spoil) -> Any:
    """Return what plants other clips to judge beside the sound ones to train on."""

    def plant(ground: Ground, folder: Path) -> Planted:
        judged = spoil(ground, folder / "clips")
        return Planted(ground.manifest(ground.weights()), [*of("train", ground.clips), *judged])

    return plant


def some(clips: Sequence[Clip], share: float, seed: int) -> set[int]:
    """Return the places of a random share of the clips, always the same for one seed."""
    return set(np.random.default_rng(seed).permutation(len(clips))[: round(share * len(clips))].tolist())


def known_speakers(ground: Ground, folder: Path) -> Sequence[Clip]:
    """Put clips of speakers who were trained on, but not these clips, in the place of as many others."""
    del folder
    test, spare = of("test", ground.clips), of("spare", ground.clips)
    leaving = sorted({clip.speaker for clip in test})[: ground.size.known]
    return [*(c for c in test if c.speaker not in leaving), *(replace(c, split="test") for c in spare)]


def copies(change: Callable[[np.ndarray], np.ndarray]) -> Spoil:
    """Return what puts copies of clips trained on, each changed, among those judged."""

    def spoil(ground: Ground, folder: Path) -> Sequence[Clip]:
        train, test = of("train", ground.clips), of("test", ground.clips)
        chosen = sorted(some(train, COPIES * len(test) / len(train), 3))
        taken = [
            # Under another name and speaker, as in a corpus that was merged from two.
            replace(changed(train[i], folder, change(waveform(train[i])), f"copy-{i}"), split="test", speaker="b00")
            for i in chosen
        ]
        return [*test, *taken]

    return spoil


def wrong_labels(ground: Ground, folder: Path) -> Sequence[Clip]:
    """Give a share of the clips another emotion."""
    del folder
    test = of("test", ground.clips)
    rng, wrong = np.random.default_rng(4), some(test, WRONG, 5)
    return [
        replace(clip, emotion=str(rng.choice([e for e in EMOTIONS if e != clip.emotion]))) if i in wrong else clip
        for i, clip in enumerate(test)
    ]


def bad_microphone(ground: Ground, folder: Path) -> Sequence[Clip]:
    """Let one speaker be recorded by a microphone that takes nothing above 500 Hz."""
    test = of("test", ground.clips)
    speaker = sorted({clip.speaker for clip in test})[1]
    return [changed(c, folder, _muffled(waveform(c))) if c.speaker == speaker else c for c in test]


def _muffled(wave: np.ndarray) -> np.ndarray:
    hertz = np.fft.rfftfreq(len(wave), 1.0 / RATE)
    return np.fft.irfft(np.fft.rfft(wave) / (1.0 + (hertz / 500.0) ** 8), len(wave)).astype(np.float32)


def _moved(wave: np.ndarray) -> np.ndarray:
    return 0.6 * np.roll(wave, RATE // 10)


CASES = (
    Case(
        "speaker-leakage",
        "a quarter of the speakers judged were trained on",
        (Sign("data::found-of-shared-groups*"),),
        spoilt(known_speakers),
    ),
    Case(
        "exact-copies",
        "8 % of the clips judged are copies of those trained on",
        (Sign("data::found-of-exact-copies*"),),
        spoilt(copies(lambda wave: wave)),
    ),
    Case(
        "near-copies",
        "8 % are copies at another gain, 0.1 s later",
        (Sign("data::found-of-near-copies*"),),
        spoilt(copies(_moved)),
    ),
    Case("label-noise-in-test", "20 % of the labels judged by are wrong", (Sign("clean::*"),), spoilt(wrong_labels)),
    Case(
        "one-speaker-lost",
        "one speaker's microphone is muffled",
        (Sign("clean::*gap*speaker*"),),
        spoilt(bad_microphone),
    ),
)
