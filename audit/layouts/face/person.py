"""People of the generated faces: what stays the same from picture to picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

HAIR = ("bald", "short", "fringe", "long")


@dataclass(frozen=True)
class Person:
    """One person's face, in half heights of the face; levels are reflectances in [0, 1].

    `width` and `jaw` shape the head; `eyes` is half the distance between them, `eye` their size as a factor;
    `brow` the brows' half width, `slant` how far their inner ends lie lower at rest; `mouth` its half width, `lips`
    their fullness as a factor, `corners` how far its corners hang at rest; `nose` its length as a factor; `stubble` and
    `glasses` (how often they are worn) are shares.
    """

    name: str
    skin: float
    hair_level: float
    hair: Literal["bald", "short", "fringe", "long"]
    hairline: float
    width: float
    jaw: float
    eyes: float
    eye: float
    brow: float
    slant: float
    mouth: float
    lips: float
    corners: float
    nose: float
    stubble: float
    glasses: float


def person(seed: int, index: int) -> Person:
    """Return person number `index` of a seed."""
    rng = np.random.default_rng((seed, 0, index))
    skin = rng.uniform(0.35, 0.80)
    return Person(
        name=f"p{index:02d}",
        skin=skin,
        hair_level=rng.uniform(0.04, 0.30) if rng.random() < 0.8 else rng.uniform(0.5, 0.85),
        hair=HAIR[rng.choice(len(HAIR), p=(0.12, 0.38, 0.25, 0.25))],  # type: ignore[arg-type]
        hairline=rng.uniform(-0.74, -0.64),
        width=rng.uniform(0.68, 0.80),
        jaw=rng.uniform(0.05, 0.25),
        eyes=rng.uniform(0.29, 0.34),
        eye=rng.uniform(0.88, 1.12),
        brow=rng.uniform(0.030, 0.050),
        slant=rng.uniform(-0.02, 0.03),
        mouth=rng.uniform(0.23, 0.29),
        lips=rng.uniform(0.7, 1.3),
        corners=rng.uniform(-0.015, 0.02),
        nose=rng.uniform(0.88, 1.12),
        stubble=rng.uniform(0.1, 0.35) if rng.random() < 0.3 else 0.0,
        glasses=rng.choice((0.0, 0.9), p=(0.7, 0.3)),
    )
