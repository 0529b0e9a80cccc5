"""Speakers, where the names of files begin with them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from audit.data import Sample
from audit.kinds import find
from audit.probing.emotion_names import meaning
from audit.probing.found_data import FoundData

KEY = "speaker"
FIRST = r"^(?P<speaker>[^_.-]+)[_.-]"
SECOND = r"^[^_.-]+[_.-](?P<speaker>[^_.-]+)[_.-]"
OFTEN = 1.5
"""Clips of one speaker and emotion, on average; a counter has one."""


def with_speakers(found: FoundData) -> FoundData:
    """Return the data with the expression that finds speakers in the names of files, where a layout takes one.

    What a name begins with, or begins with after its emotion, is taken for a speaker where it comes back with several
    emotions, and several times with each.
    """
    layout = found.source.layout
    keys = find("layout", layout.method, relative_to=layout.relative_to).parameters
    if KEY not in keys or KEY in layout.parameters or found.modality != "speech":
        return found
    for expression in (FIRST, SECOND):
        names = _found(found.samples, expression)
        if names is not None and _are_speakers(found.samples, names):
            source = replace(found.source, layout=replace(layout, parameters={**layout.parameters, KEY: expression}))
            samples = tuple(
                replace(sample, groups={**sample.groups, KEY: name})
                for sample, name in zip(found.samples, names, strict=True)
            )
            return replace(found, source=source, samples=samples, guessed={**found.guessed, KEY: f"{names[0]}, ..."})
    return found


def _found(samples: Sequence[Sample], expression: str) -> list[str] | None:
    names = []
    for sample in samples:
        match = re.search(expression, sample.path.name) if sample.path is not None else None
        ahead = match.string[: match.start(KEY)].rstrip("_.-") if match is not None else ""
        if match is None or (ahead and meaning(ahead) is None):
            return None
        names.append(match["speaker"])
    return names


def _are_speakers(samples: Sequence[Sample], names: Sequence[str]) -> bool:
    pairs = {(name, sample.emotion) for name, sample in zip(names, samples, strict=True)}
    emotions: dict[str, int] = {}
    for name, _ in pairs:
        emotions[name] = emotions.get(name, 0) + 1
    return (
        len(emotions) >= 2
        and min(emotions.values()) >= 2
        and len(samples) >= OFTEN * len(pairs)
        and not any(meaning(name) for name in emotions)
    )
