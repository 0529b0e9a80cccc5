"""The onnx loader: graphs that are converted to torch, and those that onnxruntime answers for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from audit.errors import MethodError, ModelError
from audit.kinds import find
from audit.manifest import load_model
from audit.model import TorchModel, as_found, gradient
from audit.randomness import SampleRng
from audit.saliency.gradcam import gradcam
from audit.saliency.lrp.lrp import lrp

from .conftest import INPUT, Write, answers_and_gradients_agree, directional_error

Export = Callable[..., Path]
EXAMPLE = torch.zeros(4, 1, 16, 32)
BLACK = "{onnx: {gradients: none}}"
ROADS = pytest.mark.parametrize("loader", ["onnx", BLACK], ids=["converted", "black box"])


def runtime(path: Path, inputs: Tensor, output: str | None = None) -> Tensor:
    """What onnxruntime itself says, so many at a time as the graph is made for."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    size = given.shape[0] if isinstance(given.shape[0], int) else len(inputs)
    kind = np.float64 if "double" in given.type else np.float32
    names = [output or session.get_outputs()[0].name]
    parts = [session.run(names, {given.name: part.numpy().astype(kind)})[0] for part in inputs.split(size)]
    return torch.from_numpy(np.concatenate(parts)).float()


def written(folder: Path, nodes: list[onnx.NodeProto], weights: dict[str, np.ndarray], outputs: int = 3) -> Path:
    """Write a graph from mel-spectrograms "input" to "output"."""
    free = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *sizes])
        for name, sizes in (("input", (1, 16, 32)), ("output", (outputs,)))
    ]
    kept = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "net", free[:1], free[1:], kept)
    path = folder / "made.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@ROADS
def test_answers_are_onnxruntimes_own(
    cnn: nn.Module, cnn_inputs: Tensor, manifest_of: Write, export_onnx: Export, loader: str
) -> None:
    path = export_onnx(cnn, EXAMPLE)
    before = path.read_bytes()
    model = load_model(manifest_of(path, loader))
    assert model.emotions == ("anger", "fear", "joy")
    assert model.differentiable == (loader == "onnx")
    assert model.activation == "none"
    assert model.weights == (path,)
    for count in (1, 32):
        answers = model.logits(cnn_inputs[:count])
        torch.testing.assert_close(answers, runtime(path, cnn_inputs[:count]), atol=1e-5, rtol=0)
        torch.testing.assert_close(answers, cnn(cnn_inputs[:count]), atol=1e-5, rtol=0)
        assert torch.equal(model.logits(cnn_inputs[:count]), answers)
    assert path.read_bytes() == before


@pytest.mark.parametrize("fixed", [False, True])
def test_gradients_are_the_networks_own(
    cnn: nn.Module, cnn_inputs: Tensor, manifest_of: Write, export_onnx: Export, fixed: bool
) -> None:
    model = load_model(manifest_of(export_onnx(cnn, EXAMPLE, fixed=fixed), "onnx"))
    assert "gradients by conversion of the ONNX graph to torch, equal to onnxruntime within" in model.note
    assert directional_error(model.logits, cnn_inputs[:3]) < 1e-3
    answers_and_gradients_agree(model, cnn, cnn_inputs, rows=7)


@pytest.mark.parametrize("fixed", [False, True])
def test_gradcam_and_lrp_see_what_they_see_of_the_network(
    cnn: nn.Sequential, cnn_inputs: Tensor, manifest_of: Write, export_onnx: Export, fixed: bool
) -> None:
    model = load_model(manifest_of(export_onnx(cnn, EXAMPLE, fixed=fixed), "onnx"))
    # The exporter folds batch normalisation into the convolution before it.
    first, norm, *rest = cnn
    assert isinstance(first, nn.Conv2d)
    assert isinstance(norm, nn.BatchNorm2d)
    folded = nn.Sequential(nn.utils.fusion.fuse_conv_bn_eval(first, norm), *rest).eval()
    own = TorchModel(folded, model.spec, model.emotions)
    targets, rng = torch.tensor([0, 1, 2, 0, 1]), SampleRng([1, 2, 3, 4, 5])
    for method in (gradcam, lrp):
        found, due = (method(each, cnn_inputs[:5], targets, rng).values for each in (model, own))
        torch.testing.assert_close(found, due, atol=1e-6, rtol=1e-4)
        assert float(due.abs().max()) > 1e-5


