"""What a file of PyTorch weights says of itself."""

from __future__ import annotations

import pickle
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import torch
from torch import Tensor, nn

from audit.errors import ModelError, UntrustedError, first_line, told
from audit.loaders.inspection import Inspection

FOREIGN = ("/code/", "archive_format")
"""In the archive of another loader: TorchScript, an exported program."""
SOURCE = "builds the untrained network, a torch.nn.Module"
HEAD = re.compile(r"(^|\.)(fc|head|classifier|classification_head|out|output|logits|final|last|linear)\d*(\.|$)")
OUTSIDE = re.compile(r"(\w+_)?(criterion|loss|metrics?|acc|accuracy|confmat)(_\w+)?\.")
"""What a Lightning module holds beside its network."""
Shapes = Mapping[str, tuple[int, ...]]


def inspect(path: Path, *, trust: bool, key: str | None = None) -> Inspection | None:
    """Return what safetensors, a state_dict or a checkpoint holds, or with `trust` a pickled module.

    Raises ModelError for a broken file, UntrustedError for a pickle without trust.
    """
    if path.is_dir():
        return None
    if path.suffix == ".safetensors":
        return _weights(_header(path), "safetensors", {})
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
        if not any(name.endswith("data.pkl") for name in names) or any(f in n for n in names for f in FOREIGN):
            return None
    elif not is_pickle(path):
        return None
    try:
        stored = loaded(path, weights_only=True)
    except pickle.UnpicklingError as error:
        if not zipfile.is_zipfile(path):
            # Any other pickle looks the same from without.
            return None
        if not trust:
            raise UntrustedError(
                f"{path}: holds pickled Python objects, which can run any code when opened. Save only the weights, "
                "torch.save(model.state_dict(), path), and name its source; or declare trust if you know where the "
                "file comes from"
            ) from error
        stored = _unpickled(path)
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise ModelError(
            f"{path}: not a whole PyTorch file ({first_line(error)}); save or download it again"
        ) from error
    if isinstance(stored, nn.Module):
        found = _weights({name: tuple(value.shape) for name, value in stored.state_dict().items()}, "module", {})
        return Inspection("a pickled torch.nn.Module", found.outputs)
    lines, state = _state(stored, key)
    if state is None and key is not None:
        there = ", ".join(map(str, stored)) if isinstance(stored, Mapping) else f"a {type(stored).__name__}"
        raise ModelError(f"{path}: no weights by name in an entry {key!r} (there is: {there})")
    if state is None:
        raise ModelError(f"{path}: holds no weights by name; save model.state_dict()")
    return _weights({name: tuple(value.shape) for name, value in state.items()}, "state_dict", lines)


def _unpickled(path: Path) -> Any:
    try:
        return loaded(path, weights_only=False)
    except Exception as error:
        raise ModelError(f"{path}: cannot be opened ({told(error)})") from error


def _header(path: Path) -> Shapes:
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, OSError) as error:
        raise ModelError(f"{path}: not a whole safetensors file ({error}); save or download it again") from error


def _state(stored: Any, key: str | None) -> tuple[dict[str, Any], Mapping[str, Tensor] | None]:
    """Return the line that names the entry with the weights, where they lie in one, and the weights."""
    if not isinstance(stored, Mapping):
        return {}, None
    if key is None and stored and all(isinstance(value, Tensor) for value in stored.values()):
        return {}, stored
    for name, value in stored.items():
        if (
            key in (None, str(name))
            and isinstance(value, Mapping)
            and value
            and all(isinstance(each, Tensor) for each in value.values())
        ):
            return {"key": str(name)}, value
    return {}, None


def _weights(shapes: Shapes, kind: str, lines: Mapping[str, Any]) -> Inspection:
    return Inspection(
        f"PyTorch weights alone ({kind}, {len(shapes)} tensors)", outputs_of(shapes), lines=lines, source=SOURCE
    )


def outputs_of(shapes: Shapes) -> int | None:
    """Return how many outputs a network with weights of these shapes most likely has.

    Its last layer is a matrix with as many rows; a layer called fc, head or classifier is trusted more.
    """
    shapes = _inside({name: shape for name, shape in shapes.items() if not OUTSIDE.match(name)} or shapes)
    matrices = {name: shape for name, shape in shapes.items() if len(shape) == 2 and name.endswith("weight")}
    heads = {name: shape for name, shape in matrices.items() if HEAD.search(name.removesuffix(".weight"))}
    rows = [shape[0] for shape in (heads or matrices).values() if shape[0] > 1]
    if rows:
        return min(rows)
    # A last convolution with one map per emotion.
    last = [shape[0] for shape in shapes.values() if len(shape) in (3, 4)]
    return last[-1] if last else None


def _inside(shapes: Shapes) -> Shapes:
    """Return the shapes without the prefix that a wrapper put before all of their names."""
    while len({name.partition(".")[0] for name in shapes}) == 1 and all("." in name for name in shapes):
        shapes = {name.partition(".")[2]: shape for name, shape in shapes.items()}
    return shapes


def loaded(path: Path, *, weights_only: bool) -> Any:
    """Return what torch.save wrote, on the CPU; raises what torch does, and warns of nothing."""
    with warnings.catch_warnings():
        # Of a TorchScript archive or another pickle protocol torch warns, and then fails: the error says it all.
        warnings.simplefilter("ignore")
        return torch.load(path, map_location="cpu", weights_only=weights_only)


def is_pickle(path: Path) -> bool:
    """Return whether a file begins as pickles of protocol 2 and later do."""
    with path.open("rb") as file:
        return file.read(1) == b"\x80"
