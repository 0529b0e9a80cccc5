"""What a Keras file holds, read as data: an architecture, and whatever in it could run code or reach other files."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Literal

import h5py
import keras

from audit.errors import ModelError, UntrustedError, first_line

Kind = Literal["keras", "h5", "weights.h5"]
HDF5 = b"\x89HDF\r\n\x1a\n"
ARCHITECTURE, WEIGHTS, OPTIMIZER = "config.json", "model.weights.h5", "optimizer"

CODE = ("Lambda", "__lambda__", "TorchModuleWrapper", "TFSMLayer", "JaxLayer", "FlaxLayer")
"""What brings code of its own: bytecode, a pickled module, a graph of another framework."""
PARTS = ("layers", "models", "initializers", "regularizers", "constraints", "activations", "quantizers")
ALSO = ("engine", "ops", "dtype_policies", "mixed_precision", "random")
PLAIN = ("Model", "Functional", "Sequential", "DTypePolicy", "FloatDTypePolicy", "Policy")


def kind_of(path: Path) -> Kind:
    """Return how a file is written: `.keras`, HDF5 as Keras 2 laid it out, or HDF5 as Keras 3 lays out weights.

    Its content decides, not its name. Raises ModelError where it is none of these, or broken.
    """
    with path.open("rb") as file:
        start = file.read(len(HDF5))
    if not start:
        raise ModelError(f"{path}: the file is empty; save or download it again")
    if start.startswith(HDF5):
        with _hdf5(path) as store:
            if "layer_names" in store.attrs or "model_weights" in store or "model_config" in store.attrs:
                return "h5"
            if not len(store):
                raise ModelError(f"{path}: holds nothing; save the model or its weights again")
            return "weights.h5"
    if not start.startswith(b"PK"):
        raise ModelError(f"{path}: neither a .keras file nor HDF5 (.h5, .hdf5); save it by model.save('model.keras')")
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            broken = archive.testzip()
    except (zipfile.BadZipFile, OSError, EOFError, ValueError) as error:
        raise ModelError(f"{path}: not a whole .keras file ({first_line(error)}); save or download it again") from error
    if broken is not None:
        raise ModelError(f"{path}: {broken} in it is damaged; save or download it again")
    if ARCHITECTURE not in names or WEIGHTS not in names:
        raise ModelError(
            f"{path}: an archive without {ARCHITECTURE} and {WEIGHTS}, so no .keras file; if another framework wrote "
            "it, name that loader"
        )
    return "keras"


def architecture_in(path: Path, kind: Kind) -> dict[str, Any] | None:
    """Return the architecture that a file of weights brings with it, None where it brings none."""
    if kind == "keras":
        with zipfile.ZipFile(path) as archive:
            return parsed(archive.read(ARCHITECTURE), f"{path}: {ARCHITECTURE}")
    with _hdf5(path) as store:
        found = store.attrs.get("model_config")
        return None if found is None else parsed(found, f"{path}: model_config")


def parsed(text: str | bytes, where: str) -> dict[str, Any]:
    """Return an architecture written as JSON, without how it was trained; raises ModelError where it is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{where} is no JSON ({first_line(error)}); write it by model.to_json()") from error
    if not isinstance(found, dict) or "class_name" not in found or not isinstance(found.get("config"), dict):
        raise ModelError(f"{where} describes no Keras model; write it by model.to_json()")
    _forget_training(found)
    return found


def _forget_training(node: Any) -> None:
    """Take optimizers, losses and metrics out, which may be anyone's own."""
    if isinstance(node, dict):
        node.pop("compile_config", None)
    for value in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _forget_training(value)


