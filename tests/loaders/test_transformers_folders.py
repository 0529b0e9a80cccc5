"""The transformers loader's folders: what does not fit the manifest, what is broken, and what could run code."""

import json
import os
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from audit.errors import ModelError, UntrustedError
from audit.manifest import load_model

from .transformers_cases import FACES, LABELS, SIDE, SPEECH, manifest

PICKLED = "pytorch_model.bin"


def config(**keys: Any) -> Any:
    names = {"id2label": dict(enumerate(LABELS)), "label2id": {n: i for i, n in enumerate(LABELS)}}
    return transformers.Wav2Vec2Config(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        conv_dim=(8, 8),
        conv_stride=(5, 4),
        conv_kernel=(10, 8),
        num_feat_extract_layers=2,
        num_conv_pos_embeddings=8,
        num_conv_pos_embedding_groups=2,
        classifier_proj_size=8,
        **(names | keys),
    )


def vit_config() -> Any:
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    return transformers.ViTConfig(**sizes, image_size=SIDE, patch_size=4, id2label=dict(enumerate(LABELS)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A whole folder of a speech classifier."""
    torch.manual_seed(0)
    transformers.Wav2Vec2ForSequenceClassification(config()).save_pretrained(tmp_path / "kept")
    transformers.Wav2Vec2FeatureExtractor().save_pretrained(tmp_path / "kept")
    return tmp_path / "kept"


@pytest.fixture
def seeing(tmp_path: Path) -> Path:
    """A folder of a picture classifier, without its image processor."""
    transformers.ViTForImageClassification(vit_config()).save_pretrained(tmp_path / "kept")
    return tmp_path / "kept"


def changed(path: Path, **keys: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **keys}))


def test_another_sampling_rate_names_both(folder: Path) -> None:
    path = manifest(folder.parent, given=SPEECH.replace("16000", "8000"))
    with pytest.raises(
        ModelError, match=r"trained on 16000 Hz, and the manifest says 8000 Hz; write `sampling_rate: 160"
    ):
        load_model(path)


def test_labels_in_another_order_are_both_named(folder: Path) -> None:
    for labels in (("joy", "anger", "neutral"), ("anger", "joy", "calm"), ("anger", "joy")):
        with pytest.raises(
            ModelError, match=r"\[anger, joy, neutral\], in this order; the manifest names \["
        ) as caught:
            load_model(manifest(folder.parent, labels=labels))
        assert f"[{', '.join(labels)}]" in str(caught.value)


def test_outputs_without_names_take_the_manifests_and_it_is_noted(folder: Path) -> None:
    changed(folder / "config.json", id2label={str(i): f"LABEL_{i}" for i in range(3)})
    model = load_model(manifest(folder.parent))
    assert model.emotions == LABELS
    assert "its outputs have no names and are read as anger, joy, neutral" in model.note


def test_a_classifier_that_was_never_trained_is_refused(folder: Path) -> None:
    transformers.Wav2Vec2Model(config()).save_pretrained(folder)
    with pytest.raises(
        ModelError, match=r"its weights lack 4 of Wav2Vec2ForSequenceClassification \(classifier\.bias, "
    ):
        load_model(manifest(folder.parent))


def test_weights_without_use_are_noted(folder: Path) -> None:
    import safetensors.torch

    weights = safetensors.torch.load_file(folder / "model.safetensors")
    extra = {"head.of.another": torch.zeros(2)}
    safetensors.torch.save_file(weights | extra, folder / "model.safetensors", {"format": "pt"})
    assert "weights in the folder that it has no use for: head.of.another" in load_model(manifest(folder.parent)).note


def test_weights_of_another_shape_are_refused(folder: Path) -> None:
    changed(folder / "config.json", classifier_proj_size=12)
    with pytest.raises(
        ModelError, match=r"do not fit its config\.json: classifier\.weight \(3, 8\) where the network has \(3, 12\)"
    ):
        load_model(manifest(folder.parent))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("config.json", r"has no config\.json; model\.save_pretrained"),
        ("model.safetensors", r"the model cannot be opened \(OSError: .*model\.safetensors"),
        ("preprocessor_config.json", r"has no preprocessor_config\.json, so that nothing says"),
    ],
)
def test_incomplete_folders_say_what_to_save(folder: Path, name: str, said: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ModelError, match=said) as caught:
        load_model(manifest(folder.parent))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("size", [0, 5000])
@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "preprocessor_config.json"])
def test_truncated_files_are_refused(folder: Path, name: str, size: int) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: min(size, len(content) // 2)])
    with pytest.raises(ModelError, match=r"kept.*save it again|kept.*save or download it again"):
        load_model(manifest(folder.parent))


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(b"x")
    with pytest.raises(ModelError, match=r"needs `weights: FOLDER`, which model\.save_pretrained\(FOLDER\) wrote"):
        load_model(manifest(tmp_path))


def test_a_regression_is_refused(folder: Path) -> None:
    changed(folder / "config.json", problem_type="regression")
    with pytest.raises(ModelError, match=r"was trained for regression; a classifier"):
        load_model(manifest(folder.parent))


def test_a_model_that_hears_is_not_shown_pictures(folder: Path) -> None:
    with pytest.raises(ModelError, match=r"the model cannot be opened \(ValueError: .*Wav2Vec2Config"):
        load_model(manifest(folder.parent, given=FACES))


def test_a_missing_framework_names_its_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ModelError, match=r'transformers is not installed.*pip install "emotion-audit\[transformers\]"'):
        load_model(manifest(folder.parent))


class _Toucher:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (os.mkdir, (str(self.path),))


def test_pickled_weights_are_read_as_weights_alone(folder: Path) -> None:
    expected = load_model(manifest(folder.parent)).logits(torch.ones(2, 2000))
    own = transformers.Wav2Vec2ForSequenceClassification.from_pretrained(folder)
    torch.save(own.state_dict(), folder / PICKLED)
    (folder / "model.safetensors").unlink()
    assert torch.equal(load_model(manifest(folder.parent)).logits(torch.ones(2, 2000)), expected)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_pickled_objects_are_refused_and_have_run_nothing(folder: Path) -> None:
    touched = folder.parent / "touched"
    own = transformers.Wav2Vec2ForSequenceClassification.from_pretrained(folder)
    torch.save(own.state_dict() | {"extra": _Toucher(touched)}, folder / PICKLED)
    assert load_model(manifest(folder.parent)).activation == "none"
    (folder / "model.safetensors").unlink()
    with pytest.raises(UntrustedError, match=r"kept: its weights hold pickled Python objects, .*`trust: true`"):
        load_model(manifest(folder.parent))
    (folder / PICKLED).write_bytes(pickle.dumps(_Toucher(touched)))
    with pytest.raises(UntrustedError, match=r"kept: its weights hold pickled Python objects"):
        load_model(manifest(folder.parent))
    assert not touched.exists()


CODE = """
import pathlib

import transformers

pathlib.Path({touched!r}).touch()


class OwnConfig(transformers.Wav2Vec2Config):
    model_type = "own-wav2vec2"


class OwnClassifier(transformers.Wav2Vec2ForSequenceClassification):
    config_class = OwnConfig
"""


def test_code_in_the_folder_is_refused_and_has_not_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touched = folder.parent / "touched"
    monkeypatch.setattr(transformers.dynamic_module_utils, "HF_MODULES_CACHE", str(folder.parent / "modules"))
    (folder / "own.py").write_text(CODE.format(touched=str(touched)))
    auto = {"AutoConfig": "own.OwnConfig", "AutoModelForAudioClassification": "own.OwnClassifier"}
    changed(folder / "config.json", model_type="own-wav2vec2", auto_map=auto, architectures=["OwnClassifier"])
    with pytest.raises(UntrustedError, match=r"the model is code in the folder, .*Declare `trust: true`"):
        load_model(manifest(folder.parent))
    assert not touched.exists()
    monkeypatch.setattr(sys, "path", list(sys.path))
    model = load_model(manifest(folder.parent, extra="trust: true\n"))
    assert touched.exists()
    assert "OwnClassifier" in model.note


@pytest.mark.parametrize(
    ("keys", "given", "said"),
    [
        (
            {"size": {"height": 32, "width": 32}},
            FACES,
            r"32 x 32 pixels, and the manifest says 16 x 16; write `height: 3",
        ),
        (
            {"size": {"height": 16, "width": 16}, "resample": 3},
            FACES,
            r"by bicubic, .* says bilinear; write `resize: bicubic",
        ),
        (
            {"do_resize": False},
            FACES.replace("}", ", scaling: {low: -1, high: 1}}"),
            r"normalises pictures in \[0, 1\] its",
        ),
        (
            {"do_resize": False, "do_pad": True, "pad_size": {"height": 20, "width": 20}},
            FACES,
            r"does more than .*20, 20",
        ),
        (
            {"do_resize": False},
            FACES.replace("rgb", "grey"),
            r"takes pictures in rgb, and the manifest says grey; write `colour: rgb`",
        ),
    ],
)
def test_pictures_that_the_processor_would_not_take_are_refused(seeing: Path, keys: Any, given: str, said: str) -> None:
    transformers.ViTImageProcessorPil(**keys).save_pretrained(seeing)
    with pytest.raises(ModelError, match=said):
        load_model(manifest(seeing.parent, given=given))


FEATURES = """
import numpy as np


def patches(waveform, rate):
    return np.tile(np.abs(waveform[:16]), (24, 1)).astype(np.float32)
"""


def test_a_spectrogram_model_takes_what_preprocess_makes(tmp_path: Path) -> None:
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    own = transformers.ASTConfig(
        **sizes, max_length=24, num_mel_bins=16, patch_size=8, id2label=dict(enumerate(LABELS))
    )
    network = transformers.ASTForAudioClassification(own).eval()
    network.save_pretrained(tmp_path / "kept")
    transformers.ASTFeatureExtractor(max_length=24, num_mel_bins=16).save_pretrained(tmp_path / "kept")
    with pytest.raises(ModelError, match=r"ASTFeatureExtractor does more than .*`preprocess: file\.py:function`"):
        load_model(manifest(tmp_path))
    (tmp_path / "mine.py").write_text(FEATURES)
    model = load_model(
        manifest(tmp_path, given=SPEECH.replace("representation: waveform", "preprocess: mine.py:patches"))
    )
    inputs = torch.rand(2, 24, 16)
    with torch.no_grad():
        torch.testing.assert_close(model.logits(inputs), network(input_values=inputs).logits, atol=1e-5, rtol=0)
    assert "given preprocess in place of what its ASTFeatureExtractor makes" in model.note