def test_without_gradients_what_needs_them_says_so(
    cnn: nn.Module, cnn_inputs: Tensor, manifest_of: Write, export_onnx: Export
) -> None:
    model = load_model(manifest_of(export_onnx(cnn, EXAMPLE), BLACK))
    assert model.note == "black box, answered by onnxruntime: gradients: none"
    with pytest.raises(MethodError, match="gradient"):
        gradient(model, cnn_inputs[:1], torch.tensor([0]))


@ROADS
def test_a_softmax_at_the_end_is_left_out(
    cnn: nn.Sequential, cnn_inputs: Tensor, manifest_of: Write, export_onnx: Export, loader: str
) -> None:
    # So far apart that no logarithm of the probabilities would bring the logits back.
    cnn[-1].get_parameter("weight").mul_(1000)
    model = load_model(manifest_of(export_onnx(nn.Sequential(cnn, nn.Softmax(-1)).eval(), EXAMPLE), loader))
    assert model.activation == "none"
    assert "softmax left out" in model.note
    torch.testing.assert_close(model.logits(cnn_inputs), cnn(cnn_inputs), atol=1e-3, rtol=1e-5)


@ROADS
def test_log_softmax_and_sigmoid_at_the_end_are_recognised(
    cnn: nn.Module, cnn_inputs: Tensor, manifest_of: Write, export_onnx: Export, loader: str
) -> None:
    for end, known in ((nn.LogSoftmax(1), "log_softmax"), (nn.Sigmoid(), "sigmoid")):
        path = export_onnx(nn.Sequential(cnn, end).eval(), EXAMPLE)
        model = load_model(manifest_of(path, loader))
        assert model.activation == known
        due = runtime(path, cnn_inputs)
        torch.testing.assert_close(
            model.logits(cnn_inputs), due.log() if known == "sigmoid" else due, atol=1e-5, rtol=0
        )


@ROADS
def test_a_graph_for_batches_of_one_size_is_run_in_parts(
    cnn: nn.Module, cnn_inputs: Tensor, manifest_of: Write, export_onnx: Export, loader: str
) -> None:
    path = export_onnx(cnn, EXAMPLE, fixed=True)
    model = load_model(manifest_of(path, loader))
    assert "made for batches of 4 alone" in model.note
    torch.testing.assert_close(model.logits(cnn_inputs), runtime(path, cnn_inputs), atol=1e-5, rtol=0)
    for count in (1, 3, 7):
        torch.testing.assert_close(model.logits(cnn_inputs[:count]), cnn(cnn_inputs[:count]), atol=1e-5, rtol=0)


@ROADS
def test_a_graph_in_double_precision_computes_in_it(
    cnn: nn.Module, cnn_inputs: Tensor, manifest_of: Write, export_onnx: Export, loader: str
) -> None:
    # Of convolutions, onnxruntime knows none in double precision.
    first, last = nn.Linear(512, 16), nn.Linear(16, 3)
    network = nn.Sequential(nn.Flatten(), first, last).double().requires_grad_(False)
    # In single precision, nothing behind the point would be left between the layers.
    first.bias.add_(1e6)
    last.bias.sub_(1e6 * last.weight.sum(1))
    path = export_onnx(network, EXAMPLE.double())
    model = load_model(manifest_of(path, loader))
    torch.testing.assert_close(model.logits(cnn_inputs), runtime(path, cnn_inputs), atol=1e-7, rtol=1e-7)
    due = network(cnn_inputs.double()).float()
    torch.testing.assert_close(model.logits(cnn_inputs), due, atol=1e-7, rtol=1e-7)


class Several(nn.Module):
    def __init__(self, cnn: nn.Module) -> None:
        super().__init__()
        self.cnn = cnn

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        return inputs.flatten(1) * 2, self.cnn(inputs)


@ROADS
def test_of_several_outputs_the_logits_are_found(
    cnn: nn.Module, cnn_inputs: Tensor, manifest_of: Write, export_onnx: Export, loader: str
) -> None:
    path = export_onnx(Several(cnn).eval(), EXAMPLE, output_names=["hidden", "logits"])
    model = load_model(manifest_of(path, loader))
    torch.testing.assert_close(model.logits(cnn_inputs), runtime(path, cnn_inputs, "logits"), atol=1e-5, rtol=0)


