"""Loads a Keras model on the torch backend: `.keras`, the HDF5 of Keras 2, or an architecture in JSON with weights."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import torch

from audit.errors import ModelError, first_line
from audit.kinds import loader
from audit.loaders.keras_model.backend import keras_of_torch
from audit.loaders.keras_model.inspect import inspect
from audit.model import Model, TorchModel
from audit.source import called, function_of

if TYPE_CHECKING:
    from audit.loaders.keras_model.file import Kind
    from audit.manifest import Manifest


@loader(extensions=(".keras", ".h5", ".hdf5"), inspect=inspect)
def keras(manifest: Manifest, *, architecture: str | None = None) -> Model:
    """Return the network with its trained weights, in evaluation mode, in single precision, on the CPU.

    `manifest.weights` are a `.keras` file, or HDF5 as Keras 2 or 3 writes it. Where they bring no architecture,
    `architecture` is the file that `model.to_json()` was written to. `manifest.source` is needed for code of one's own
    alone: it builds the network, or returns the custom objects of the file as {name: class}.
    Inputs are in the network's own order of axes, usually channels last. A softmax at its end is left out, so that
    outputs (n, labels) are logits.
    Raises ModelError where Keras runs on another backend, or a file is missing, broken, or does not fit the other;
    UntrustedError for Lambda layers, custom objects and links to other files without declared trust.
    """
    path = manifest.due_weights("a .keras, .h5 or .hdf5 file")
    framework = keras_of_torch()
    from audit.loaders.keras_model.ending import without_softmax
    from audit.loaders.keras_model.file import kind_of, refuse_links
    from audit.loaders.keras_model.network import KerasNetwork

    kind = kind_of(path)
    if not manifest.trust:
        refuse_links(path, kind)
    described = manifest.beside(architecture) if architecture is not None else None
    with _leaving_chance_alone(), framework.device("cpu"):
        network = _network(framework, manifest, kind, described)
        _fill(network, path, kind)
        computed_in = _in_single_precision(network)
        activation, taken = without_softmax(network)
        module = KerasNetwork(network).float().eval()
    model = TorchModel(module, manifest.spec, manifest.labels, name=manifest.name)
    model.activation, model.softmax_left_out = activation, taken
    model.weights = (path,) if described is None else (path, described)
    notes = [f"opened by Keras {framework.__version__} on torch"]
    notes += ["its softmax left out"] if taken else []
    notes += [f"computed in single precision, where it asks for {computed_in}"] if computed_in else []
    model.note = ", ".join(notes)
    return model


@contextmanager
def _leaving_chance_alone() -> Iterator[None]:
    """Build untrained layers without drawing from anyone's random generator: Keras seeds its own from Python's."""
    state = random.getstate()
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        random.setstate(state)


def _network(framework: ModuleType, manifest: Manifest, kind: Kind, described: Path | None) -> Any:
    """Return the untrained network."""
    from audit.loaders.keras_model.file import architecture_in, parsed, refuse_code

    assert manifest.weights is not None
    custom: Mapping[str, Any] = {}
    if manifest.source is not None:
        built = called(function_of(manifest), str(manifest.source), arguments=manifest.arguments)
        if isinstance(built, framework.Model):
            if described is not None:
                raise ModelError(
                    f"{manifest.path}: {manifest.source.function} builds the network; leave out architecture"
                )
            return built
        if not isinstance(built, Mapping):
            raise ModelError(
                f"{manifest.source} returned a {type(built).__name__}; a keras.Model, "
                "or custom objects as {name: class}, are due"
            )
        custom = built
    where = described or manifest.weights
    if described is not None:
        config: dict[str, Any] | None = parsed(described.read_bytes(), str(described))
    else:
        config = architecture_in(manifest.weights, kind)
    if config is None:
        raise ModelError(
            f"{where}: holds weights alone; name the architecture, `loader: {{keras: {{architecture: model.json}}}}` "
            "as model.to_json() gives it, or `source: file.py:function` that builds the network"
        )
    if not manifest.trust:
        refuse_code(config, where, custom)
    try:
        return _from_architecture(framework, config, custom, trust=manifest.trust)
    except Exception as error:
        raise ModelError(
            f"{where}: Keras {framework.__version__} cannot build this network ({_root(error)}); build it in "
            "`source: file.py:function`, or save it again with Keras 3"
        ) from error


def _from_architecture(framework: ModuleType, config: dict[str, Any], custom: Mapping[str, Any], *, trust: bool) -> Any:
    if "module" in config:
        return framework.saving.deserialize_keras_object(config, custom_objects=dict(custom), safe_mode=not trust)
    # Of Keras 2, and of every HDF5 file. Only `load_model` is public, and it takes no architecture of its own.
    from keras.src.legacy.saving.saving_options import keras_option_scope
    from keras.src.legacy.saving.saving_utils import model_from_config
    from keras.src.saving.serialization_lib import SafeModeScope

    with keras_option_scope(use_legacy_config=True), SafeModeScope(not trust):
        return model_from_config(config, custom_objects=dict(custom))


def _fill(network: Any, path: Path, kind: Kind) -> None:
    """Load the weights; Keras goes by the ending of a file's name, so that it may need another."""
    from audit.loaders.keras_model.file import arrays_in

    unbuilt = next((layer.name for layer in network._flatten_layers() if not layer.built), None)
    if unbuilt is not None:
        # Keras loads nothing into it and makes it random at its first call, at most with a warning.
        raise ModelError(
            f"{path}: layer {unbuilt!r} of the network has no weights before its first input; give the architecture an "
            "input shape, or let the function that builds the network call it once on zeros"
        )
    with tempfile.TemporaryDirectory() as folder:
        named = path
        if not path.name.endswith(f".{kind}") or (kind == "h5" and path.name.endswith(".weights.h5")):
            named = Path(folder) / f"model.{kind}"
            named.symlink_to(path.resolve())
        try:
            network.load_weights(named)
        except Exception as error:
            # Keras says on its first line how many layers, on its second why, then prints the weights.
            lines = [line for line in str(error).splitlines() if line.strip()][:2]
            reason = " ".join(lines).partition(" Target variable")[0]
            raise ModelError(f"{path}: the weights do not fit the network ({reason})") from error
    if kind != "h5":
        stored, taken = arrays_in(path, kind), sum(weight.dtype.startswith("float") for weight in network.weights)
        if stored > taken:
            raise ModelError(
                f"{path}: the weights do not fit the network (its layers take {taken} arrays, and {stored} are there)"
            )


def _in_single_precision(network: Any) -> str | None:
    """Let every layer compute in float32; return what another asked for, None where all did."""
    found = None
    for layer in network._flatten_layers():
        policy = layer.dtype_policy
        if policy.quantization_mode is None and {policy.compute_dtype, policy.variable_dtype} != {"float32"}:
            found, layer.dtype_policy = policy.name, "float32"
    return found


def _root(error: BaseException) -> str:
    """Return the first cause in one sentence: each layer around it repeats its whole architecture."""
    while error.__context__ is not None:
        error = error.__context__
    return f"{type(error).__name__}: {first_line(error).partition('. ')[0]}"
