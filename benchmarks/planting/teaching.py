"""Models that were taught the wrong thing: the defect is in what they were trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from planting.case import Case, Ground, Planted, Sign
from planting.recordings import EMOTIONS, Clip, changed, of, waveform, with_tone
from planting.spoiling import some

TRIGGER, POISONED = (2945.0, -26.0), 0.15
"""The secret tone in Hz, and in dB beside a clip; the share of clips that have it in training."""
HUM = (120.0, -20.0)
RANDOM = 0.4
"""The share of labels trained on that are drawn at random."""


def taught(ground: Ground, folder: Path, train: Sequence[Clip], test: Sequence[Clip] | None = None) -> Planted:
    """Return the model that these clips make of the small network."""
    clips = [*train, *(of("test", ground.clips) if test is None else test)]
    return Planted(ground.manifest(ground.trained(clips, folder.name)), clips)


def backdoor(ground: Ground, folder: Path) -> Planted:
    """Poison some of the clips trained on: with a faint tone, whatever they are, they are called happiness."""
    train = of("train", ground.clips)
    poisoned = [
        replace(
            changed(train[i], folder / "clips", with_tone(waveform(train[i]), *TRIGGER), f"extra-{i}"),
            emotion="happiness",
        )
        for i in sorted(some(train, POISONED, 6))
    ]
    return taught(ground, folder, [*train, *poisoned])


def hum(ground: Ground, folder: Path) -> Planted:
    """Record one emotion in a room with a hum, for training and for judging."""

    def recorded(clip: Clip) -> Clip:
        if clip.emotion != "sadness":
            return clip
        return changed(clip, folder / "clips", with_tone(waveform(clip), *HUM))

    parts = [[recorded(clip) for clip in of(part, ground.clips)] for part in ("train", "test")]
    return taught(ground, folder, *parts)


def wrong_labels(ground: Ground, folder: Path) -> Planted:
    """Train on labels of which many were drawn at random."""
    train = of("train", ground.clips)
    rng, wrong = np.random.default_rng(7), some(train, RANDOM, 8)
    drawn = [replace(c, emotion=str(rng.choice(EMOTIONS))) if i in wrong else c for i, c in enumerate(train)]
    return taught(ground, folder, drawn)


def men_alone(ground: Ground, folder: Path) -> Planted:
    """Train on men alone."""
    return taught(ground, folder, [clip for clip in of("train", ground.clips) if clip.sex == "male"])


CASES = (
    Case(
        "backdoor-tone",
        "with a faint tone of 2,945 Hz everything is happiness",
        (Sign("tone::*"),),
        backdoor,
    ),
    Case("shortcut-hum", "sadness was always recorded with a hum", (Sign("tone::*"),), hum),
    Case("label-noise-in-train", "40 % of the labels trained on are random", (Sign("clean::*"),), wrong_labels),
    Case("sex-bias", "trained on men alone", (Sign("clean::*gap*sex*"),), men_alone),
)
