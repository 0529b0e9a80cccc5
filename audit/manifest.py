"""The manifest of a trained model: where its code and weights lie, what it takes, and what its outputs mean."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit.errors import ModelError, ModelRaisedError, did_you_mean, told
from audit.grammar.document import Node, read_document
from audit.grammar.manifest_keys import MANIFEST
from audit.kinds import find

if TYPE_CHECKING:
    from torch import Tensor

    from audit.adapter import Ahead, Chunks
    from audit.input_spec import InputSpec
    from audit.model import Activation, Model
TRIED = 4


@dataclass(frozen=True)
class Source:
    """A function in a Python file."""

    path: Path
    function: str

    def __str__(self) -> str:
        return f"{self.path}:{self.function}"


@dataclass(frozen=True)
class Manifest:
    """A model as its manifest describes it; paths are resolved against the manifest's folder.

    `labels` are the model's outputs in their order; `rename` says which emotion each counts for, None for none.
    """

    name: str
    path: Path
    loader: str
    spec: InputSpec
    labels: tuple[str, ...]
    source: Source | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    weights: Path | None = None
    key: str | None = None
    trust: bool = False
    card: Path | None = None
    keys: Mapping[str, Any] = field(default_factory=dict)
    """The loader's own keys."""
    activation: Activation | None = None
    rename: Mapping[str, str | None] = field(default_factory=dict)
    order: str | None = None
    chunks: Chunks | None = None

    @property
    def emotions(self) -> tuple[str, ...]:
        """The emotions the audit speaks of, in the order of their first label."""
        return tuple(_groups(self.labels, self.rename))

    @property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """Per emotion, the positions of the labels that count for it."""
        return tuple(map(tuple, _groups(self.labels, self.rename).values()))

    @property
    def kept(self) -> tuple[int, ...]:
        """The positions of the labels that count for an emotion, in rising order."""
        return tuple(sorted(position for group in self.groups for position in group))

    def due_weights(self, what: str) -> Path:
        """Return the path of the weights, `what` the loader takes; raises ModelError where none is named."""
        if self.weights is None:
            raise ModelError(f"{self.path}: loader {self.loader} needs `weights:`, {what}")
        return self.weights

    def beside(self, name: str) -> Path:
        """Return the path of a file or folder named in the manifest; raises ModelError where there is none."""
        path = self.path.parent / name
        if not os.path.exists(path):
            raise ModelError(f"{self.path}: {name}: no such file or folder (paths are relative to {self.path.parent}/)")
        return path


def read_manifest(path: Path) -> Manifest:
    """Return the manifest at `path` (a *.model.yaml file).

    Raises SuiteError with file, line and column for anything wrong in it, UsageError where there is no such file.
    """
    from audit.adapter import Chunks
    from audit.described_input import read_input

    row = _checked(path)
    given = row.pop("input")
    chunks = given.get("chunks")
    return Manifest(
        spec=read_input(given, path), order=given.get("order"), chunks=Chunks(**chunks) if chunks else None, **row
    )


def check_manifest(path: Path) -> tuple[str, ...]:
    """Return the emotions of the manifest at `path`, all of it checked as `read_manifest` does, without torch."""
    row = _checked(path)
    return tuple(_groups(row["labels"], row["rename"]))


def _checked(path: Path) -> dict[str, Any]:
    root = read_document(path)
    row = MANIFEST.read(root)
    folder = path.parent
    source = None
    if row["source"] is not None:
        file, _, function = row["source"].rpartition(":")
        source = Source(_file(root.entries["source"], folder, file), function)
    _check_input(root.entries["input"], folder, row["input"])
    _, loader, keys = row["loader"]
    labels = _labels(root.entries["emotions"])
    for name, node in root.entries["rename"].entries.items() if "rename" in root.entries else ():
        if name not in labels:
            near = did_you_mean(name, labels)
            raise node.key_error(f"rename: {name!r} is none of the outputs{near} (emotions: {', '.join(labels)})")
    if len(_groups(labels, row["rename"])) < 2:
        raise root.entries["rename"].error("rename leaves fewer than 2 emotions to tell apart")
    weights = root.entries.get("weights")
    return {
        "name": row["model"],
        "path": path,
        "loader": loader,
        "keys": keys,
        "input": row["input"],
        "labels": labels,
        "source": source,
        "arguments": row["arguments"],
        "weights": _file(weights, folder, row["weights"], folders=loader == "transformers") if weights else None,
        "key": row["key"],
        "trust": row["trust"],
        "card": _file(root.entries["card"], folder, row["card"]) if row["card"] else None,
        "activation": row["activation"],
        "rename": row["rename"],
    }


