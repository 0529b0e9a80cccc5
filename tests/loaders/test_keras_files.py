"""The keras loader's files: those of Keras 2 and 3, what is broken, and what does not fit."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

with pytest.MonkeyPatch.context() as environment:
    environment.setenv("KERAS_BACKEND", "torch")
    import keras

from keras import layers

from audit.errors import ModelError
from audit.manifest import load_model

from .keras_cases import FROM_JSON, SAMPLES, agree, clips, manifest, network

# Keras saves tensors by a numpy protocol of old.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

KERAS2 = {
    "class_name": "Model",
    "keras_version": "2.0.5",
    "backend": "tensorflow",
    "config": {
        "name": "model_1",
        "layers": [
            {
                "class_name": "InputLayer",
                "config": {"batch_input_shape": [None, SAMPLES, 1], "dtype": "float32", "sparse": False, "name": "i"},
                "inbound_nodes": [],
                "name": "i",
            },
            {
                "class_name": "Conv1D",
                "config": {
                    "name": "c",
                    "trainable": True,
                    "filters": 2,
                    "kernel_size": [5],
                    "strides": [2],
                    "padding": "valid",
                    "dilation_rate": [1],
                    "activation": "tanh",
                    "use_bias": True,
                    "kernel_initializer": {"class_name": "VarianceScaling", "config": {"scale": 1.0, "seed": None}},
                    "kernel_regularizer": {"class_name": "L1L2", "config": {"l1": 0.0, "l2": 0.01}},
                },
                "inbound_nodes": [[["i", 0, 0, {}]]],
                "name": "c",
            },
            {
                "class_name": "GlobalMaxPooling1D",
                "config": {"name": "g", "trainable": True},
                "inbound_nodes": [[["c", 0, 0, {}]]],
                "name": "g",
            },
            {
                "class_name": "Dense",
                "config": {"name": "d", "trainable": True, "units": 3, "activation": "softmax", "use_bias": True},
                "inbound_nodes": [[["g", 0, 0, {}]]],
                "name": "d",
            },
        ],
        "input_layers": [["i", 0, 0]],
        "output_layers": [["d", 0, 0]],
    },
}


def keras2_weights() -> dict[str, dict[str, Any]]:
    rng = np.random.default_rng(0)
    shapes = {"c": {"kernel": (5, 1, 2), "bias": (2,)}, "d": {"kernel": (2, 3), "bias": (3,)}}
    return {
        layer: {name: rng.normal(size=shape).astype(np.float32) for name, shape in own.items()}
        for layer, own in shapes.items()
    }


def write_keras2(group: Any) -> None:
    group.attrs["layer_names"] = [b"i", b"c", b"g", b"d"]
    group.attrs["keras_version"] = b"2.0.5"
    for layer in ("i", "c", "g", "d"):
        own = keras2_weights().get(layer, {})
        group.create_group(layer).attrs["weight_names"] = [f"{layer}/{name}:0".encode() for name in own]
        for name, value in own.items():
            group[layer].create_dataset(f"{layer}/{name}:0", data=value)


@pytest.mark.parametrize("form", ["whole.hdf5", "weights.h5", "best.weights.h5"])
def test_a_network_of_keras_2_computes_what_its_weights_say(tmp_path: Path, form: str) -> None:
    with h5py.File(tmp_path / form, "w") as store:
        if form == "whole.hdf5":
            store.attrs["model_config"] = json.dumps(KERAS2).encode()
            write_keras2(store.create_group("model_weights"))
        else:
            (tmp_path / "m.json").write_text(json.dumps(KERAS2))
            write_keras2(store)
    loader = "keras" if form == "whole.hdf5" else FROM_JSON
    model = load_model(manifest(tmp_path, form, loader=loader, order="ns1"))
    weights = keras2_weights()
    windows = np.lib.stride_tricks.sliding_window_view(clips().numpy(), 5, axis=1)[:, ::2]
    hidden = np.tanh(windows @ weights["c"]["kernel"][:, 0] + weights["c"]["bias"]).max(1)
    expected = hidden @ weights["d"]["kernel"] + weights["d"]["bias"]
    np.testing.assert_allclose(model.logits(clips()), expected, atol=1e-5)
    assert model.weights[0] == tmp_path / form


def test_an_architecture_comes_apart_from_its_weights(tmp_path: Path) -> None:
    own = network()
    (tmp_path / "m.json").write_text(own.to_json())
    own.save(tmp_path / "whole.h5")
    path = manifest(tmp_path, "whole.h5", loader=FROM_JSON)
    agree(path, own)
    assert load_model(path).weights == (tmp_path / "whole.h5", tmp_path / "m.json")
    for text, said in (('{"layers": []}', "describes no Keras model"), ("{", "is no JSON"), ("[1]", "describes no")):
        (tmp_path / "m.json").write_text(text)
        with pytest.raises(ModelError, match=rf"m\.json:? {said}.*model\.to_json"):
            load_model(path)
    with pytest.raises(ModelError, match=r"gone\.json: no such file"):
        load_model(manifest(tmp_path, "whole.h5", loader="{keras: {architecture: gone.json}}"))
    own.save_weights(tmp_path / "m.weights.h5")
    with pytest.raises(ModelError, match=r"holds weights alone; name the architecture, `loader: \{keras: "):
        load_model(manifest(tmp_path, "m.weights.h5"))


def test_what_a_file_holds_decides_and_not_its_name(tmp_path: Path) -> None:
    own = network()
    for form, name in (("m.keras", "one.h5"), ("m.h5", "two.keras"), ("m.h5", "three")):
        own.save(tmp_path / form)
        (tmp_path / form).rename(tmp_path / name)
        agree(manifest(tmp_path, name), own)
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "m.model.yaml"])
        (tmp_path / name).unlink()


def test_a_compiled_network_needs_none_of_its_losses_and_metrics(tmp_path: Path) -> None:
    @keras.saving.register_keras_serializable(package="mine")
    def focal(truth: Any, found: Any) -> Any:
        return keras.ops.mean((truth - found) ** 2)

    own = network()
    own.compile(optimizer="adam", loss=focal, metrics=["accuracy"])
    own.fit(np.zeros((4, SAMPLES)), np.eye(3)[[0, 1, 2, 0]], verbose=0)
    for form in ("m.keras", "m.h5"):
        own.save(tmp_path / form)
        agree(manifest(tmp_path, form), own)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    own = network(layers.Dense(4))
    own.save(tmp_path / "m.h5")
    own.save_weights(tmp_path / "m.weights.h5")
    first_layers = keras.Sequential([layers.Input((SAMPLES,)), *own.layers[:2]])
    cases = [
        (network(labels=2), "m.h5", "expected 2 layers, found 3 saved layers"),
        (network(layers.Dense(5)), "m.h5", r"Shape mismatch in layer #1 .*\(4, 5\).*\(4, 4\)"),
        (network(layers.Dense(5)), "m.weights.h5", r"shape=torch\.Size\(\[4, 5\]\), Received: .*\[4, 4\]"),
        (first_layers, "m.weights.h5", r"its layers take 4 arrays, and 6 are there"),
    ]
    for other, weights, said in cases:
        (tmp_path / "m.json").write_text(other.to_json())
        with pytest.raises(ModelError, match=rf"{weights}: the weights do not fit the network \(.*{said}"):
            load_model(manifest(tmp_path, weights, loader=FROM_JSON))


def test_another_number_of_outputs_or_another_input_is_found(tmp_path: Path) -> None:
    network().save(tmp_path / "m.keras")
    with pytest.raises(ModelError, match=r"logits of shape \(4, 3\).*names 2 emotions"):
        load_model(manifest(tmp_path, "m.keras", labels=("anger", "joy")))
    with pytest.raises(ModelError, match=r"takes inputs \(n, 200\), and was given \(4, 1, 1, 200\); .*`order:`"):
        load_model(manifest(tmp_path, "m.keras", order="n11s"))
    inputs = layers.Input((SAMPLES,))
    keras.Model(inputs, [layers.Dense(3)(inputs), layers.Dense(2)(inputs)]).save(tmp_path / "two.keras")
    both = [layers.Input((SAMPLES,)), layers.Input((SAMPLES,))]
    keras.Model(both, layers.Dense(3)(layers.Add()(both))).save(tmp_path / "pair.keras")
    with pytest.raises(ModelError, match=r"takes 2 inputs; a network of one tensor is due"):
        load_model(manifest(tmp_path, "pair.keras"))
    with pytest.raises(ModelError, match=r"returns a list; one tensor is due"):
        load_model(manifest(tmp_path, "two.keras"))


def broken(tmp_path: Path) -> dict[str, str]:
    """Write files that are none of Keras', and return what is said of each."""
    own = network()
    for form in ("m.keras", "m.h5"):
        own.save(tmp_path / form)
    whole = (tmp_path / "m.keras").read_bytes()
    torch.save({"weight": torch.zeros(3)}, tmp_path / "torch.h5")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive, zipfile.ZipFile(tmp_path / "half.keras", "w") as other:
        other.writestr("config.json", archive.read("config.json"))
        other.writestr("model.weights.h5", archive.read("model.weights.h5")[:2000])
    (tmp_path / "empty.h5").touch()
    (tmp_path / "cut.keras").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "turned.keras").write_bytes(whole[:-6000] + bytes(b ^ 1 for b in whole[-6000:-5000]) + whole[-5000:])
    (tmp_path / "cut.h5").write_bytes((tmp_path / "m.h5").read_bytes()[:3000])
    (tmp_path / "pickle.keras").write_bytes(b"\x80\x04K\x01.")
    h5py.File(tmp_path / "nothing.h5", "w").close()
    return {
        "torch.h5": "an archive without config.json and model.weights.h5, so no .keras file",
        "half.keras": "not a whole HDF5 file",
        "empty.h5": "the file is empty",
        "cut.keras": "not a whole .keras file",
        "turned.keras": "model.weights.h5 in it is damaged",
        "cut.h5": "not a whole HDF5 file",
        "pickle.keras": "neither a .keras file nor HDF5",
        "nothing.h5": "holds nothing",
    }


