"""The exported loader: programs of torch.export."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from audit.errors import ModelError, UntrustedError
from audit.kinds import find
from audit.manifest import load_model
from audit.model import TorchModel, as_found
from audit.randomness import SampleRng
from audit.saliency.gradcam import gradcam
from audit.saliency.lrp.lrp import lrp

from .conftest import Write, answers_and_gradients_agree, directional_error, endings_are_recognised

BATCHES = {"any": torch.export.Dim("batch"), "up to 8": torch.export.Dim("batch", max=8), "of 4": None}


def saved(network: nn.Module, folder: Path, batches: str = "any", name: str = "net.pt2") -> Path:
    path, dimension = folder / name, BATCHES[batches]
    shapes = ({0: dimension},) if dimension is not None else None
    with warnings.catch_warnings():
        # The exporter warns of its own deprecations.
        warnings.simplefilter("ignore")
        program = torch.export.export(network, (torch.zeros(4, 1, 16, 32),), dynamic_shapes=shapes)
        torch.export.save(program, path)
    return path


@pytest.mark.parametrize("batches", BATCHES)
def test_answers_and_gradients_are_the_networks_own(
    cnn: nn.Module, cnn_inputs: Tensor, tmp_path: Path, manifest_of: Write, batches: str
) -> None:
    path = saved(cnn, tmp_path, batches)
    before = path.read_bytes()
    model = load_model(manifest_of(path, "exported"))
    assert model.emotions == ("anger", "fear", "joy")
    assert model.differentiable
    assert model.activation == "none"
    assert ("batches of 4 alone" in model.note) == (batches == "of 4")
    answers_and_gradients_agree(model, cnn, cnn_inputs, rows=7)
    assert directional_error(model.logits, cnn_inputs[:3]) < 1e-3
    assert path.read_bytes() == before


@pytest.mark.parametrize("batches", BATCHES)
def test_gradcam_and_lrp_see_what_they_see_of_the_network(
    cnn: nn.Module, cnn_inputs: Tensor, tmp_path: Path, manifest_of: Write, batches: str
) -> None:
    model = load_model(manifest_of(saved(cnn, tmp_path, batches), "exported"))
    own = TorchModel(cnn, model.spec, model.emotions)
    targets, rng = torch.tensor([0, 1, 2, 0, 1]), SampleRng([1, 2, 3, 4, 5])
    for method in (gradcam, lrp):
        found, due = (method(each, cnn_inputs[:5], targets, rng).values for each in (model, own))
        torch.testing.assert_close(found, due, atol=1e-6, rtol=1e-4)
        assert float(due.abs().max()) > 1e-5


@pytest.mark.parametrize("batches", BATCHES)
def test_a_softmax_at_the_end_is_left_out(
    cnn: nn.Sequential, cnn_inputs: Tensor, tmp_path: Path, manifest_of: Write, batches: str
) -> None:
    # So far apart that no logarithm of the probabilities would bring the logits back.
    cnn[-1].weight.mul_(1000)
    model = load_model(manifest_of(saved(nn.Sequential(cnn, nn.Softmax(-1)), tmp_path, batches), "exported"))
    assert model.activation == "none"
    assert "softmax left out" in model.note
    torch.testing.assert_close(model.logits(cnn_inputs), cnn(cnn_inputs), atol=1e-3, rtol=1e-5)


def test_log_softmax_and_sigmoid_at_the_end_are_recognised(
    cnn: nn.Module, cnn_inputs: Tensor, tmp_path: Path, manifest_of: Write
) -> None:
    endings_are_recognised(
        cnn, cnn_inputs, lambda network: load_model(manifest_of(saved(network, tmp_path), "exported"))
    )


class Tangled(nn.Module):
    """One layer called twice, and its outputs in a mapping."""

    def __init__(self, cnn: nn.Module) -> None:
        super().__init__()
        self.cnn = cnn

    def forward(self, inputs: Tensor) -> dict[str, Tensor]:
        return {"hidden": inputs.flatten(1), "logits": self.cnn(inputs) + self.cnn(-inputs)}


def test_of_several_outputs_the_logits_are_found(
    cnn: nn.Module, cnn_inputs: Tensor, tmp_path: Path, manifest_of: Write
) -> None:
    network = Tangled(cnn)
    model = load_model(manifest_of(saved(network, tmp_path), "exported"))
    torch.testing.assert_close(model.logits(cnn_inputs), network(cnn_inputs)["logits"], atol=1e-5, rtol=0)


def test_a_program_in_double_precision_computes_in_it(
    cnn: nn.Module, cnn_inputs: Tensor, tmp_path: Path, manifest_of: Write
) -> None:
    path = tmp_path / "double.pt2"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(cnn.double(), (torch.zeros(4, 1, 16, 32).double(),)), path)
    model = load_model(manifest_of(path, "exported"))
    assert torch.equal(model.logits(cnn_inputs[:4]), cnn(cnn_inputs[:4].double()).float())


def test_lending_the_model_out_leaves_it_as_it_was(
    cnn: nn.Module, cnn_inputs: Tensor, tmp_path: Path, manifest_of: Write
) -> None:
    model = load_model(manifest_of(saved(cnn, tmp_path), "exported"))
    assert model.module is not None
    before = {name: value.clone() for name, value in model.module.state_dict().items()}
    modes = [part.training for part in model.module.modules()]
    answers = model.logits(cnn_inputs)
    with as_found(model):
        model.logits(cnn_inputs)
    assert all(torch.equal(value, before[name]) for name, value in model.module.state_dict().items())
    assert [part.training for part in model.module.modules()] == modes
    assert torch.equal(model.logits(cnn_inputs), answers)


def test_opening_a_program_leaves_the_environment_alone(
    cnn: nn.Module, tmp_path: Path, manifest_of: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    before = dict(os.environ)
    load_model(manifest_of(saved(cnn, tmp_path), "exported"))
    assert dict(os.environ) == before


def test_layers_that_cannot_be_told_apart_leave_the_program_whole(
    cnn: nn.Module, cnn_inputs: Tensor, tmp_path: Path, manifest_of: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> nn.Module:
        raise AssertionError("no such layer")

    wrong = nn.Sequential(nn.Flatten(), nn.Linear(512, 3))
    path = saved(cnn, tmp_path)
    for taken_apart in (refuse, lambda _: wrong):
        monkeypatch.setattr(torch.export, "unflatten", taken_apart)
        model = load_model(manifest_of(path, "exported"))
        assert "layers cannot be told apart" in model.note
        with as_found(model):
            torch.testing.assert_close(model.logits(cnn_inputs), cnn(cnn_inputs), atol=1e-5, rtol=0)


def test_a_truncated_empty_or_foreign_file_says_so(cnn: nn.Module, tmp_path: Path, manifest_of: Write) -> None:
    content = saved(cnn, tmp_path).read_bytes()
    path = tmp_path / "damaged.pt2"
    for damage, told in (
        (content[: len(content) // 2], "not a whole archive"),
        (b"", "is empty"),
        (b"<html>404</html>", "is no archive"),
        (b"\x80\x02}q\x00.", "is a pickle"),
    ):
        path.write_bytes(damage)
        with pytest.raises(ModelError, match=told) as caught:
            load_model(manifest_of(path, "exported"))
        assert str(path) in str(caught.value)
        assert not isinstance(caught.value, UntrustedError)


@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")
def test_another_loaders_archive_is_called_by_its_name(cnn: nn.Module, tmp_path: Path, manifest_of: Write) -> None:
    torch.save(cnn.state_dict(), tmp_path / "state.pt")
    with pytest.raises(ModelError, match=r"holds weights alone.*`loader: torch`"):
        load_model(manifest_of(tmp_path / "state.pt", "exported"))
    torch.jit.script(cnn).save(str(tmp_path / "net.ts"))
    with pytest.raises(ModelError, match=r"holds a TorchScript archive.*`loader: torchscript`"):
        load_model(manifest_of(tmp_path / "net.ts", "exported"))


class Two(nn.Module):
    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        return left + right


def test_a_network_of_two_inputs_is_refused_by_their_names(tmp_path: Path, manifest_of: Write) -> None:
    path = tmp_path / "two.pt2"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(Two(), (torch.zeros(2, 3), torch.zeros(2, 3))), path)
    with pytest.raises(ModelError, match=r"takes 2 inputs \(left, right\)"):
        load_model(manifest_of(path, "exported"))


@pytest.mark.parametrize("spoilt", [lambda cnn: cnn[1].train(), lambda cnn: cnn[4].train()])
def test_a_network_exported_in_training_mode_is_refused(
    cnn: nn.Module, tmp_path: Path, manifest_of: Write, spoilt: Callable[[nn.Module], None]
) -> None:
    spoilt(cnn)
    with pytest.raises(ModelError, match=r"exported in training mode \(aten\.\w+\.default\).*export network\.eval\(\)"):
        load_model(manifest_of(saved(cnn, tmp_path), "exported"))


def test_a_wrong_number_of_outputs_is_found(cnn: nn.Module, tmp_path: Path, manifest_of: Write) -> None:
    with pytest.raises(ModelError, match="names 2 emotions"):
        load_model(manifest_of(saved(cnn, tmp_path), "exported", emotions="[anger, fear]"))


def test_a_program_tells_of_itself_what_it_takes_and_puts_out(cnn: nn.Module, tmp_path: Path) -> None:
    look = find("loader", "exported").facts["inspect"]
    found = look(saved(cnn, tmp_path), trust=False)
    assert (found.shape, found.outputs) == ((1, 16, 32), 3)
    (tmp_path / "other.bin").write_bytes(b"PK but no archive")
    assert look(tmp_path / "other.bin", trust=False) is None
