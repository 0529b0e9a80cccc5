"""The torch loader on checkpoints as they came: a wrapper's prefix, and what lies beside the network."""

from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from audit.errors import ModelError
from audit.loaders.inspect_torch import inspect
from audit.manifest import Manifest, load_model

from .conftest import Write, answers_and_gradients_agree, directional_error
from .torch_cases import load, network, saved, written


@pytest.fixture
def state() -> dict[str, Tensor]:
    return network().state_dict()


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    return written(tmp_path)


@pytest.mark.parametrize("prefix", ["module.", "model.", "module._orig_mod.", "network.0."])
def test_a_prefix_before_every_name_is_left_out_and_noted(
    manifest: Manifest, state: dict[str, Tensor], prefix: str
) -> None:
    inputs = torch.linspace(-1, 1, 8000).view(2, 4000)
    wrapped = {f"{prefix}{name}": value for name, value in state.items()}
    model = load(saved(manifest, wrapped))
    assert model.note == f"the weights' names begin with {prefix!r}, which is left out"
    assert load(saved(manifest, state)).note == ""
    with torch.no_grad():
        assert torch.equal(model.logits(inputs), network()(inputs))


def test_what_a_checkpoint_holds_beside_the_network_is_noted_and_counted(
    manifest: Manifest, state: dict[str, Tensor]
) -> None:
    wrapped = {f"model.{name}": value for name, value in state.items()}
    one = {"epoch": 2, "state_dict": wrapped | {"criterion.weight": torch.ones(2)}}
    note = load(replace(saved(manifest, one), key="state_dict")).note
    assert note.endswith("; 1 entry outside it not used: criterion.weight")
    many = wrapped | {f"metric.{index}": torch.ones(1) for index in range(7)}
    note = load(saved(manifest, many)).note
    assert "7 entries outside it not used: metric.0, metric.1, metric.2, metric.3, metric.4 and 2 more" in note


def test_weights_that_are_there_twice_are_not_chosen_between(manifest: Manifest, state: dict[str, Tensor]) -> None:
    for first, second in (("model.", "ema."), ("", "teacher.")):
        both = {f"{prefix}{name}": value for prefix in (first, second) for name, value in state.items()}
        with pytest.raises(ModelError, match=rf"in it 2 times, under '{first}', '{second}'; save the state_dict of"):
            load(saved(manifest, both))


def test_what_does_not_fit_under_a_prefix_is_an_error_as_without(manifest: Manifest, state: dict[str, Tensor]) -> None:
    wrapped = {f"module.{name}": value for name, value in state.items()} | {"criterion.weight": torch.ones(2)}
    for change, told in (
        ({"module.3.bias": None}, r"under the prefix 'module\.' of its names; 1 missing: 3\.bias \(2\)$"),
        ({"module.aux.weight": torch.ones(3)}, r"names; 1 not in the network: aux\.weight \(3\)$"),
        ({"module.3.bias": torch.ones(3)}, r"names; 1 of another shape: 3\.bias \(3\) where the network has \(2\)$"),
    ):
        changed = {name: value for name, value in (wrapped | change).items() if value is not None}
        with pytest.raises(ModelError, match=told):
            load(saved(manifest, changed))


def test_a_digit_is_no_prefix(manifest: Manifest, state: dict[str, Tensor]) -> None:
    with pytest.raises(ModelError, match=r"do not fit the network; 9 missing"):
        load(saved(manifest, {f"1{name}": value for name, value in state.items()}))


@pytest.mark.parametrize("prefix", ["", "module.", "classifier."])
def test_outputs_are_found_under_a_prefix_and_beside_a_criterion(tmp_path: Path, prefix: str) -> None:
    shapes = {"encoder.0.weight": (3, 8), "fc.weight": (6, 3), "fc.bias": (6,)}
    stored = {f"{prefix}{name}": torch.zeros(shape) for name, shape in shapes.items()}
    beside = {"criterion.head.weight": torch.zeros(2, 6)} if prefix else {}
    torch.save({"epoch": 1, "state_dict": stored | beside}, tmp_path / "last.ckpt")
    found = inspect(tmp_path / "last.ckpt", trust=False)
    assert found is not None
    assert (found.outputs, found.lines) == (6, {"key": "state_dict"})


CNN = """
from torch import nn

def build():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.BatchNorm2d(4), nn.Tanh(), nn.AvgPool2d(2), nn.Dropout(0.5),
        nn.Flatten(), nn.Linear(128, 3),
    )
"""


@pytest.mark.parametrize("kind", ["safetensors", "state_dict", "checkpoint", "prefixed"])
def test_answers_and_gradients_are_the_networks_own(
    cnn: nn.Module, cnn_inputs: Tensor, tmp_path: Path, manifest_of: Write, kind: str
) -> None:
    (tmp_path / "cnn.py").write_text(CNN)
    state = cnn.state_dict()
    path = tmp_path / ("w.safetensors" if kind == "safetensors" else "w.pt")
    if kind == "safetensors":
        safetensors.torch.save_file(state, path)
    elif kind == "checkpoint":
        torch.save({"epoch": 3, "state": state}, path)
    else:
        prefix = "module." if kind == "prefixed" else ""
        torch.save({f"{prefix}{name}": value for name, value in state.items()}, path)
    before = path.read_bytes()
    more = ["key: state"] if kind == "checkpoint" else []
    model = load_model(manifest_of(path, "torch", "source: cnn.py:build", *more))
    assert model.emotions == ("anger", "fear", "joy")
    answers_and_gradients_agree(model, cnn, cnn_inputs, rows=32)
    assert directional_error(model.logits, cnn_inputs[:4]) < 1e-3
    assert path.read_bytes() == before