class Two(nn.Module):
    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        return left + right


def test_a_graph_of_two_inputs_is_refused_by_their_names(manifest_of: Write, export_onnx: Export) -> None:
    path = export_onnx(Two(), torch.zeros(2, 3), torch.zeros(2, 3))
    with pytest.raises(ModelError, match=r"takes 2 inputs \(input, \S+\)"):
        load_model(manifest_of(path, "onnx"))


@ROADS
def test_axes_in_another_order_are_found(
    cnn: nn.Module, cnn_inputs: Tensor, manifest_of: Write, export_onnx: Export, loader: str
) -> None:
    path = export_onnx(cnn, EXAMPLE)
    with pytest.raises(ModelError, match=r"takes \(any, 1, 16, 32\), and one batch is \(\d, 16, 32, 1\).*`order:`"):
        load_model(manifest_of(path, loader, input=INPUT.replace("{sampling", "{order: nft1, sampling")))


@ROADS
def test_a_wrong_number_of_outputs_is_found(
    cnn: nn.Module, manifest_of: Write, export_onnx: Export, loader: str
) -> None:
    with pytest.raises(ModelError, match="names 2 emotions"):
        load_model(manifest_of(export_onnx(cnn, EXAMPLE), loader, emotions="[anger, fear]"))


def test_lending_the_model_out_leaves_it_as_it_was(
    cnn: nn.Module, cnn_inputs: Tensor, manifest_of: Write, export_onnx: Export
) -> None:
    model = load_model(manifest_of(export_onnx(cnn, EXAMPLE), "onnx"))
    assert model.module is not None
    before = {name: value.clone() for name, value in model.module.state_dict().items()}
    assert before
    answers = model.logits(cnn_inputs)
    with as_found(model):
        model.logits(cnn_inputs)
    assert all(torch.equal(value, before[name]) for name, value in model.module.state_dict().items())
    assert torch.equal(model.logits(cnn_inputs), answers)


def test_an_operation_without_conversion_leaves_a_black_box_that_names_it(
    cnn_inputs: Tensor, tmp_path: Path, manifest_of: Write
) -> None:
    nodes = [
        helper.make_node("Slice", ["input", "starts", "ends", "axes"], ["square"]),
        helper.make_node("Det", ["square"], ["one"]),
        helper.make_node("MatMul", ["one", "weight"], ["output"]),
    ]
    weights = {"starts": np.array([0, 0]), "ends": np.array([3, 3]), "axes": np.array([2, 3])}
    path = written(tmp_path, nodes, {**weights, "weight": np.array([[1, -2, 3]], dtype=np.float32)})
    model = load_model(manifest_of(path, "onnx"))
    assert not model.differentiable
    assert model.note == "black box, answered by onnxruntime: no conversion to torch of Det"
    torch.testing.assert_close(model.logits(cnn_inputs), runtime(path, cnn_inputs), atol=1e-5, rtol=0)


def test_a_graph_of_steps_alone_has_no_gradient_and_is_a_black_box(
    cnn_inputs: Tensor, tmp_path: Path, manifest_of: Write
) -> None:
    nodes = [
        helper.make_node("Greater", ["input", "half"], ["above"]),
        helper.make_node("Cast", ["above"], ["steps"], to=1),
        helper.make_node("Flatten", ["steps"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weight"], ["output"]),
    ]
    weight = np.linspace(-1, 1, 512 * 3, dtype=np.float32).reshape(512, 3)
    path = written(tmp_path, nodes, {"half": np.array(0.5, dtype=np.float32), "weight": weight})
    model = load_model(manifest_of(path, "onnx"))
    assert not model.differentiable
    assert model.note == "black box, answered by onnxruntime: its answers change in steps, and have no gradient"
    torch.testing.assert_close(model.logits(cnn_inputs), runtime(path, cnn_inputs), atol=1e-4, rtol=0)


def test_a_graph_tells_of_itself_what_it_takes_and_puts_out(
    cnn: nn.Module, tmp_path: Path, export_onnx: Export
) -> None:
    look = find("loader", "onnx").facts["inspect"]
    found = look(export_onnx(cnn, EXAMPLE), trust=False)
    assert (found.shape, found.outputs) == ((1, 16, 32), 3)
    (tmp_path / "other.bin").write_bytes(b"no graph")
    assert look(tmp_path / "other.bin", trust=False) is None
