"""What the recordings of a modality are called, and what a person does with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """`noun` is one recording, `kind` several of a modality, `view` what a person does with it.

    `whose` is what of people it holds, `energy` the cells that stand out whatever the model, `frames` whether it
    is drawn frame by frame.
    """

    noun: str
    kind: str
    view: str
    whose: str
    energy: str
    frames: bool = False


WORDS: Mapping[str, Words] = {
    "speech": Words("clip", "clips", "listen", "voices", "loudest cells"),
    "face": Words("picture", "pictures", "look", "faces", "strongest edges"),
    "video": Words("clip", "videos", "look", "faces", "strongest edges", frames=True),
    "audiovisual": Words(
        "clip",
        "videos with sound",
        "listen",
        "faces and voices",
        "loudest samples and the brightest and darkest pixels",
        frames=True,
    ),
}


def words_of(modality: object) -> Words:
    """Return the words of a modality; those of speech for one that is not known."""
    return WORDS.get(str(modality), WORDS["speech"])
