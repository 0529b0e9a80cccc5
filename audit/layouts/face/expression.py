"""Which muscles each emotion moves: the action units are the literature's, how far they go is chosen here.

Ekman and Friesen (1978), Facial Action Coding System, with the prototypes of its guide (Ekman, Friesen and Hager 2002)
and of EMFACS (Friesen and Ekman 1983): anger 4 5 7 23, disgust 9 10 16 17, fear 1 2 4 5 7 20 25, happiness 6 12 25,
sadness 1 4 15 17, surprise 1 2 5 26. Units that would move the outline of the face are drawn in the mouth alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np


class ActionUnits(NamedTuple):
    """How far each unit goes: 0 at rest, 1 as far as it goes in a marked expression."""

    inner_brow_raiser: float = 0.0
    """AU 1."""
    outer_brow_raiser: float = 0.0
    """AU 2."""
    brow_lowerer: float = 0.0
    """AU 4, which also draws the brows together."""
    upper_lid_raiser: float = 0.0
    """AU 5."""
    cheek_raiser: float = 0.0
    """AU 6, seen in the lower lid."""
    lid_tightener: float = 0.0
    """AU 7."""
    nose_wrinkler: float = 0.0
    """AU 9, seen between the eyes."""
    upper_lip_raiser: float = 0.0
    """AU 10."""
    lip_corner_puller: float = 0.0
    """AU 12."""
    lip_corner_depressor: float = 0.0
    """AU 15."""
    lower_lip_depressor: float = 0.0
    """AU 16."""
    chin_raiser: float = 0.0
    """AU 17, which pushes the lower lip up."""
    lip_stretcher: float = 0.0
    """AU 20."""
    lip_tightener: float = 0.0
    """AU 23."""
    lips_part: float = 0.0
    """AU 25."""
    jaw_drop: float = 0.0
    """AU 26, seen in the mouth."""


EXPRESSIONS: Mapping[str, ActionUnits] = {
    "angry": ActionUnits(brow_lowerer=1.0, upper_lid_raiser=0.4, lid_tightener=0.8, lip_tightener=1.0),
    "disgust": ActionUnits(
        nose_wrinkler=1.0, upper_lip_raiser=1.0, lower_lip_depressor=0.6, chin_raiser=0.5, lips_part=0.3
    ),
    "fear": ActionUnits(
        inner_brow_raiser=1.0,
        outer_brow_raiser=0.5,
        brow_lowerer=0.4,
        upper_lid_raiser=1.0,
        lid_tightener=0.3,
        lip_stretcher=1.0,
        lips_part=0.8,
    ),
    "happy": ActionUnits(cheek_raiser=1.0, lip_corner_puller=1.0, lips_part=0.6),
    "neutral": ActionUnits(),
    "sad": ActionUnits(inner_brow_raiser=1.0, brow_lowerer=0.3, lip_corner_depressor=1.0, chin_raiser=0.6),
    "surprise": ActionUnits(inner_brow_raiser=1.0, outer_brow_raiser=1.0, upper_lid_raiser=1.0, jaw_drop=1.0),
}
SPREAD = 0.12


def drawn(emotion: str, rng: np.random.Generator) -> ActionUnits:
    """Return one picture's rendering of an emotion: more or less strongly acted, and chance around it.

    The draws are the same for every emotion.
    """
    strength = rng.uniform(0.65, 1.15)
    chance = rng.uniform(-SPREAD, SPREAD, len(ActionUnits._fields))
    return ActionUnits(*np.maximum(strength * np.array(EXPRESSIONS[emotion]) + chance, 0.0).tolist())
