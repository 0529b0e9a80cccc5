"""A user's own function, named `file.py:function` in a manifest, found or refused with the reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit.errors import ModelError, did_you_mean, told
from audit.kinds import import_file

if TYPE_CHECKING:
    from audit.manifest import Manifest


def function_in(path: Path, name: str) -> Callable[..., Any]:
    """Return the function `name` of the Python file at `path`; raises ModelError naming what is there instead."""
    try:
        code = import_file(path)
    except Exception as error:
        raise ModelError(f"{path}: cannot be imported ({told(error)})") from error
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


def called(function: Callable[..., Any], where: str, *inputs: Any, arguments: Mapping[str, Any] | None = None) -> Any:
    """Return what a user's function returns; raises ModelError that says where it is, what it was given and why."""
    try:
        return function(*inputs, **(arguments or {}))
    except Exception as error:
        given = ", ".join(f"inputs {tuple(batch.shape)}" for batch in inputs) or shown(arguments or {})
        raise ModelError(f"{where}({given}) raised {told(error)}") from error


def shown(arguments: Mapping[str, Any]) -> str:
    """Return arguments as they are written in a call: `width=4, depth=2`."""
    return ", ".join(f"{key}={value!r}" for key, value in arguments.items())
