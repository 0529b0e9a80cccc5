"""The torchscript loader: archives of code and weights."""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from audit.errors import MethodError, ModelError, UntrustedError
from audit.kinds import find
from audit.manifest import load_model
from audit.model import TorchModel, as_found
from audit.randomness import SampleRng
from audit.saliency.gradcam import gradcam
from audit.saliency.lrp.lrp import lrp

from .conftest import Write, answers_and_gradients_agree, directional_error, endings_are_recognised

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:torch"),
    pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning"),
]


def saved(network: nn.Module, folder: Path, how: str = "script") -> Path:
    path = folder / f"{how}.ts"
    made = torch.jit.trace(network, torch.zeros(2, 1, 16, 32)) if how == "trace" else torch.jit.script(network)
    (torch.jit.freeze(made.eval()) if how == "frozen" else made).save(str(path))
    return path


@pytest.mark.parametrize("how", ["script", "trace", "frozen"])
def test_answers_and_gradients_are_the_networks_own(
    cnn: nn.Module, cnn_inputs: Tensor, tmp_path: Path, manifest_of: Write, how: str
) -> None:
    path = saved(cnn, tmp_path, how)
    before = path.read_bytes()
    model = load_model(manifest_of(path, "torchscript"))
    assert model.emotions == ("anger", "fear", "joy")
    assert model.differentiable
    assert model.activation == "none"
    answers_and_gradients_agree(model, cnn, cnn_inputs, rows=32)
    assert directional_error(model.logits, cnn_inputs[:4]) < 1e-3
    assert path.read_bytes() == before


@pytest.mark.parametrize("how", ["script", "trace", "frozen"])
def test_a_softmax_at_the_end_is_left_out(
    cnn: nn.Sequential, cnn_inputs: Tensor, tmp_path: Path, manifest_of: Write, how: str
) -> None:
    # So far apart that no logarithm of the probabilities would bring the logits back.
    cnn[-1].weight.mul_(1000)
    model = load_model(manifest_of(saved(nn.Sequential(cnn, nn.Softmax(1)), tmp_path, how), "torchscript"))
    assert model.activation == "none"
    assert "softmax left out" in model.note
    torch.testing.assert_close(model.logits(cnn_inputs), cnn(cnn_inputs), atol=1e-3, rtol=1e-5)


def test_log_softmax_and_sigmoid_at_the_end_are_recognised(
    cnn: nn.Module, cnn_inputs: Tensor, tmp_path: Path, manifest_of: Write
) -> None:
    endings_are_recognised(
        cnn, cnn_inputs, lambda network: load_model(manifest_of(saved(network, tmp_path), "torchscript"))
    )


@pytest.mark.parametrize("how", ["script", "frozen"])
def test_lending_the_model_out_leaves_it_as_it_was(
    cnn: nn.Module, cnn_inputs: Tensor, tmp_path: Path, manifest_of: Write, how: str
) -> None:
    model = load_model(manifest_of(saved(cnn, tmp_path, how), "torchscript"))
    assert model.module is not None
    before = {name: value.clone() for name, value in model.module.state_dict().items()}
    answers = model.logits(cnn_inputs)
    with as_found(model):
        model.logits(cnn_inputs)
    assert all(torch.equal(value, before[name]) for name, value in model.module.state_dict().items())
    assert torch.equal(model.logits(cnn_inputs), answers)


@pytest.mark.parametrize("how", ["script", "trace", "frozen"])
def test_lrp_reads_a_script_as_it_reads_the_network(
    cnn: nn.Module, cnn_inputs: Tensor, tmp_path: Path, manifest_of: Write, how: str
) -> None:
    model = load_model(manifest_of(saved(cnn, tmp_path, how), "torchscript"))
    own = TorchModel(cnn, model.spec, model.emotions)
    targets, rng = torch.tensor([0, 1, 2]), SampleRng([1, 2, 3])
    found, due = (lrp(each, cnn_inputs[:3], targets, rng).values for each in (model, own))
    torch.testing.assert_close(found, due, atol=1e-6, rtol=1e-4)


def test_gradcam_says_that_it_sees_no_layers(
    cnn: nn.Module, cnn_inputs: Tensor, tmp_path: Path, manifest_of: Write
) -> None:
    path = saved(cnn, tmp_path)
    model = load_model(manifest_of(path, "torchscript"))
    targets, rng = torch.tensor([0]), SampleRng([1])
    with pytest.raises(MethodError, match="torch shows no layers of TorchScript"):
        gradcam(model, cnn_inputs[:1], targets, rng)
    bare = TorchModel(torch.jit.load(str(path)), model.spec, model.emotions, name="bare")
    with pytest.raises(MethodError, match=r"torch shows none of a ScriptModule, as model 'bare' is one.*\.pt2"):
        gradcam(bare, cnn_inputs[:1], targets, rng)
    with pytest.raises(MethodError, match="ScriptModule"):
        lrp(bare, cnn_inputs[:1], targets, rng)


class Writes(nn.Module):
    def forward(self, inputs: Tensor) -> Tensor:
        torch.save(inputs, "written-by-a-model")
        return inputs.flatten(1)[:, :3] - 1


class Reads(nn.Module):
    def forward(self, inputs: Tensor) -> Tensor:
        return inputs.flatten(1)[:, :3] + torch.from_file("secret", size=3)