def refuse_code(architecture: dict[str, Any], where: Path, known: Collection[str]) -> None:
    """Raise UntrustedError where an architecture brings code, or asks for what is neither Keras' own nor `known`."""
    code = sorted({name for name in _named(architecture) if name.partition(" ")[0] in CODE})
    custom = sorted({name for name in _named(architecture, known) if name.partition(" ")[0] not in CODE})
    if code:
        raise UntrustedError(
            f"{where}: holds code of its own ({', '.join(code)}), which can do anything when called. Name "
            "`source: file.py:function` that builds the network without it; or declare `trust: true` in the manifest "
            "if you know where the file comes from"
        )
    if custom:
        raise UntrustedError(
            f"{where}: holds custom objects ({', '.join(custom)}), whose code Keras would look for elsewhere. Name "
            "`source: file.py:function` that returns them as {name: class}, or builds the network; or declare "
            "`trust: true` in the manifest if they are registered with Keras and you know where the file comes from"
        )


def refuse_links(path: Path, kind: Kind) -> None:
    """Raise UntrustedError where an HDF5 file would read other files."""
    found: list[str] = []
    with _weights(path, kind) as store:

        def look(name: bytes | str, link: Any) -> None:
            if isinstance(link, h5py.ExternalLink):
                found.append(str(link.filename))
            elif isinstance(link, h5py.HardLink):
                item = store[name]
                if isinstance(item, h5py.Dataset):
                    found.extend(str(part[0]) for part in item.external or ())
                    found.extend(str(part.file_name) for part in (item.virtual_sources() if item.is_virtual else ()))

        store.visititems_links(look)
    if found:
        raise UntrustedError(
            f"{path}: takes weights from other files ({', '.join(sorted(set(found)))}); save it as one file, or "
            "declare `trust: true` in the manifest if you know where it comes from"
        )


def arrays_in(path: Path, kind: Kind) -> int:
    """Return how many arrays of weights a file of Keras 3 holds, those of its optimizer left out."""
    count = 0

    def look(name: str, item: Any) -> None:
        nonlocal count
        weights = isinstance(item, h5py.Dataset) and item.dtype.kind == "f"
        count += weights and name.partition("/")[0] != OPTIMIZER

    with _weights(path, kind) as store:
        store.visititems(look)
    return count


def _weights(path: Path, kind: Kind) -> Any:
    if kind != "keras":
        return _hdf5(path)
    with zipfile.ZipFile(path) as archive:
        return _hdf5(io.BytesIO(archive.read(WEIGHTS)), path)


def _hdf5(stored: Path | io.BytesIO, path: Path | None = None) -> Any:
    try:
        return h5py.File(stored, "r")
    except OSError as error:
        raise ModelError(
            f"{path or stored}: not a whole HDF5 file ({first_line(error)}); save or download it again"
        ) from error


def _named(node: Any, known: Collection[str] = ()) -> Iterator[str]:
    """Yield what in an architecture is not data alone or Keras' own: its class, and its name where it has one."""
    if isinstance(node, list):
        for item in node:
            yield from _named(item, known)
    if not isinstance(node, dict):
        return
    if isinstance(node.get("class_name"), str) and not _is_own(node, known):
        inner = node.get("config")
        what = inner if node["class_name"] == "function" else node["class_name"]
        name = inner.get("name") if isinstance(inner, dict) else None
        yield f"{what} {name!r}" if name else str(what)
    for value in node.values():
        yield from _named(value, known)


def _is_own(node: dict[str, Any], known: Collection[str]) -> bool:
    name, module = node["class_name"], node.get("module")
    if name in CODE:
        return False
    function = name == "function"
    name = str(node.get("config")) if function else name
    registered = str(name if function else node.get("registered_name") or name)
    if {name, registered, registered.rpartition(">")[2]} & set(known) or name.startswith("__"):
        return True
    if module is None or (function and module == "builtins"):
        found = [getattr(keras.activations, name, None)] if function else [_class(part, name) for part in PARTS]
        return name in PLAIN or any(map(callable, found))
    package, _, rest = str(module).partition(".")
    part = rest.removeprefix("src.").partition(".")[0]
    if function:
        return package == "keras" and part in ("activations", "ops")
    # Of what is not a class, Keras hands on the function itself.
    return package == "keras" and name[:1].isupper() and (part in (*PARTS, *ALSO) or (not part and name in PLAIN))


def _class(part: str, name: str) -> type | None:
    found = getattr(getattr(keras, part), name, None)
    return found if isinstance(found, type) else None
