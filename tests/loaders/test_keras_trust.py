"""The keras loader's trust: what in a file could run code or reach other files is refused, with the reason."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

with pytest.MonkeyPatch.context() as environment:
    environment.setenv("KERAS_BACKEND", "torch")
    import keras

from keras import layers

from audit.errors import ModelError, UntrustedError
from audit.manifest import load_model

from .keras_cases import FROM_JSON, SAMPLES, agree, manifest, network

# Keras saves tensors by a numpy protocol of old.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SOURCE = """
import keras


class Doubled(keras.layers.Layer):
    def call(self, inputs):
        return 2.0 * inputs


def objects():
    return {{"Doubled": Doubled}}


def build(labels=3):
    layers = [keras.layers.Input(({samples},)), keras.layers.Dense(4), Doubled(), keras.layers.Dense(labels)]
    return keras.Sequential([*layers, keras.layers.Softmax()])


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.first, self.last = keras.layers.Dense(4), keras.layers.Dense(3, activation="softmax")

    def call(self, inputs):
        return self.last(self.first(inputs))


def subclassed(called=True):
    network = Subclassed()
    if called:
        network(keras.ops.zeros((1, {samples})))
    else:
        network.built = True
    return network


def nothing():
    return None
"""


def edited(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Write a .keras file again with another architecture."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(parts["config.json"])
    change(config)
    parts["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


@pytest.mark.parametrize("form", ["m.keras", "m.h5", "m.json"])
def test_bytecode_in_a_lambda_layer_is_refused_and_has_run_nothing(tmp_path: Path, form: str) -> None:
    touched = str(tmp_path / "touched")
    inner = keras.Sequential([layers.Input((4,)), layers.Lambda(lambda x: (open(touched, "w").close(), x)[1])])
    own = keras.Sequential([layers.Input((SAMPLES,)), layers.Dense(4), inner, layers.Dense(3)])
    weights, loader = form, "keras"
    if form == "m.json":
        (tmp_path / form).write_text(own.to_json())
        own.save_weights(tmp_path / "m.weights.h5")
        weights, loader = "m.weights.h5", FROM_JSON
    else:
        own.save(tmp_path / form)
    Path(touched).unlink(missing_ok=True)
    with pytest.raises(UntrustedError, match=r"holds code of its own \(.*Lambda 'lambda.*\).*`trust: true`"):
        load_model(manifest(tmp_path, weights, loader=loader))
    assert not Path(touched).exists()
    load_model(manifest(tmp_path, weights, loader=loader, extra="trust: true\n"))
    assert Path(touched).exists()


def test_marshalled_code_of_keras_2_is_refused(tmp_path: Path) -> None:
    old = {"name": "l", "batch_input_shape": [None, SAMPLES], "function": ["4wEAAAAA", None, None]}
    layer = {"class_name": "Lambda", "config": old | {"function_type": "lambda", "output_shape_type": "raw"}}
    with h5py.File(tmp_path / "m.h5", "w") as store:
        store.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"layers": [layer]}})
        store.create_group("model_weights").attrs["layer_names"] = []
    with pytest.raises(UntrustedError, match=r"m\.h5: holds code of its own \(Lambda 'l'\)"):
        load_model(manifest(tmp_path, "m.h5"))
    with pytest.raises(ModelError, match=r"m\.h5: Keras 3\S+ cannot build this network .*`source: file\.py:function`"):
        load_model(manifest(tmp_path, "m.h5", extra="trust: true\n"))


@pytest.mark.parametrize(
    ("node", "named"),
    [
        ({"module": "keras.utils", "class_name": "function", "config": "get_file", "registered_name": "f"}, "get_file"),
        ({"module": "os", "class_name": "function", "config": "system", "registered_name": "system"}, "system"),
        ({"module": "builtins", "class_name": "function", "config": "eval", "registered_name": "eval"}, "eval"),
        ({"module": "keras.saving", "class_name": "load_model", "config": {}, "registered_name": None}, "load_model"),
        ({"module": "keras.layers", "class_name": "deserialize", "config": {}}, "deserialize"),
        ({"class_name": "deserialize", "config": {"config": "relu"}}, "deserialize"),
        ({"module": "keras.src.utils", "class_name": "Progbar", "config": {}, "registered_name": None}, "Progbar"),
        ({"module": "keras.layers", "class_name": "TorchModuleWrapper", "config": {"module": "gAI="}}, "Torch"),
        ({"class_name": "__lambda__", "config": {"value": "4wEAAAAA"}}, "__lambda__"),
    ],
)
def test_functions_that_an_architecture_asks_for_are_refused(tmp_path: Path, node: Any, named: str) -> None:
    network().save(tmp_path / "m.keras")
    edited(tmp_path / "m.keras", lambda config: config["config"]["layers"][1]["config"].update(activation=node))
    with pytest.raises(UntrustedError, match=rf"m\.keras: holds .*{named}"):
        load_model(manifest(tmp_path, "m.keras"))


@pytest.mark.parametrize("form", ["m.keras", "m.h5"])
def test_custom_layers_are_refused_unless_their_code_is_named(tmp_path: Path, form: str) -> None:
    (tmp_path / "net.py").write_text(SOURCE.format(samples=SAMPLES))
    scope: dict[str, Any] = {"__name__": "net"}
    exec(SOURCE.format(samples=SAMPLES), scope)
    own = scope["build"]()
    own.save(tmp_path / form)
    with pytest.raises(UntrustedError, match=rf"{form}: holds custom objects \(Doubled 'dou.*\).*\{{name: class\}}"):
        load_model(manifest(tmp_path, form))
    with pytest.raises(ModelError, match=r"cannot build this network .*Doubled.*; build it in `source: "):
        load_model(manifest(tmp_path, form, extra="trust: true\n"))
    for function in ("objects", "build"):
        agree(manifest(tmp_path, form, extra=f"source: net.py:{function}\n"), own)
    with pytest.raises(ModelError, match=r"net\.py:nothing returned a NoneType; a keras\.Model"):
        load_model(manifest(tmp_path, form, extra="source: net.py:nothing\n"))
    with pytest.raises(ModelError, match=r"net\.py:build\(of=3\) raised TypeError: build\(\) got an unexpected"):
        load_model(manifest(tmp_path, form, extra="source: net.py:build\narguments: {of: 3}\n"))
    with pytest.raises(ModelError, match=r"the weights do not fit the network \(.*4, 2.*4, 3"):
        load_model(manifest(tmp_path, form, extra="source: net.py:build\narguments: {labels: 2}\n"))


def test_weights_that_lie_in_other_files_are_refused(tmp_path: Path) -> None:
    own = network()
    own.save(tmp_path / "m.keras")
    (tmp_path / "m.json").write_text(own.to_json())
    own.save_weights(tmp_path / "secret.weights.h5")
    for kind in ("external", "virtual", "link"):
        name = f"{kind}.weights.h5"
        (tmp_path / name).write_bytes((tmp_path / "secret.weights.h5").read_bytes())
        with h5py.File(tmp_path / name, "a") as store:
            place = next(path for path in ("layers/dense/vars/1", "layers/dense_1/vars/1") if path in store)
            shape = store[place].shape
            del store[place]
            if kind == "external":
                store.create_dataset(place, shape, np.float32, external=[(str(tmp_path / "raw.bin"), 0, 64)])
            elif kind == "virtual":
                layout = h5py.VirtualLayout(shape, np.float32)
                layout[:] = h5py.VirtualSource(str(tmp_path / "secret.weights.h5"), place, shape)
                store.create_virtual_dataset(place, layout)
            else:
                store[place] = h5py.ExternalLink(str(tmp_path / "secret.weights.h5"), place)
        inside = io.BytesIO((tmp_path / name).read_bytes())
        with zipfile.ZipFile(tmp_path / "m.keras") as archive:
            config = archive.read("config.json")
        with zipfile.ZipFile(tmp_path / f"{kind}.keras", "w") as archive:
            archive.writestr("config.json", config)
            archive.writestr("model.weights.h5", inside.read())
        for path in (manifest(tmp_path, name, loader=FROM_JSON), manifest(tmp_path, f"{kind}.keras")):
            with pytest.raises(UntrustedError, match=r"takes weights from other files \(.*(raw\.bin|secret)"):
                load_model(path)


def test_a_subclassed_network_takes_weights_once_it_was_called(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(SOURCE.format(samples=SAMPLES))
    scope: dict[str, Any] = {"__name__": "net"}
    exec(SOURCE.format(samples=SAMPLES), scope)
    own = scope["subclassed"]()
    own.save_weights(tmp_path / "m.weights.h5")
    agree(manifest(tmp_path, "m.weights.h5", extra="source: net.py:subclassed\n"), own)
    with pytest.raises(ModelError, match=r"layer 'dense\w*' of the network has no weights before its first input"):
        load_model(manifest(tmp_path, "m.weights.h5", extra="source: net.py:subclassed\narguments: {called: false}\n"))