@pytest.mark.parametrize(("network", "named"), [(Writes(), "save"), (Reads(), "from_file")])
def test_code_that_touches_files_is_refused_before_it_runs(
    tmp_path: Path, manifest_of: Write, monkeypatch: pytest.MonkeyPatch, network: nn.Module, named: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = saved(network, tmp_path)
    with pytest.raises(UntrustedError, match=rf"its code names `{named}`.*`trust: true`"):
        load_model(manifest_of(path, "torchscript"))
    assert not (tmp_path / "written-by-a-model").exists()


def test_with_trust_such_code_runs(tmp_path: Path, manifest_of: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    load_model(manifest_of(saved(Writes(), tmp_path), "torchscript", "trust: true"))
    assert (tmp_path / "written-by-a-model").exists()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('getattr(torch, "sa" "ve")(x, "hidden")', "a name that is not plain"),
        ('getattr(getattr(self, "0"), "sa" "ve")(x, "hidden")', "a name that is not plain"),
        ("ops.c10d.barrier(x)", "operations of an extension"),
        ("o = ops", "operations of an extension"),
        ("t = torch\n    t.save(x, 'hidden')", "`save`"),
        ("__torch__.torch.classes.profiler._RecordFunction", "objects of an extension"),
    ],
)
def test_code_that_hides_what_it_calls_is_refused(
    cnn: nn.Module, tmp_path: Path, manifest_of: Write, line: str, told: str
) -> None:
    path = saved(cnn, tmp_path)
    other = tmp_path / "other.ts"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(other, "w") as new:
        for name in old.namelist():
            text = old.read(name)
            # A class that torch saw before is written under another file's name.
            if "/container" in name and name.endswith(".py"):
                text = text.replace(b"    return", f"    {line}\n    return".encode())
            new.writestr(name, text)
    with pytest.raises(UntrustedError, match=told):
        load_model(manifest_of(other, "torchscript"))


class Nested(nn.Module):
    def __init__(self, cnn: nn.Module) -> None:
        super().__init__()
        self.add_module("0", nn.ModuleList([cnn]))

    def forward(self, inputs: Tensor) -> Tensor:
        return self.get_submodule("0.0")(inputs)


def test_layers_with_numbers_for_names_are_no_hidden_calls(
    cnn: nn.Module, cnn_inputs: Tensor, tmp_path: Path, manifest_of: Write
) -> None:
    path = tmp_path / "nested.ts"
    torch.jit.trace(Nested(cnn), cnn_inputs[:2]).save(str(path))
    code = b"".join(
        zipfile.ZipFile(path).read(name) for name in zipfile.ZipFile(path).namelist() if name.endswith(".py")
    )
    assert b"getattr(" in code
    torch.testing.assert_close(load_model(manifest_of(path, "torchscript")).logits(cnn_inputs), cnn(cnn_inputs))


def test_a_truncated_empty_or_foreign_file_says_so(cnn: nn.Module, tmp_path: Path, manifest_of: Write) -> None:
    content = saved(cnn, tmp_path).read_bytes()
    path = tmp_path / "damaged.ts"
    for damage, told in (
        (content[: len(content) // 2], "not a whole archive"),
        (b"", "is empty"),
        (b"<html>404</html>", "is no archive"),
        (b"\x80\x02}q\x00.", "is a pickle"),
    ):
        path.write_bytes(damage)
        with pytest.raises(ModelError, match=told) as caught:
            load_model(manifest_of(path, "torchscript"))
        assert str(path) in str(caught.value)
        assert not isinstance(caught.value, UntrustedError)


def test_another_loaders_archive_is_called_by_its_name(cnn: nn.Module, tmp_path: Path, manifest_of: Write) -> None:
    torch.save(cnn.state_dict(), tmp_path / "state.pt")
    with pytest.raises(ModelError, match=r"holds weights alone.*`loader: torch`"):
        load_model(manifest_of(tmp_path / "state.pt", "torchscript"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(cnn, (torch.zeros(2, 1, 16, 32),)), tmp_path / "net.pt2")
    with pytest.raises(ModelError, match=r"holds an exported program.*`loader: exported`"):
        load_model(manifest_of(tmp_path / "net.pt2", "torchscript"))


class Two(nn.Module):
    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        return left + right


def test_a_network_of_two_inputs_is_refused_by_their_names(tmp_path: Path, manifest_of: Write) -> None:
    with pytest.raises(ModelError, match=r"takes 2 inputs \(left, right\)"):
        load_model(manifest_of(saved(Two(), tmp_path), "torchscript"))


def test_a_network_traced_in_training_mode_is_refused(cnn: nn.Module, tmp_path: Path, manifest_of: Write) -> None:
    path = tmp_path / "training.ts"
    torch.jit.trace(cnn.train(), torch.zeros(2, 1, 16, 32), check_trace=False).save(str(path))
    with pytest.raises(ModelError, match=r"traced in training mode \(batch_norm\).*trace network\.eval\(\)"):
        load_model(manifest_of(path, "torchscript"))


def test_a_script_saved_in_training_mode_answers_in_evaluation_mode(
    cnn: nn.Module, cnn_inputs: Tensor, tmp_path: Path, manifest_of: Write
) -> None:
    path = saved(cnn.train(), tmp_path)
    torch.testing.assert_close(load_model(manifest_of(path, "torchscript")).logits(cnn_inputs), cnn.eval()(cnn_inputs))


def test_a_wrong_number_of_outputs_is_found(cnn: nn.Module, tmp_path: Path, manifest_of: Write) -> None:
    with pytest.raises(ModelError, match="names 2 emotions"):
        load_model(manifest_of(saved(cnn, tmp_path), "torchscript", emotions="[anger, fear]"))


def test_a_script_tells_of_itself_how_many_outputs_it_has(cnn: nn.Module, tmp_path: Path) -> None:
    look = find("loader", "torchscript").facts["inspect"]
    assert look(saved(cnn, tmp_path), trust=False).outputs == 3
    (tmp_path / "other.bin").write_bytes(b"PK but no archive")
    assert look(tmp_path / "other.bin", trust=False) is None