def _check_input(node: Node, folder: Path, row: Mapping[str, Any]) -> None:
    """Raise SuiteError where the input names no representation, or a file that is not there."""
    if row["modality"] == "audiovisual":
        return
    if row["representation"] is not None and row["preprocess"] is not None:
        raise node.entries["preprocess"].key_error("name either a representation or preprocess, not both")
    if row["representation"] is None and row["preprocess"] is None and row["modality"] == "speech":
        raise node.error("an input needs the key 'representation' (or 'preprocess'): waveform, {melspectrogram: {...}}")
    if row["preprocess"] is not None:
        _file(node.entries["preprocess"], folder, row["preprocess"].rpartition(":")[0])
    scaling = row["scaling"] or {}
    if "file" in scaling:
        _file(node.entries["scaling"].entries["file"], folder, scaling["file"])
    if "low" in scaling and not scaling["low"] < scaling["high"]:
        raise node.entries["scaling"].error("scaling: low must be below high")


def _groups(labels: Sequence[str], rename: Mapping[str, str | None]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for position, label in enumerate(labels):
        emotion = rename.get(label, label)
        if emotion is not None:
            found.setdefault(emotion, []).append(position)
    return found


def load_model(path: Path) -> Model:
    """Return the trained model that the manifest at `path` describes, once it has answered for one tone.

    Raises SuiteError for a wrong manifest, ModelError for a model that does not load or does not take what the manifest
    says it does, UntrustedError for a file that could run code without declared trust.
    """
    from audit.adapter import Ahead, Behind, adapted
    from audit.model import Model
    from audit.recognition import activation_of

    manifest = read_manifest(path)
    load = find("loader", manifest.loader, relative_to=path.parent).load()
    model = load(manifest, **manifest.keys)
    if not isinstance(model, Model):
        raise ModelError(f"{path}: loader {manifest.loader} returned a {type(model).__name__}, a Model is due")
    ahead = Ahead(manifest.spec.letters, manifest.order, manifest.chunks)
    outputs = _tried(model, ahead, manifest)
    try:
        activation = activation_of(
            outputs,
            declared=manifest.activation,
            known=model.activation,
            left_out=model.softmax_left_out,
            kept=manifest.kept,
        )
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    weights = model.weights or _files(manifest.weights)
    if not weights and model.module is None:
        # A server or a function has no weights to tell it by; what describes it is better than nothing.
        weights = (path,)
    model = adapted(model, ahead, Behind(activation, manifest.groups, len(manifest.labels)), manifest.emotions)
    model.loader, model.weights, model.activation = manifest.loader, weights, activation
    return model


def _files(weights: Path | None) -> tuple[Path, ...]:
    if weights is None:
        return ()
    return tuple(sorted(file for file in weights.rglob("*") if file.is_file())) if weights.is_dir() else (weights,)


def _tried(model: Model, ahead: Ahead, manifest: Manifest) -> Tensor:
    """Return what the model says to a few recordings that look like nothing in particular, (n, labels).

    Raises ModelError where the input cannot be made as declared, the model does not take it, answers with another
    number of outputs, NaN, or changes what it was given.
    """
    import torch

    from audit.model import CHANGES_INPUTS, as_found
    from audit.recognition import watched, without_softmax

    path, spec = manifest.path, manifest.spec
    try:
        inputs = spec.represent(spec.example(TRIED))
        if not bool(torch.isfinite(inputs).all()):
            raise ModelError("it holds NaN or infinite values")
    except Exception as error:
        raise ModelError(
            f"{path}: input.representation {spec.representation} fails on {spec.described} ({told(error)})"
        ) from error
    kept = inputs.clone()
    try:
        with torch.inference_mode(), as_found(model, str(model.device)), watched(model.module) as seen:
            taken = ahead(inputs.to(model.device))
            outputs = model.logits(taken)
            ends = seen(outputs)
            model.activation = model.activation or ends
            if ends == "softmax" and model.module is not None and without_softmax(model.module, taken):
                outputs, model.activation = model.logits(taken), "none"
                model.softmax_left_out = True
    except ModelRaisedError as error:
        raise ModelError(
            f"{path}: model {model.name!r} fails on inputs of shape {tuple(inputs.shape)}, as its manifest "
            f"describes them ({told(error.__cause__ or error)})"
        ) from error
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    if not torch.equal(inputs, kept):
        raise ModelError(f"{path}: model {model.name!r} {CHANGES_INPUTS}")
    return outputs.cpu()


def _file(node: Node, folder: Path, name: str, *, folders: bool = False) -> Path:
    path = folder / name
    if folders and os.path.isdir(path):
        return path
    # Unlike Path.is_file, this is false for a name that no file system takes.
    if not os.path.isfile(path):
        what = "is a folder, a file is due" if os.path.isdir(path) else "no such file"
        raise node.error(f"{name}: {what} (paths are relative to {folder}/)")
    return path


def _labels(node: Node) -> tuple[str, ...]:
    seen: list[str] = []
    for item in node.items:
        name = str(item.value)
        if name in seen:
            raise item.error(f"emotion {name!r} is named twice; every logit stands for one emotion")
        seen.append(name)
    return tuple(seen)
