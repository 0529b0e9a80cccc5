"""Where things stand in a report: a file per emotion, an anchor per check, verdict and clip."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from audit.errors import AuditError
from audit.gate_id import slug, unique

LONGEST_NAME = 100


def emotions_of(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Return every emotion that has a page: the model's in their order, then others an exhibit or verdict names."""
    named = [row["emotion"] for part in ("verdicts", "exhibits") for row in document[part]]
    return tuple(dict.fromkeys([*document["model"]["emotions"], *(name for name in named if name is not None)]))


def pages(emotions: Sequence[str]) -> dict[str, str]:
    """Return each emotion's file, relative to the index; the names hold a-z, 0-9, dot and hyphen and are unique."""
    names = unique(slug(emotion)[:LONGEST_NAME] for emotion in emotions)
    return {emotion: f"emotion/{name}.html" for emotion, name in zip(emotions, names, strict=True)}


def anchor(check: str) -> str:
    """Return the id of a check's section; the report's own ids begin with a capital, which no check's id does."""
    return check if re.fullmatch(r"[a-z0-9_.-]+", check) else slug(check)


def media(path: str) -> str:
    """Return the URL of a media file, relative to the index.

    Raises AuditError for a path that does not lie in `media/`: an `audit.json` may come from anyone.
    """
    parts = PurePosixPath(path).parts
    if len(parts) < 2 or parts[0] != "media" or ".." in parts or "\\" in path:
        raise AuditError(f"audit.json names the media file {path!r}; media must lie in media/")
    return quote("/".join(parts))
