"""Manifests of trained models."""

from pathlib import Path

import pytest
import safetensors.torch
import torch

from audit.errors import ModelError, SuiteError, UsageError
from audit.manifest import check_manifest, load_model, read_manifest

NET = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, emotions):
        super().__init__()
        self.norm = nn.BatchNorm1d(1)
        self.head = nn.Linear(1, emotions)

    def forward(self, inputs):
        return self.head(self.norm(inputs.flatten(1).mean(1, keepdim=True)))

def build(*, emotions=3):
    return Net(emotions)
"""
MANIFEST = """version: 1
model: tiny
loader: torch
source: net.py:build
arguments: {emotions: 3}
weights: weights/tiny.safetensors
input:
  sampling_rate: 8000
  seconds: 0.5
  pad: center
  representation: {melspectrogram: {n_fft: 256, hop_length: 128, n_mels: 16, top_db: 60}}
emotions: [anger, fear, neutral]
card: card.md
"""
OWN = """
from audit.kinds import representation

@representation(bounds=lambda **_: (-2.0, 2.0), axes=lambda *_, **__: None)
def louder(waveforms, sampling_rate, *, gain: float):
    return waveforms * gain
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "card.md").write_text("# tiny\n")
    (tmp_path / "weights").mkdir()
    state = {"norm.weight": torch.ones(1), "norm.bias": torch.zeros(1), "head.bias": torch.zeros(3)}
    state |= {"norm.running_mean": torch.zeros(1), "norm.running_var": torch.ones(1), "head.weight": torch.ones(3, 1)}
    state |= {"norm.num_batches_tracked": torch.tensor(5)}
    safetensors.torch.save_file(state, tmp_path / "weights" / "tiny.safetensors")
    path = tmp_path / "tiny.model.yaml"
    path.write_text(MANIFEST)
    return path


def test_a_manifest_reads_as_it_is_written(file: Path) -> None:
    found = read_manifest(file)
    assert (found.name, found.loader, found.emotions) == ("tiny", "torch", ("anger", "fear", "neutral"))
    assert found.source is not None
    assert (found.source.path, found.source.function, found.arguments) == (
        file.parent / "net.py",
        "build",
        {"emotions": 3},
    )
    assert (found.weights, found.card) == (file.parent / "weights/tiny.safetensors", file.parent / "card.md")
    assert (found.spec.sampling_rate, found.spec.seconds, found.spec.offset, found.spec.pad) == (
        8000,
        0.5,
        0.0,
        "center",
    )
    assert found.spec.parameters["n_mels"] == 16
    assert found.spec.bounds == (0.0, 1.0)
    assert (found.trust, found.key) == (False, None)
    assert check_manifest(file) == found.emotions


def test_every_parameter_of_the_representation_is_known_afterwards(file: Path) -> None:
    parameters = read_manifest(file).spec.parameters
    assert {"fmin", "fmax", "window", "power", "ref", "scaling", "mel_scale"} <= set(parameters)


def test_a_model_loads_and_answers(file: Path) -> None:
    model = load_model(file)
    assert (model.name, model.loader, model.weights) == ("tiny", "torch", (file.parent / "weights/tiny.safetensors",))
    logits = model.logits(model.spec.represent(torch.zeros(2, 4000)))
    assert logits.shape == (2, 3)


def test_loading_leaves_the_batch_statistics_as_they_were_saved(file: Path) -> None:
    module = load_model(file).module
    assert module is not None
    assert int(module.state_dict()["norm.num_batches_tracked"]) == 5


