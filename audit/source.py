"""A user's own function, named `file.py:function` in a manifest, found or refused with the reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit.errors import ModelError, did_you_mean, first_line
from audit.kinds import import_file

if TYPE_CHECKING:
    from audit.manifest import Manifest


def function_in(path: Path, name: str) -> Callable[..., Any]:
    """Return the function `name` of the Python file at `path`; raises ModelError naming what is there instead."""
    try:
        code = import_file(path)
    except Exception as error:
        raise ModelError(f"{path}: cannot be imported ({type(error).__name__}: {first_line(error)})") from error
    function = getattr(code, name, None)
    if not callable(function):
        own = [known for known, value in vars(code).items() if callable(value) and not known.startswith("_")]
        raise ModelError(
            f"{path} has no function {name!r}{did_you_mean(name, own)} (there are: {', '.join(own) or 'none'})"
        )
    return function


def function_of(manifest: Manifest) -> Callable[..., Any]:
    """Return the function that the manifest's `source` names; raises ModelError where it names none."""
    if manifest.source is None:
        raise ModelError(f"{manifest.path}: loader {manifest.loader} needs `source: file.py:function`")
    return function_in(manifest.source.path, manifest.source.function)
