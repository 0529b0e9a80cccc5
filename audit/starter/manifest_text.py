"""A manifest as `audit init` writes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.loaders.inspection import Inspection
from audit.starter.labels import Labels
from audit.starter.written import comment, entries, from_folder, function_from


@dataclass(frozen=True)
class Opened:
    """A model's file, the loader that opens it, what it says, and the code it needs."""

    name: str
    path: Path
    loader: str
    seen: Inspection
    source: str | None
    arguments: Mapping[str, Any]


def manifest_text(
    model: Opened,
    folder: Path | None,
    lines: Mapping[str, Any],
    labels: Sequence[str],
    *,
    why: Mapping[str, str] | None = None,
    rename: Mapping[str, str | None] | None = None,
    notes: Sequence[str] = (),
) -> str:
    """Return the manifest that lies in `folder` (None: anywhere), with `lines` as its `input`; `why` marks guesses."""
    why = why or {}
    head: dict[str, Any] = {"version": 1, "model": model.name, "loader": model.loader}
    if model.source is not None:
        head["source"] = function_from(model.source, folder)
    if model.arguments:
        head["arguments"] = dict(model.arguments)
    head["weights"] = from_folder(model.path, folder)
    # A line that the file settles may be one to leave out.
    head = {key: value for key, value in {**head, **model.seen.lines}.items() if value is not None}
    inside = dict(lines)
    if "preprocess" in inside:
        inside["preprocess"] = function_from(inside["preprocess"], folder)
    tail: dict[str, Any] = {"emotions": list(labels), **({"rename": dict(rename)} if rename else {})}
    what = model.seen.what[:1].upper() + model.seen.what[1:]
    text = [
        *comment(f"{what}. Written by `audit init`: each line it could not be sure of is marked `guessed`."),
        *(line for note in notes for line in comment(note)),
        *entries(head, why),
        "input:",
        *entries(inside, why, 2),
        *entries(tail, why),
    ]
    return "\n".join(text) + "\n"


def renames(seen: Inspection, labels: Labels, merged: Mapping[str, str]) -> dict[str, str | None]:
    """Return what the file calls its outputs, where that is no emotion, to what they are; and labels to be merged."""
    if labels.certain or not seen.labels:
        return dict(merged)
    return {old: new for old, new in zip(seen.labels, labels.names, strict=True) if old != new}
