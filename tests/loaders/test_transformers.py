"""The transformers loader: logits and preprocessing are the framework's own, and gradients reach the recording."""

import socket
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest
import torch
import transformers

from audit.loaders.feature_map import FeatureMap
from audit.loaders.transformers_folder.preprocessing import preprocessing
from audit.manifest import load_model, read_manifest
from audit.model import as_found
from audit.randomness import SampleRng
from audit.saliency.lrp.lrp import lrp

from .transformers_cases import (
    FACES,
    LABELS,
    MASKED,
    SIDE,
    clips,
    extracted,
    hubert,
    in_unit_range,
    kept,
    manifest,
    pictures,
    resnet,
    vit,
    wav2vec2,
    wav2vec2_with_layer_norm,
)

HEARERS = [
    (wav2vec2, {"do_normalize": True}),
    (wav2vec2, {"do_normalize": False}),
    (wav2vec2_with_layer_norm, {"do_normalize": True, "return_attention_mask": True}),
    (wav2vec2_with_layer_norm, {"do_normalize": False, "return_attention_mask": True, "padding_value": 0.25}),
    (hubert, {"do_normalize": True}),
    (hubert, {"do_normalize": True, "return_attention_mask": True}),
]
SEERS = [
    (vit, {"size": {"height": SIDE, "width": SIDE}}),
    (vit, {"do_resize": False, "image_mean": [0.4, 0.5, 0.6], "image_std": [0.2, 0.3, 0.1]}),
    (vit, {"do_resize": False, "do_normalize": False}),
    (vit, {"do_resize": False, "do_rescale": False, "image_mean": [120.0] * 3, "image_std": [60.0] * 3}),
    (
        resnet,
        {"size": {"height": SIDE, "width": SIDE}, "do_center_crop": True, "crop_size": {"height": 11, "width": 8}},
    ),
]


@pytest.mark.parametrize(("build", "keys"), HEARERS)
@pytest.mark.parametrize("count", [1, 32])
def test_clips_are_heard_as_the_framework_hears_them(tmp_path: Path, build: Any, keys: Any, count: int) -> None:
    own, extractor = build(), transformers.Wav2Vec2FeatureExtractor(**keys)
    model = kept(tmp_path, own, extractor)
    given = extracted(extractor, clips(count))
    with torch.no_grad():
        expected = own(**given).logits
        found = model.logits(clips(count))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    assert torch.equal(model.logits(clips(count)), found)
    assert float(expected.abs().mean()) > 0.1
    assert (model.activation, model.emotions, model.differentiable) == ("none", LABELS, True)
    assert type(own).__name__ in model.note


@pytest.mark.parametrize(("build", "keys"), SEERS)
@pytest.mark.parametrize("count", [1, 32])
def test_pictures_are_seen_as_the_framework_sees_them(tmp_path: Path, build: Any, keys: Any, count: int) -> None:
    own, processor = build(), transformers.ViTImageProcessorPil(**keys)
    model = kept(tmp_path, own, processor, given=FACES)
    given = processor(pictures(count), return_tensors="pt")
    with torch.no_grad():
        expected = own(**given).logits
        found = model.logits(in_unit_range(pictures(count)))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    assert torch.equal(model.logits(in_unit_range(pictures(count))), found)
    assert (model.activation, model.emotions, model.differentiable) == ("none", LABELS, True)


