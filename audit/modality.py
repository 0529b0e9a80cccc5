"""What the recordings of a modality are called, and what a person does with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """`noun` is one recording, `view` what a person does to judge it, `seems` how it then strikes them."""

    noun: str
    view: str
    seems: str
    whose: str
    """What of people the recordings hold."""


WORDS: Mapping[str, Words] = {
    "speech": Words("clip", "listen", "sounds", "voices"),
    "face": Words("picture", "look", "looks", "faces"),
}


def words_of(modality: object) -> Words:
    """Return the words of a modality; those of speech for one that is not known."""
    return WORDS.get(str(modality), WORDS["speech"])
