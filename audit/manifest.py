"""The manifest of a trained model: where its code and weights lie, what it takes, and what its outputs mean."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit.errors import ModelError
from audit.grammar.document import Node, read_document
from audit.grammar.keys import Key, Table
from audit.grammar.uses import MethodName, MethodUse
from audit.grammar.values import Anything, Choice, Flag, ListOf, MapOf, Number, Text
from audit.kinds import find

if TYPE_CHECKING:
    from audit.model import InputSpec, Model

SOURCE = r"[^:]+\.py:[A-Za-z_][A-Za-z0-9_]*"
REPRESENTATION = MethodUse("representation")
INPUT = Table(
    "an input",
    (
        Key("modality", Choice(("speech",)), "what the recordings are", default="speech"),
        Key("sampling_rate", Number(1000, 384_000, whole=True), "Hz the model was trained at", required=True),
        Key("seconds", Number(0, 3600, above=True), "how much of a clip the model hears", required=True),
        Key("offset", Number(0, 3600), "seconds into the clip at which that begins", default=0.0),
        Key("pad", Choice(("end", "start", "center", "repeat")), "how a shorter clip is filled up", default="end"),
        Key("representation", REPRESENTATION, "waveform, or {melspectrogram: {n_mels: 128, ...}}", required=True),
    ),
)
MANIFEST = Table(
    "a manifest",
    (
        Key("version", Choice((1,)), "the version of this format", required=True),
        Key("model", Text("a name"), "the model's name in the report", required=True),
        Key("loader", MethodName("loader"), "which loader opens it", required=True),
        Key("source", Text("file.py:function", SOURCE), "the function that builds the untrained model"),
        Key("arguments", MapOf(Anything()), "keyword arguments of that function", default={}),
        Key("weights", Text("a path"), "the trained weights, relative to this file"),
        Key("key", Text("a key"), "the entry of a checkpoint that holds the weights: state_dict"),
        Key("trust", Flag(), "allow a file that can run code when opened (a pickled module)", default=False),
        Key("input", INPUT, "how a recording becomes the model's input", required=True),
        Key(
            "emotions",
            ListOf(Text("an emotion's name"), least=2),
            "the emotions in the order of the logits",
            required=True,
        ),
        Key("card", Text("a path"), "a page about the model: data, licence, results"),
    ),
)


@dataclass(frozen=True)
class Source:
    """A function in a Python file."""

    path: Path
    function: str


@dataclass(frozen=True)
class Manifest:
    """A model as its manifest describes it; paths are resolved against the manifest's folder."""

    name: str
    path: Path
    loader: str
    spec: InputSpec
    emotions: tuple[str, ...]
    source: Source | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    weights: Path | None = None
    key: str | None = None
    trust: bool = False
    card: Path | None = None


def read_manifest(path: Path) -> Manifest:
    """Return the manifest at `path` (a *.model.yaml file).

    Raises SuiteError with file, line and column for anything wrong in it, UsageError where there is no such file.
    """
    row = _checked(path)
    return Manifest(spec=_input(row.pop("input")), **row)


def check_manifest(path: Path) -> tuple[str, ...]:
    """Return the emotions of the manifest at `path`, all of it checked as `read_manifest` does, without torch."""
    return tuple(_checked(path)["emotions"])


def _checked(path: Path) -> dict[str, Any]:
    root = read_document(path)
    row = MANIFEST.read(root)
    folder = path.parent
    source = None
    if row["source"] is not None:
        file, _, function = row["source"].rpartition(":")
        source = Source(_file(root.entries["source"], folder, file), function)
    return {
        "name": row["model"],
        "path": path,
        "loader": row["loader"],
        "input": row["input"],
        "emotions": _emotions(root.entries["emotions"]),
        "source": source,
        "arguments": row["arguments"],
        "weights": _file(root.entries["weights"], folder, row["weights"]) if row["weights"] else None,
        "key": row["key"],
        "trust": row["trust"],
        "card": _file(root.entries["card"], folder, row["card"]) if row["card"] else None,
    }


def load_model(path: Path) -> Model:
    """Return the trained model that the manifest at `path` describes, once it has answered for one tone.

    Raises SuiteError for a wrong manifest, ModelError for a model that does not load or does not take what the manifest
    says it does, UntrustedError for a file that could run code without declared trust.
    """
    from audit.model import Model

    manifest = read_manifest(path)
    load = find("loader", manifest.loader, relative_to=path.parent).load()
    model = load(manifest)
    if not isinstance(model, Model):
        raise ModelError(f"{path}: loader {manifest.loader} returned a {type(model).__name__}, a Model is due")
    model.loader, model.weights = manifest.loader, manifest.weights
    _try_once(model, path)
    return model


def _try_once(model: Model, path: Path) -> None:
    """Raise ModelError where the input cannot be made as declared, or the model does not take it."""
    import torch

    from audit.model import as_found

    spec = model.spec
    tone = 0.1 * torch.sin(2 * torch.pi * 440 * torch.arange(spec.samples) / spec.sampling_rate).unsqueeze(0)
    try:
        inputs = spec.represent(tone)
    except Exception as error:
        raise ModelError(
            f"{path}: input.representation {spec.representation} fails on {spec.seconds:g} s at "
            f"{spec.sampling_rate} Hz ({_told(error)})"
        ) from error
    try:
        with torch.inference_mode(), as_found(model, str(model.device)):
            model.logits(inputs.to(model.device))
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    except Exception as error:
        raise ModelError(
            f"{path}: model {model.name!r} fails on one input of shape {tuple(inputs.shape)}, as its manifest "
            f"describes it ({_told(error)})"
        ) from error


def _told(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _input(row: Mapping[str, Any]) -> InputSpec:
    from audit.model import InputSpec

    method, name, parameters = row["representation"]
    return InputSpec(
        modality=row["modality"],
        sampling_rate=row["sampling_rate"],
        seconds=row["seconds"],
        offset=row["offset"],
        pad=row["pad"],
        representation=f"{method.path}:{method.name}" if ".py:" in name else name,
        parameters=parameters,
    )


def _file(node: Node, folder: Path, name: str) -> Path:
    path = folder / name
    # Unlike Path.is_file, this is false for a name that no file system takes.
    if not os.path.isfile(path):
        what = "is a folder, a file is due" if os.path.isdir(path) else "no such file"
        raise node.error(f"{name}: {what} (paths are relative to {folder}/)")
    return path


def _emotions(node: Node) -> tuple[str, ...]:
    seen: list[str] = []
    for item in node.items:
        name = str(item.value)
        if name in seen:
            raise item.error(f"emotion {name!r} is named twice; every logit stands for one emotion")
        seen.append(name)
    return tuple(seen)