def test_a_representation_of_ones_own_is_found_beside_the_manifest(file: Path) -> None:
    text = MANIFEST.replace("{melspectrogram: {n_fft: 256, hop_length: 128, n_mels: 16, top_db: 60}}", "REPRESENTATION")
    file.write_text(text.replace("REPRESENTATION", '{"own.py:louder": {gain: 2}}'))
    spec = load_model(file).spec
    assert spec.bounds == (-2.0, 2.0)
    assert torch.equal(spec.represent(torch.ones(1, 4)), torch.full((1, 4), 2.0))
    file.write_text(text.replace("REPRESENTATION", "own.py:louder"))
    with pytest.raises(SuiteError, match="needs the key 'gain'"):
        read_manifest(file)


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("version: 1", "version: 2", 1, "must be 1"),
        ("model: tiny", "modle: tiny", 2, "did you mean 'model'"),
        ("loader: torch", "loader: torhc", 3, "did you mean 'torch'"),
        ("source: net.py:build", "source: net.py", 4, "file.py:function"),
        ("source: net.py:build", "source: nett.py:build", 4, "no such file (paths are relative to"),
        ("source: net.py:build", "source: weights.py:build", 4, "no such file"),
        ("weights: weights/tiny.safetensors", "weights: weights", 6, "is a folder"),
        ("sampling_rate: 8000", "sampling_rate: 8 kHz", 8, "a whole number"),
        ("seconds: 0.5", "seconds: 0", 9, "above 0"),
        ("pad: center", "pad: centre", 10, "did you mean 'center'"),
        ("{melspectrogram: ", "{melspectogram: ", 11, "did you mean 'melspectrogram'"),
        ("n_mels: 16", "n_mel: 16", 11, "did you mean 'n_mels'"),
        ("n_mels: 16", "n_mels: 16.5", 11, "a whole number"),
        ("top_db: 60", "scaling: units", 11, "did you mean 'unit'"),
        ("emotions: [anger, fear, neutral]", "emotions: [anger, fear, anger]", 12, "named twice"),
        ("emotions: [anger, fear, neutral]", "emotions: [anger, fear, 3]", 12, "not the number 3"),
        ("emotions: [anger, fear, neutral]", "emotions: [anger, '']", 12, "not an empty one"),
        ("emotions: [anger, fear, neutral]", "emotions: [anger]", 12, "at least 2 items"),
        ("emotions: [anger, fear, neutral]", "emotions: anger", 12, "must be a list"),
        ("card: card.md", "card: cart.md", 13, "no such file"),
        ("card: card.md", "trust: yes", 13, "true or false"),
    ],
)
def test_what_is_wrong_in_a_manifest_is_marked(file: Path, old: str, new: str, line: int, told: str) -> None:
    file.write_text(MANIFEST.replace(old, new))
    with pytest.raises(SuiteError) as caught:
        read_manifest(file)
    assert (caught.value.path, caught.value.line) == (file, line)
    assert told in caught.value.message


def test_a_missing_manifest_names_the_nearest(file: Path) -> None:
    with pytest.raises(UsageError, match=r"did you mean 'tiny\.model\.yaml'"):
        read_manifest(file.with_name("tiny.modl.yaml"))


def test_a_model_with_another_number_of_outputs_is_refused_at_once(file: Path) -> None:
    file.write_text(MANIFEST.replace("emotions: [anger, fear, neutral]", "emotions: [anger, fear]"))
    with pytest.raises(ModelError, match=r"returned logits of shape \(4, 3\).*names 2 emotions"):
        load_model(file)


def test_an_input_the_network_does_not_take_is_refused_with_its_shape(file: Path) -> None:
    (file.parent / "net.py").write_text(NET.replace("inputs.flatten(1)", "inputs.view(-1, 7)"))
    with pytest.raises(ModelError, match=r"fails on inputs of shape \(4, 1, 16, 32\).*RuntimeError"):
        load_model(file)


def test_a_representation_that_cannot_be_computed_is_refused(file: Path) -> None:
    file.write_text(MANIFEST.replace("n_fft: 256", "n_fft: 0"))
    with pytest.raises(ModelError, match=r"input\.representation melspectrogram fails on 0\.5 s at 8000 Hz"):
        load_model(file)


def test_a_loader_of_ones_own_must_return_a_model(file: Path) -> None:
    code = "from audit.kinds import loader\n@loader()\ndef none(manifest):\n    return manifest.name\n"
    (file.parent / "mine.py").write_text(code)
    file.write_text(MANIFEST.replace("loader: torch", "loader: mine.py:none"))
    with pytest.raises(ModelError, match="returned a str, a Model is due"):
        load_model(file)


FULL = """version: 1
model: tiny
loader: torch
source: net.py:build
arguments: {{emotions: {count}}}
weights: weights/tiny.safetensors
input:
  sampling_rate: 8000
  seconds: 0.5
{input}
activation: none
emotions: [{emotions}]
{rest}"""


def full(file: Path, *, input_: str = "", emotions: str = "a, b, c", rest: str = "", count: int = 3) -> Path:
    lines = input_ or "  representation: {melspectrogram: {n_fft: 256, hop_length: 128, n_mels: 16}}"
    file.write_text(FULL.format(input=lines, emotions=emotions, rest=rest, count=count))
    return file


