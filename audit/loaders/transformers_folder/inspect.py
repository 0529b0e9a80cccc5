"""What a folder of transformers says of its model."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from audit.errors import ModelError, first_line
from audit.loaders.inspection import Inspection

CONFIG, PROCESSORS = "config.json", ("preprocessor_config.json", "processor_config.json")
PICTURED = frozenset({"image_size", "num_channels"})
"""Keys in the config of a model that sees."""
UNNAMED = re.compile(r"LABEL_\d+")
# Of Pillow, by their numbers.
FILTERS = {0: "nearest", 2: "bilinear", 3: "bicubic", 4: "box"}


def inspect(path: Path, *, trust: bool, key: str | None = None) -> Inspection | None:
    """Return labels, sampling rate and picture size as the folder's JSON says; raises ModelError where it is broken."""
    del trust, key
    if not path.is_dir() or not (path / CONFIG).is_file():
        return None
    config = _read(path / CONFIG)
    processor = next((_read(path / name) for name in PROCESSORS if (path / name).is_file()), {})
    named = config.get("id2label")
    named = named if isinstance(named, Mapping) and all(str(key).isdecimal() for key in named) else {}
    labels = tuple(str(named[key]) for key in sorted(named, key=int))
    known = bool(labels) and not all(UNNAMED.fullmatch(label) for label in labels)
    what = ", ".join(map(str, config.get("architectures") or ())) or str(config.get("model_type", "network"))
    pictures = "Image" in what or bool(config.keys() & PICTURED)
    modality: Literal["speech", "face"] = "speech" if "sampling_rate" in processor or not pictures else "face"
    if processor:
        given = _speech(processor) if modality == "speech" else _pictures(processor)
    else:
        # How inputs were scaled nothing says; the loader tells what to write.
        what += f" without {PROCESSORS[0]}"
        given = {} if modality == "speech" else _pictures({"size": config.get("image_size")})
    return Inspection(
        f"a transformers {what}",
        # transformers writes no names where there are two outputs without any.
        len(labels) or 2,
        labels if known else (),
        shape=(None,) if modality == "speech" else None,
        modality=modality,
        input=given,
    )


def _speech(processor: Mapping[str, Any]) -> dict[str, Any]:
    # The loader does itself what the feature extractor does to the waveform.
    return {"sampling_rate": int(processor["sampling_rate"]), "representation": "waveform", "scaling": None}


def _pictures(processor: Mapping[str, Any]) -> dict[str, Any]:
    size = processor.get("size")
    edge = size.get("shortest_edge") if isinstance(size, Mapping) else size
    height, width = (size.get("height"), size.get("width")) if isinstance(size, Mapping) and not edge else (edge, edge)
    found: dict[str, Any] = {"modality": "face", "scaling": None, "representation": None}
    if isinstance(height, int) and isinstance(width, int):
        found |= {"height": height, "width": width}
    if processor.get("resample") in FILTERS:
        found["resize"] = FILTERS[processor["resample"]]
    mean = processor.get("image_mean")
    return {**found, "colour": "rgb" if isinstance(mean, list) and len(mean) == 3 else "grey"} if mean else found


def _read(path: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (ValueError, OSError, RecursionError) as error:
        raise ModelError(f"{path}: is no JSON ({first_line(error)}); save or download it again") from error
    if not isinstance(found, dict):
        raise ModelError(f"{path}: a mapping is due, not a {type(found).__name__}")
    return found
