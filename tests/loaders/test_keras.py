"""The keras loader: networks answer as Keras itself does, without their softmax, and with gradients."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

with pytest.MonkeyPatch.context() as environment:
    environment.setenv("KERAS_BACKEND", "torch")
    import keras

from captum.attr import LayerGradCam
from keras import layers

from audit.loaders.feature_map import FeatureMap
from audit.manifest import load_model
from audit.model import Model, as_found
from audit.randomness import SampleRng
from audit.saliency.lrp.lrp import lrp

# Keras saves tensors by a numpy protocol of old.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

LABELS = ("anger", "joy", "neutral")
SIDE = 8
MANIFEST = """version: 1
model: own
loader: {loader}
weights: {weights}
input: {{modality: face, height: 8, width: 8, colour: grey, order: nhwc}}
emotions: [{labels}]
"""


def manifest(folder: Path, weights: str, *, loader: str = "keras", labels: Any = LABELS, extra: str = "") -> Path:
    path = folder / "m.model.yaml"
    path.write_text(MANIFEST.format(weights=weights, loader=loader, labels=", ".join(labels)) + extra)
    return path


def faces(count: int, seed: int = 1) -> torch.Tensor:
    return torch.rand(count, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))


def own_answer(network: Any, inputs: torch.Tensor) -> Any:
    with torch.no_grad():
        return network(inputs.movedim(1, -1), training=False).numpy()


def lively(network: Any, seed: int = 0) -> Any:
    """Give every weight a value, so that no two layers and no two answers are alike."""
    rng = np.random.default_rng(seed)
    for weight in network.weights:
        low, high = (0.5, 1.5) if "variance" in weight.path or "gamma" in weight.path else (-0.4, 0.4)
        weight.assign(rng.uniform(low, high, weight.shape))
    return network


def convolutions(*last: Any) -> Any:
    return keras.Sequential(
        [
            layers.Input((SIDE, SIDE, 1)),
            layers.Conv2D(4, 3, activation="tanh"),
            layers.BatchNormalization(),
            layers.SeparableConv2D(5, 3, activation="gelu"),
            layers.Dropout(0.5),
            *last,
        ]
    )


def dense() -> Any:
    return convolutions(layers.Flatten(), layers.Dense(3, activation="softmax"))


def dense_then_softmax() -> Any:
    return convolutions(layers.GlobalAveragePooling2D(), layers.Dense(3), layers.Softmax())


def dense_then_activation() -> Any:
    return convolutions(layers.Flatten(), layers.Dense(3), layers.Activation("softmax"), layers.Dropout(0.1))


def convolution_over_one_place() -> Any:
    return convolutions(layers.Conv2D(3, 4, activation="softmax"), layers.Flatten())


def nested() -> Any:
    return keras.Sequential([layers.Input((SIDE, SIDE, 1)), layers.Rescaling(2.0, -1.0), dense()])


def residual() -> Any:
    inputs = layers.Input((SIDE, SIDE, 1))
    one = layers.Conv2D(4, 3, padding="same", use_bias=False)(inputs)
    two = layers.DepthwiseConv2D(3, padding="same", activation="relu")(layers.BatchNormalization()(one))
    pooled = layers.GlobalAveragePooling2D()(layers.MaxPooling2D()(layers.Add()([one, two])))
    return keras.Model(inputs, layers.Activation("softmax", name="predictions")(layers.Dense(3)(pooled)))


def recurrent() -> Any:
    inputs = layers.Input((SIDE, SIDE, 1))
    rows = layers.Reshape((SIDE, SIDE))(inputs)
    heard = layers.Bidirectional(layers.LSTM(4, return_sequences=True))(rows)
    seen = layers.MultiHeadAttention(2, 3)(heard, heard)
    return keras.Model(inputs, layers.Dense(3, activation="softmax")(layers.GRU(5)(layers.LayerNormalization()(seen))))


def operation() -> Any:
    inputs = layers.Input((SIDE, SIDE, 1))
    return keras.Model(inputs, keras.ops.softmax(layers.Dense(3)(layers.Flatten()(inputs))))


ENDING_IN_SOFTMAX = [
    dense,
    dense_then_softmax,
    dense_then_activation,
    convolution_over_one_place,
    nested,
    residual,
    recurrent,
    operation,
]


# Keras itself cannot write operations that are no layers into the HDF5 of Keras 2.
FORMS = [
    pytest.param(build, form, id=f"{build.__name__}-{form}")
    for build in ENDING_IN_SOFTMAX
    for form in ("m.keras", "m.h5", "json")
    if (build, form) != (operation, "m.h5")
]


def saved(network: Any, folder: Path, form: str = "m.keras") -> Model:
    if form == "json":
        (folder / "m.json").write_text(network.to_json())
        network.save_weights(folder / "m.weights.h5")
        return load_model(manifest(folder, "m.weights.h5", loader="{keras: {architecture: m.json}}"))
    network.save(folder / form)
    return load_model(manifest(folder, form))


@pytest.mark.parametrize(("build", "form"), FORMS)
def test_logits_are_the_networks_own_before_its_softmax(tmp_path: Path, build: Callable[[], Any], form: str) -> None:
    own = lively(build())
    model = saved(own, tmp_path, form)
    for count in (1, 32):
        logits = model.logits(faces(count))
        np.testing.assert_allclose(logits.softmax(1), own_answer(own, faces(count)), atol=1e-6)
        assert torch.equal(model.logits(faces(count)), logits)
    assert float(logits.sum(1).std()) > 1e-4
    assert (model.activation, model.emotions, model.differentiable) == ("none", LABELS, True)
    assert "its softmax left out" in model.note


@pytest.mark.parametrize(
    ("last", "activation"), [(None, "none"), ("sigmoid", "sigmoid"), ("log_softmax", "log_softmax"), ("tanh", "none")]
)
def test_other_endings_stay_and_are_told_apart(tmp_path: Path, last: str | None, activation: str) -> None:
    own = lively(convolutions(layers.Flatten(), layers.Dense(3, activation=last)))
    model = saved(own, tmp_path)
    inputs = faces(32)
    assert model.activation == activation
    assert "softmax" not in model.note
    found = model.logits(inputs)
    np.testing.assert_allclose(found.exp() if last == "sigmoid" else found, own_answer(own, inputs), atol=1e-5)


def test_a_softmax_that_works_elsewhere_too_stays_and_is_recognised(tmp_path: Path) -> None:
    shares = layers.Activation("softmax")
    inputs = layers.Input((SIDE, SIDE, 1))
    hidden = shares(layers.Dense(3)(layers.Flatten()(inputs)))
    own = lively(keras.Model(inputs, shares(layers.Dense(3)(hidden))))
    model = saved(own, tmp_path)
    assert model.activation == "softmax"
    np.testing.assert_allclose(model.logits(faces(32)).softmax(1), own_answer(own, faces(32)), atol=1e-6)


def test_a_softmax_over_several_places_stays(tmp_path: Path) -> None:
    own = lively(convolutions(layers.Conv2D(3, 1, activation="softmax"), layers.GlobalAveragePooling2D()))
    model = saved(own, tmp_path)
    assert model.activation == "softmax"
    np.testing.assert_allclose(model.logits(faces(32)).softmax(1), own_answer(own, faces(32)), atol=1e-6)


@pytest.mark.parametrize("build", [dense, recurrent], ids=lambda build: build.__name__)
def test_gradients_agree_with_finite_differences(tmp_path: Path, build: Callable[[], Any]) -> None:
    model = saved(lively(build()), tmp_path)
    leaf = faces(1).requires_grad_()
    (found,) = torch.autograd.grad(model.logits(leaf)[:, 1].sum(), leaf)
    # Keras rounds to single precision inside, about 1e-7 of a logit: over steps of 0.05 that is 2e-6 of a slope, and
    # the five-point formula leaves 1e-6 of the smooth networks' curvature.
    step = 0.05 * torch.eye(SIDE * SIDE).view(-1, 1, SIDE, SIDE)
    with torch.no_grad():
        near, far = (model.logits(leaf + k * step)[:, 1] - model.logits(leaf - k * step)[:, 1] for k in (1, 2))
    expected = ((8 * near - far) / (12 * 0.05)).view_as(found)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-3)
    assert float(found.abs().max()) > 1e-3


def test_the_network_is_a_torch_module_that_nothing_changes(tmp_path: Path) -> None:
    model = saved(lively(residual()), tmp_path)
    assert model.module is not None
    content = (tmp_path / "m.keras").read_bytes()
    before = {name: value.clone() for name, value in model.module.state_dict().items()}
    assert sum(p.numel() for p in model.module.parameters()) == residual().count_params()
    inputs = faces(3).requires_grad_()
    with as_found(model):
        model.module.train()
        first = model.logits(inputs)
        model.module.eval()
        first.sum().backward()
    assert torch.equal(model.logits(inputs), first)
    assert all(p.grad is None and not p.requires_grad for p in model.module.parameters())
    for name, value in model.module.state_dict().items():
        assert torch.equal(value, before[name])
    assert (tmp_path / "m.keras").read_bytes() == content


def test_loading_draws_from_nobodys_random_generator(tmp_path: Path) -> None:
    import random

    lively(dense()).save(tmp_path / "m.keras")
    random.seed(3)
    torch.manual_seed(3)
    np.random.seed(3)
    before = (random.getstate(), torch.get_rng_state().tolist(), np.random.get_state()[1].tolist())
    load_model(manifest(tmp_path, "m.keras"))
    assert (random.getstate(), torch.get_rng_state().tolist(), np.random.get_state()[1].tolist()) == before
    assert "KERAS_BACKEND" not in os.environ or os.environ["KERAS_BACKEND"] == "torch"


@pytest.mark.parametrize("policy", ["mixed_float16", "bfloat16"])
def test_networks_of_lower_precision_compute_in_single_precision(tmp_path: Path, policy: str) -> None:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        own = lively(dense())
    finally:
        keras.config.set_dtype_policy(before)
    model = saved(own, tmp_path)
    same = dense()
    same.set_weights([np.asarray(value.detach().float()) for value in (w.value for w in own.weights)])
    np.testing.assert_allclose(model.logits(faces(8)).softmax(1), own_answer(same, faces(8)), atol=1e-5)
    assert f"computed in single precision, where it asks for {policy}" in model.note


@pytest.mark.parametrize("build", [dense, nested, residual], ids=lambda build: build.__name__)
def test_hooks_see_every_feature_map_with_its_channels_first(tmp_path: Path, build: Callable[[], Any]) -> None:
    own = lively(build())
    model = saved(own, tmp_path)
    assert model.module is not None
    seen: dict[str, torch.Tensor] = {}
    for place in model.module.modules():
        if isinstance(place, FeatureMap):
            place.register_forward_hook(lambda place, _, output: seen.__setitem__(place.name, output))
    model.logits(faces(2))
    inner = own if build is not nested else own.layers[-1]
    prefix = f"{inner.name}." if build is nested else ""
    truth = keras.Model(inner.inputs, [layer.output for layer in inner.layers])
    with torch.no_grad():
        inputs = faces(2).movedim(1, -1)
        expected = truth(inputs * 2 - 1 if build is nested else inputs, training=False)
    maps = [
        (layer, output.movedim(-1, 1)) for layer, output in zip(inner.layers, expected, strict=True) if output.ndim == 4
    ]
    maps = [(layer, output) for layer, output in maps if not isinstance(layer, layers.InputLayer)]
    assert list(seen) == [prefix + layer.name for layer, _ in maps]
    for layer, output in maps:
        torch.testing.assert_close(seen[prefix + layer.name], output, atol=1e-5, rtol=0)


def test_grad_cam_of_a_feature_map_is_the_papers_formula(tmp_path: Path) -> None:
    own = lively(convolutions(layers.GlobalAveragePooling2D(), layers.Dense(3, activation="softmax")))
    model = saved(own, tmp_path)
    assert model.module is not None
    places = [place for place in model.module.modules() if isinstance(place, FeatureMap)]
    last = next(place for place in places if "separable" in place.name)
    found = LayerGradCam(model.module, last).attribute(faces(2).requires_grad_(), 1, relu_attributions=True)
    with torch.no_grad():
        head = keras.Model(own.inputs, own.layers[-4].output)
        maps = head(faces(2).movedim(1, -1), training=False)
        weights = own.layers[-1].kernel.value[:, 1] / (maps.shape[1] * maps.shape[2])
    expected = (maps * weights).sum(-1).relu()
    torch.testing.assert_close(found[:, 0], expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("build", [residual, recurrent, nested], ids=lambda build: build.__name__)
def test_lrp_reads_the_network_as_a_graph(tmp_path: Path, build: Callable[[], Any]) -> None:
    model = saved(lively(build()), tmp_path)
    with as_found(model):
        found = lrp(model, faces(2), torch.tensor([0, 2]), SampleRng([1, 2]))
    assert found.values.shape == (2, 1, SIDE, SIDE)
    assert float(found.measures["conservation"].max()) < 1e-3