def test_broken_and_foreign_files_are_named_and_left_as_they_are(tmp_path: Path) -> None:
    for name, said in broken(tmp_path).items():
        content = (tmp_path / name).read_bytes()
        with pytest.raises(ModelError, match=rf"{name}: {said}") as caught:
            load_model(manifest(tmp_path, name))
        assert "\n" not in str(caught.value)
        assert (tmp_path / name).read_bytes() == content


def test_weights_are_due(tmp_path: Path) -> None:
    path = manifest(tmp_path, "m.keras")
    path.write_text(path.read_text().replace("weights: m.keras\n", ""))
    with pytest.raises(ModelError, match=r"loader keras needs `weights:`"):
        load_model(path)


def test_a_missing_framework_names_its_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network().save(tmp_path / "m.keras")
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ModelError, match=r'h5py is not installed.*pip install "emotion-audit\[keras\]"'):
        load_model(manifest(tmp_path, "m.keras"))


def test_keras_on_another_backend_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network().save(tmp_path / "m.keras")
    monkeypatch.setattr(keras.config, "backend", lambda: "tensorflow")
    with pytest.raises(ModelError, match=r"Keras runs on tensorflow in this process.*set KERAS_BACKEND=torch before"):
        load_model(manifest(tmp_path, "m.keras"))


def test_keras_is_started_on_torch_whatever_the_environment_says(tmp_path: Path) -> None:
    network().save(tmp_path / "m.keras")
    code = f"""
import os
from pathlib import Path
from audit.manifest import load_model

os.environ["KERAS_BACKEND"] = "tensorflow"
print(load_model(Path({str(manifest(tmp_path, "m.keras"))!r})).note, os.environ["KERAS_BACKEND"])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("on torch, its softmax left out tensorflow")
