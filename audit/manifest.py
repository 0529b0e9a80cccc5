"""The manifest of a trained model: where its code and weights lie, what it takes, and what its outputs mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audit.document import Node, read_document
from audit.errors import ModelError, UsageError
from audit.keys import Key, Table, method_keys
from audit.kinds import Method, find
from audit.model import InputSpec, Model
from audit.values import Anything, Choice, Either, Flag, ListOf, MapOf, Number, Text

SOURCE = r"[^:]+\.py:[A-Za-z_]\w*"
REPRESENTATION = Either((Text("a representation's name"), MapOf(MapOf(Anything()), least=1, most=1)))
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
        Key("loader", Text("a loader's name"), "which loader opens it: torch, or file.py:name", required=True),
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
    root = read_document(path)
    row = MANIFEST.read(root)
    folder = path.parent
    _find(root.entries["loader"], "loader", row["loader"], folder)
    source = None
    if row["source"] is not None:
        file, _, function = row["source"].rpartition(":")
        source = Source(_file(root.entries["source"], folder, file), function)
    return Manifest(
        name=row["model"],
        path=path,
        loader=row["loader"],
        spec=_input(root.entries["input"], row["input"], folder),
        emotions=_emotions(root.entries["emotions"]),
        source=source,
        arguments=row["arguments"],
        weights=_file(root.entries["weights"], folder, row["weights"]) if row["weights"] else None,
        key=row["key"],
        trust=row["trust"],
        card=_file(root.entries["card"], folder, row["card"]) if row["card"] else None,
    )


def load_model(path: Path) -> Model:
    """Return the trained model that the manifest at `path` describes, through the loader it names.

    Raises SuiteError for a wrong manifest, ModelError for a model that does not load, UntrustedError for a file that
    could run code without declared trust.
    """
    manifest = read_manifest(path)
    load = find("loader", manifest.loader, relative_to=path.parent).load()
    model = load(manifest)
    if not isinstance(model, Model):
        raise ModelError(f"loader {manifest.loader} returned a {type(model).__name__}, a Model is due")
    model.loader, model.weights = manifest.loader, manifest.weights
    return model


def _input(node: Node, row: Mapping[str, Any], folder: Path) -> InputSpec:
    given = node.entries["representation"]
    parameters: Mapping[str, Any] = {}
    if isinstance(row["representation"], str):
        method = _find(given, "representation", row["representation"], folder)
        Table(f"representation {method.name}", method_keys(method)).read(Node({}, given.mark, given.key))
    else:
        ((name, keys),) = given.entries.items()
        method = _find(keys, "representation", name, folder, at_key=True)
        Table(f"representation {method.name}", method_keys(method)).read(keys)
        parameters = {key: keys.entries[key].data() for key in keys.entries}
    return InputSpec(
        modality=row["modality"],
        sampling_rate=row["sampling_rate"],
        seconds=row["seconds"],
        offset=row["offset"],
        pad=row["pad"],
        representation=method.name,
        parameters=parameters,
    )


def _find(node: Node, family: str, name: str, folder: Path, *, at_key: bool = False) -> Method:
    try:
        return find(family, name, relative_to=folder)
    except UsageError as error:
        raise (node.key_error if at_key else node.error)(str(error)) from error


def _file(node: Node, folder: Path, name: str) -> Path:
    path = folder / name
    if not path.is_file():
        what = "is a folder, a file is due" if path.is_dir() else "no such file"
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
