"""Which loader opens a model's file, and what the file says of itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from audit.errors import ModelError, UntrustedError, UsageError
from audit.kinds import Method, find, known_methods
from audit.loaders.inspection import Inspection


def inspected(path: Path, loader: str | None, *, trust: bool, key: str | None = None) -> tuple[str, Inspection]:
    """Return the loader's name and what the file at `path` says; `loader` names it where more than one could,
    `key` the entry of a file that holds several.

    Those that take the file's ending are asked first, then all others by its content.
    Raises UsageError where there is no such file or loader, ModelError where none of them knows the file, or it is
    broken, UntrustedError where it can only be looked at with `trust`.
    """
    if not path.exists():
        raise UsageError(f"{path}: no such file or folder (--model)")
    if path.suffix in (".yaml", ".yml"):
        raise UsageError(f"{path}: is a manifest or a suite, not a trained model; look at it with `audit probe {path}`")
    if path.is_file() and not path.stat().st_size:
        raise ModelError(f"{path}: the file is empty; save or download it again")
    if loader is not None:
        method = find("loader", loader, relative_to=Path.cwd())
        found = _asked(method, path, trust=trust, key=key)
        return loader, found or Inspection("a file that its loader cannot look into")
    methods = [m for m in known_methods("loader").values() if m.facts.get("inspect") is not None]
    methods.sort(key=lambda m: path.suffix.lower() not in m.facts["extensions"])
    refused: list[ModelError] = []
    for method in methods:
        try:
            found = _asked(method, path, trust=trust, key=key)
        except UntrustedError:
            raise
        except ModelError as error:
            refused.append(error)
            continue
        if found is not None:
            return method.name, found
    if refused:
        raise refused[0]
    known = ", ".join(sorted({ending for m in methods for ending in m.facts["extensions"]}))
    raise ModelError(
        f"{path}: neither its name nor its content is that of a model this audit opens ({known}, or a folder of "
        "transformers); name the loader with --loader, or write a function and let loader python call it"
    )


def _asked(method: Method, path: Path, *, trust: bool, key: str | None) -> Inspection | None:
    look = method.facts.get("inspect")
    if look is None:
        return None
    found: Inspection | None
    try:
        found = look(path, trust=False, key=key)
    except UntrustedError as error:
        if not trust:
            raise UntrustedError(f"{error} (`audit init --trust` declares it)") from error
        found = look(path, trust=True, key=key)
        if found is not None:
            found = replace(found, lines={**found.lines, "trust": True})
    if found is not None and key is not None:
        found = replace(found, lines={**found.lines, "key": key})
    return found