@pytest.mark.parametrize("keys", [keys for _, keys in HEARERS])
def test_the_clips_preprocessing_is_the_feature_extractors_own(tmp_path: Path, keys: Any) -> None:
    extractor = transformers.Wav2Vec2FeatureExtractor(**keys)
    (tmp_path / "kept").mkdir()
    spec = read_manifest(manifest(tmp_path)).spec
    ahead, _ = preprocessing(extractor, spec, "input_values", tmp_path)
    expected = extracted(extractor, clips(32))["input_values"]
    torch.testing.assert_close(ahead(clips(32)), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("keys", [keys for _, keys in SEERS])
def test_the_pictures_preprocessing_is_the_image_processors_own(tmp_path: Path, keys: Any) -> None:
    processor = transformers.ViTImageProcessorPil(**keys)
    (tmp_path / "kept").mkdir()
    spec = read_manifest(manifest(tmp_path, given=FACES)).spec
    ahead, _ = preprocessing(processor, spec, "pixel_values", tmp_path)
    expected = processor(pictures(8), return_tensors="pt")["pixel_values"].float()
    torch.testing.assert_close(ahead(in_unit_range(pictures(8))), expected, atol=1e-5, rtol=1e-6)


@pytest.mark.parametrize("build", [wav2vec2, vit])
def test_gradients_agree_with_finite_differences(tmp_path: Path, build: Any) -> None:
    if build is vit:
        processor: Any = transformers.ViTImageProcessorPil(do_resize=False)
        model = kept(tmp_path, build(), processor, given=FACES)
        leaf = in_unit_range(pictures(1)).double().requires_grad_()
    else:
        model = kept(tmp_path, build(), transformers.Wav2Vec2FeatureExtractor())
        leaf = clips(2)[1:].double().requires_grad_()
    assert model.module is not None
    model.module.double()
    (found,) = torch.autograd.grad(model.logits(leaf)[:, 1].sum(), leaf)
    rng = torch.Generator().manual_seed(2)
    for _ in range(8):
        way = torch.randn(leaf.shape, generator=rng, dtype=torch.float64)
        step = 1e-6
        with torch.no_grad():
            ends = [model.logits(leaf + sign * step * way)[:, 1].sum() for sign in (1, -1)]
        torch.testing.assert_close((found * way).sum(), (ends[0] - ends[1]) / (2 * step), rtol=1e-5, atol=1e-7)
    assert float(found.abs().max()) > 1e-4


def test_nothing_is_asked_of_the_network_and_its_switch_is_left_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("the network was asked")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    kept(tmp_path, wav2vec2(), transformers.Wav2Vec2FeatureExtractor())
    assert huggingface_hub.constants.HF_HUB_OFFLINE is False


def test_nothing_of_the_model_is_changed_and_nothing_is_printed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    wav2vec2().save_pretrained(tmp_path / "kept")
    transformers.Wav2Vec2FeatureExtractor().save_pretrained(tmp_path / "kept")
    before = {path: path.read_bytes() for path in (tmp_path / "kept").iterdir()}
    capfd.readouterr()
    torch.manual_seed(3)
    chance = torch.get_rng_state()
    verbosity = transformers.utils.logging.get_verbosity()
    model = load_model(manifest(tmp_path))
    assert torch.equal(torch.get_rng_state(), chance)
    assert transformers.utils.logging.get_verbosity() == verbosity
    assert transformers.utils.logging.is_progress_bar_enabled()
    assert model.module is not None
    state = {name: value.clone() for name, value in model.module.state_dict().items()}
    inputs = clips(2).requires_grad_()
    with as_found(model):
        first = model.logits(inputs)
        first.sum().backward()
    assert torch.equal(model.logits(clips(2)), first)
    assert all(torch.equal(value, state[name]) for name, value in model.module.state_dict().items())
    assert {path: path.read_bytes() for path in (tmp_path / "kept").iterdir()} == before
    assert model.weights == tuple(sorted(before))
    assert capfd.readouterr() == ("", "")


def test_weights_of_half_precision_compute_in_single_precision(tmp_path: Path) -> None:
    own = wav2vec2()
    extractor = transformers.Wav2Vec2FeatureExtractor()
    model = kept(tmp_path, own.bfloat16(), extractor)
    with torch.no_grad():
        expected = own.float()(**extractor(list(clips(2).numpy()), sampling_rate=16000, return_tensors="pt")).logits
    found = model.logits(clips(2))
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_hooks_see_the_feature_encoder_and_not_the_hidden_states(tmp_path: Path) -> None:
    model = kept(tmp_path, wav2vec2(), transformers.Wav2Vec2FeatureExtractor())
    assert model.module is not None
    places = [place for place in model.module.modules() if isinstance(place, FeatureMap)]
    assert [place.name for place in places] == [f"wav2vec2.feature_extractor.conv_layers.{i}" for i in range(3)]
    seen: list[torch.Tensor] = []
    places[-1].register_forward_hook(lambda _, __, output: seen.append(output))
    network = model.module.network
    features = network.wav2vec2.feature_extractor(model.module.ahead(clips(2)))
    model.logits(clips(2))
    torch.testing.assert_close(seen[-1], features, atol=1e-6, rtol=0)
    assert features.shape[:2] == (2, 12)


@pytest.mark.parametrize("build", [wav2vec2, wav2vec2_with_layer_norm, vit])
def test_lrp_reads_the_classifier_as_a_graph(tmp_path: Path, build: Any) -> None:
    if build is vit:
        model = kept(tmp_path, build(), transformers.ViTImageProcessorPil(do_resize=False), given=FACES)
        inputs = in_unit_range(pictures(2))
    else:
        keys = MASKED if build is wav2vec2_with_layer_norm else {}
        model, inputs = kept(tmp_path, build(), transformers.Wav2Vec2FeatureExtractor(**keys)), clips(2)
    with as_found(model):
        found = lrp(model, inputs, torch.tensor([0, 2]), SampleRng([1, 2]))
    assert found.values.shape == inputs.shape
    assert bool(torch.isfinite(found.values).all())
