"""What the recordings of a modality are called, and what a person does with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """`noun` is one recording, `view` what a person does with it, `whose` what of people it holds."""

    noun: str
    view: str
    whose: str


WORDS: Mapping[str, Words] = {
    "speech": Words("clip", "listen", "voices"),
    "face": Words("picture", "look", "faces"),
}


def words_of(modality: object) -> Words:
    """Return the words of a modality; those of speech for one that is not known."""
    return WORDS.get(str(modality), WORDS["speech"])