def test_labels_are_renamed_merged_and_left_out(file: Path) -> None:
    path = full(file, emotions="female_angry, male_angry, noise", rest="rename: {female_angry: anger, noise: null}\n")
    assert read_manifest(path).emotions == ("anger", "male_angry")
    assert check_manifest(path) == ("anger", "male_angry")
    model = load_model(path)
    assert model.emotions == ("anger", "male_angry")
    assert model.logits(model.spec.represent(torch.zeros(2, 4000))).shape == (2, 2)
    full(file, emotions="female_angry, male_angry, joy", rest="rename: {female_angry: anger, male_angry: anger}\n")
    logits = load_model(file).logits(model.spec.represent(model.spec.example(2)))
    # All three outputs of this network are equal, so two of them merged are twice as probable.
    torch.testing.assert_close(logits.softmax(1), torch.tensor([[2 / 3, 1 / 3]] * 2))


@pytest.mark.parametrize(
    ("rest", "told"),
    [
        ("rename: {angry: anger}\n", "'angry' is none of the outputs"),
        ("rename: {a: b, c: b}\n", "fewer than 2 emotions"),
        ("activation: sotfmax\n", "did you mean 'softmax'"),
    ],
)
def test_what_is_said_of_the_outputs_is_checked(file: Path, rest: str, told: str) -> None:
    full(file, rest=rest)
    if "activation" in rest:
        file.write_text(file.read_text().replace("activation: none\n", ""))
    with pytest.raises(SuiteError, match=told):
        check_manifest(file)


@pytest.mark.parametrize(
    ("input_", "told"),
    [
        ("  pad: end", "needs the key 'representation'"),
        ("  representation: waveform\n  preprocess: own.py:louder", "not both"),
        ("  preprocess: gone.py:f", "no such file"),
        ("  representation: waveform\n  order: sn", "n first"),
        ("  representation: waveform\n  scaling: {low: 1, high: 0}", "low must be below high"),
        ("  representation: waveform\n  scaling: {file: s.npz}", "no such file"),
        ("  representation: waveform\n  scaling: {per_clip: normal}", "must be standard or unit"),
        ("  representation: waveform\n  scaling: {maen: 0, std: 1}", "did you mean 'mean'"),
        ("  modality: face\n  height: 48\n  width: 48", "unknown key 'sampling_rate'"),
    ],
)
def test_an_input_that_cannot_be_is_refused_at_its_place(file: Path, input_: str, told: str) -> None:
    full(file, input_=input_)
    with pytest.raises(SuiteError, match=told):
        check_manifest(file)


def test_a_representation_for_another_modality_is_refused(file: Path) -> None:
    with pytest.raises(ModelError, match="pixels is for face, and modality is speech"):
        read_manifest(full(file, input_="  representation: pixels"))


def test_a_function_of_ones_own_takes_the_place_of_a_representation(file: Path) -> None:
    (file.parent / "own.py").write_text(
        "import numpy as np\n\n"
        "def features(waveform, sampling_rate):\n"
        "    assert waveform.shape == (4000,) and sampling_rate == 8000\n"
        "    return np.abs(waveform).reshape(8, -1).mean(1)\n\n"
        "def fails(waveform, sampling_rate):\n"
        "    raise ValueError('too loud')\n"
    )
    model = load_model(full(file, input_="  preprocess: own.py:features"))
    waveforms = model.spec.example(2)
    expected = waveforms.abs().reshape(2, 8, -1).mean(2)
    torch.testing.assert_close(model.spec.represent(waveforms), expected)
    assert model.logits(expected).shape == (2, 3)
    # The attack acts on its output, and nothing before it: no gradient passes a function in numpy.
    assert not model.view_from_waveform().differentiable
    with pytest.raises(ModelError, match=r"preprocess .*fails raised ValueError: too loud"):
        load_model(full(file, input_="  preprocess: own.py:fails"))


def test_a_model_that_changes_its_inputs_in_place_is_refused(file: Path) -> None:
    (file.parent / "net.py").write_text(NET.replace("return self", "inputs.sub_(1)\n        return self"))
    with pytest.raises(ModelError, match="changes its inputs in place"):
        load_model(file)
