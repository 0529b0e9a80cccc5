"""Sound models whose manifest says something wrong of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from planting.case import Case, Ground, Planted, Sign
from planting.recordings import EMOTIONS


def declared(**changes: Any) -> Any:
    """Return what plants other keys in the sound manifest."""

    def plant(ground: Ground, folder: Path) -> Planted:
        del folder
        return Planted(ground.manifest(ground.weights(), **changes), ground.listed)

    return plant


def heard(**changes: Any) -> Any:
    """Return what plants other keys under `input` of the sound manifest."""

    def plant(ground: Ground, folder: Path) -> Planted:
        del folder
        manifest = ground.manifest(ground.weights())
        return Planted({**manifest, "input": {**manifest["input"], **changes}}, ground.listed)

    return plant


def swapped(one: str, other: str) -> list[str]:
    """Return the emotions with two in each other's place."""
    place = {one: other, other: one}
    return [place.get(emotion, emotion) for emotion in EMOTIONS]


CASES = (
    Case(
        "labels-swapped",
        "anger and fear swapped in the manifest",
        (Sign("clean::recall::anger"), Sign("clean::recall::fear")),
        declared(emotions=swapped("anger", "fear")),
    ),
    Case(
        "wrong-sampling-rate",
        "22,050 Hz declared, trained at 16,000",
        (Sign("clean::*"),),
        heard(sampling_rate=22050),
    ),
    Case(
        "wrong-normalisation",
        "inputs scaled to [-1, 1], trained on [0, 1]",
        (Sign("clean::*"),),
        heard(scaling={"low": -1.0, "high": 1.0}),
    ),
)
