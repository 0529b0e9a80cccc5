"""YAML with a comment beside every line that was guessed."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from audit.probing.lines import flow

WIDTH = 118
STEPS = 3


def entries(values: Mapping[str, Any], why: Mapping[str, str], indent: int = 0) -> Iterator[str]:
    """Yield `key: value` lines; a key in `why` is marked as guessed, above it where the line would grow too long."""
    space = " " * indent
    for key, value in values.items():
        line = f"{space}{key}: {flow({key: value}).partition(': ')[2]}"
        mark = f"# guessed: {' '.join(why[key].split())}" if key in why else ""
        if mark and len(line) + 2 + len(mark) > WIDTH:
            yield from comment(mark.removeprefix("# "), indent)
            yield line
        else:
            yield f"{line}  {mark}".rstrip()


def comment(text: str, indent: int = 0) -> list[str]:
    """Return text as lines of comment."""
    mark = " " * indent + "# "
    return textwrap.wrap(text, WIDTH, initial_indent=mark, subsequent_indent=mark, break_long_words=False)


def from_folder(path: Path, folder: Path | None) -> str:
    """Return the path as a file in `folder` names it: from there where it lies near, else (or without one) whole."""
    whole = Path(os.path.abspath(path))
    if folder is None:
        return whole.as_posix()
    try:
        near = Path(os.path.relpath(whole, os.path.abspath(folder)))
    except ValueError:
        # On another drive there is no way from one to the other.
        return whole.as_posix()
    return (whole if near.parts[:STEPS] == ("..",) * STEPS else near).as_posix()


def function_from(given: str, folder: Path | None) -> str:
    """Return `file.py:function` as a file in `folder` names it."""
    file, _, function = given.rpartition(":")
    return f"{from_folder(Path(file), folder)}:{function}"
