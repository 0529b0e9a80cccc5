"""The many names of one emotion, so that `surprised` of the data meets `surprise` of the model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_FAMILIES = (
    ("anger", "angry", "ang"),
    ("boredom", "bored"),
    ("calm", "calmness"),
    ("contempt", "contemptuous"),
    ("disgust", "disgusted", "dis"),
    ("excitement", "excited", "exc"),
    ("fear", "fearful", "afraid", "scared", "fea"),
    ("frustration", "frustrated", "fru"),
    ("happiness", "happy", "joy", "joyful", "hap"),
    ("neutral", "neutrality", "neu"),
    ("sadness", "sad"),
    ("surprise", "surprised", "pleasant surprise", "sur"),
)
_MEANING = {name: family[0] for family in _FAMILIES for name in family}
_SEX = re.compile(r"^(?:fe)?male[ _.-]+|[ _.-]+(?:fe)?male$")


def meaning(name: str) -> str | None:
    """Return what a name, in any case, is another one for: `anger` for `Angry`, `ang` or `female_angry`."""
    plain = _SEX.sub("", name.strip().casefold())
    return _MEANING.get(re.sub(r"[ _.-]+", " ", plain))


def share_of_emotions(names: Iterable[str]) -> float:
    """Return which share of names are known for emotions; 0 for no names."""
    known = [meaning(name) is not None for name in names]
    return sum(known) / len(known) if known else 0.0


def renamed(names: Iterable[str], to: Iterable[str]) -> Mapping[str, str]:
    """Return which of `names` are names of what `to` calls otherwise, `{surprised: surprise}`; the unclear are not."""
    wanted = list(to)
    found = {}
    for name in names:
        same = [other for other in wanted if meaning(name) is not None and meaning(other) == meaning(name)]
        if name not in wanted and len(same) == 1:
            found[name] = same[0]
    return found
