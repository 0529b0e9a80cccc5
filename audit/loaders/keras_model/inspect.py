"""What a Keras architecture says of its model."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from audit.loaders.inspection import Dimensions, Inspection
from audit.loaders.keras_model.backend import keras_of_torch

HDF5 = b"\x89HDF\r\n\x1a\n"
SHAPES = ("batch_input_shape", "batch_shape")
WIDTHS = ("units", "filters")


def inspect(path: Path, *, trust: bool, key: str | None = None) -> Inspection | None:
    """Return what the architecture in a file says.

    Raises ModelError for a broken file, UntrustedError for one that holds code or takes weights from others.
    """
    del key
    if not _is_keras(path):
        return None
    keras_of_torch()
    from audit.loaders.keras_model.file import architecture_in, kind_of, refuse_code, refuse_links

    kind = kind_of(path)
    architecture = architecture_in(path, kind)
    if not trust:
        refuse_links(path, kind)
        if architecture is not None:
            refuse_code(architecture, path, ())
    return described(architecture)


def described(architecture: Mapping[str, Any] | None) -> Inspection:
    """Return the shape of one input and the number of outputs that an architecture names."""
    if architecture is None:
        return Inspection("Keras weights alone", source="builds the network, a keras.Model")
    layers = list(_layers(architecture))
    widths = (layer[name] for layer in reversed(layers) for name in WIDTHS if isinstance(layer.get(name), int))
    return Inspection(
        f"a Keras {architecture['class_name']} network", next(widths, None), shape=_shape(architecture, layers)
    )


def _is_keras(path: Path) -> bool:
    """Return whether a file is HDF5, or an archive such as Keras writes."""
    if path.is_dir():
        return False
    with path.open("rb") as file:
        if file.read(len(HDF5)) == HDF5:
            return True
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return {"config.json", "model.weights.h5"} <= set(archive.namelist())


def _layers(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the settings of every layer, those of models inside included, as they are listed."""
    config = node.get("config")
    inside = config.get("layers") if isinstance(config, Mapping) else config if isinstance(config, list) else None
    if isinstance(inside, list):
        for layer in inside:
            if isinstance(layer, Mapping):
                yield from _layers(layer)
    elif isinstance(config, Mapping):
        # Of a layer that wraps another, such as TimeDistributed, what is wrapped comes first.
        if isinstance(config.get("layer"), Mapping):
            yield from _layers(config["layer"])
        yield config


def _shape(architecture: Mapping[str, Any], layers: list[Mapping[str, Any]]) -> Dimensions | None:
    given = [layer[name] for layer in layers for name in SHAPES if isinstance(layer.get(name), list)]
    built = architecture.get("build_config")
    given += [built["input_shape"]] if isinstance(built, Mapping) and isinstance(built.get("input_shape"), list) else []
    if not given:
        return None
    return tuple(size if isinstance(size, int) else None for size in given[0][1:])
