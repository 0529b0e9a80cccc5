"""Loads an ONNX graph: as a network of torch where it can be converted, else as onnxruntime answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from audit.adapter import Ahead
from audit.errors import ModelError, told
from audit.extras import needed
from audit.kinds import loader
from audit.loaders.called import SIZES, Called, in_parts
from audit.loaders.inspection import Inspection
from audit.model import BlackBox, Model, TorchModel

if TYPE_CHECKING:
    from audit.loaders.onnx_graph.file import Model as File
    from audit.loaders.onnx_graph.network import Network
    from audit.manifest import Manifest

CLOSE = 1e-5
STEEP = 1e-2
STEP = 1e-6
EXAMPLES = 3
Answer = Callable[[NDArray[np.float32]], NDArray[Any]]


def _inspect(path: Path, *, trust: bool, key: str | None = None) -> Inspection | None:
    """Return the shapes of input and output; raises ModelError for a broken file."""
    del trust, key
    if path.suffix.lower() != ".onnx" or path.is_dir():
        return None
    needed("onnx", extra="onnx")
    from audit.loaders.onnx_graph.file import model_at, output_of, shape_of

    model = model_at(path)
    outputs = shape_of(output_of(model, None))
    return Inspection(
        f"an ONNX graph of {len(model.proto.graph.node)} operations (operator set {model.opset})",
        outputs[1] if len(outputs) == 2 else None,
        shape=model.shape[1:] or None,
    )


@loader(extensions=(".onnx",), inspect=_inspect)
def onnx(manifest: Manifest, *, gradients: Literal["auto", "none"] = "auto") -> Model:
    """Return the graph as a network of torch, with gradients, or as a black box that onnxruntime answers for.

    With `gradients: auto` every operation of the graph is written down in torch, where there is a conversion of it, and
    the network is taken where it gives onnxruntime's answers within 1e-5, to one input and to several, and where its
    gradient is what its answers change by. Else, and with `gradients: none`, the answers are onnxruntime's own; the
    model's note says which, and why.
    Batches of a size the graph does not take are run in parts, the last one filled up. A softmax at the end is left
    out, so that outputs (n, labels) are logits. An ONNX graph cannot run code; its weights may lie in files beside it,
    and nowhere else.
    Raises ModelError for a broken file, missing weights, more than one input, or an input that is not what it takes.
    """
    path = manifest.due_weights("an .onnx file")
    if gradients not in ("auto", "none"):
        raise ModelError(f"{manifest.path}: gradients: {gradients!r} is neither auto nor none")
    needed("onnx", extra="onnx")
    needed("onnxruntime", extra="onnx")
    from audit.loaders.onnx_graph.file import LARGEST, cut, model_at, output_of

    file = model_at(path)
    output = output_of(file, len(manifest.labels))
    small = file.proto.ByteSize() < LARGEST
    activation, left_out = cut(file, output) if small else (None, False)
    size = file.shape[0] if file.shape else None
    answer = _Answer(file, file.proto.graph.output[0].name if small else output.name, size, in_memory=small)
    found, notes = _network(manifest, file, answer, gradients) if small else (None, ["it is too large to convert"])
    model: Model
    if found is None:
        model = BlackBox(answer, manifest.spec, manifest.labels, name=manifest.name)
    else:
        module = Called(found, len(manifest.labels), dtype=answer.torch_dtype, size=size, fixed=size is not None)
        model = TorchModel(module.eval(), manifest.spec, manifest.labels, name=manifest.name)
    notes += ["its softmax left out"] if left_out else []
    notes += [f"made for batches of {size} alone: run in parts, the last one filled up"] if size is not None else []
    model.activation, model.softmax_left_out = activation, left_out
    model.weights, model.note = file.files, "; ".join(notes)
    return model


class _Answer:
    """What onnxruntime says to inputs (n, ...)."""

    def __init__(self, file: File, output: str, size: int | None, *, in_memory: bool) -> None:
        runtime = needed("onnxruntime", extra="onnx")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.use_deterministic_compute = True
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # What keeps it from answering is raised; warnings of unused weights are no one's business.
        options.log_severity_level = 4
        given = file.proto.SerializeToString() if in_memory else str(file.path)
        try:
            self.session = runtime.InferenceSession(given, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise ModelError(f"{file.path}: onnxruntime cannot open it ({told(error)})") from error
        self.file, self.output, self.size = file, output, size
        self.torch_dtype: torch.dtype = getattr(torch, file.dtype)

    def __call__(self, inputs: NDArray[np.float32]) -> NDArray[Any]:
        return in_parts(self._run, torch.from_numpy(inputs), self.size, fixed=True).numpy()

    def _run(self, inputs: Tensor) -> Tensor:
        from audit.loaders.onnx_graph.file import shown

        file = self.file
        free = len(inputs.shape) == len(file.shape) and all(
            due is None or due == size for due, size in zip(file.shape, inputs.shape, strict=True)
        )
        if file.shape and not free:
            raise ModelError(f"{file.path}: takes {shown(file.shape)}, and one batch is {tuple(inputs.shape)}; {SIZES}")
        try:
            (found,) = self.session.run([self.output], {file.input: inputs.numpy().astype(file.dtype)})
        except Exception as error:
            raise ModelError(f"{file.path}: onnxruntime fails on {tuple(inputs.shape)} ({told(error)})") from error
        return torch.from_numpy(np.asarray(found, dtype=np.float32))


def _network(manifest: Manifest, file: File, answer: _Answer, gradients: str) -> tuple[nn.Module | None, list[str]]:
    """Return the converted network and what to say of it, or None and why not."""
    from audit.loaders.onnx_graph.convert import converted
    from audit.loaders.onnx_graph.table import NotConvertedError

    why = "black box, answered by onnxruntime: "
    if gradients == "none":
        return None, [why + "gradients: none"]
    inputs = _examples(manifest)
    try:
        network = converted(file.proto, answer.output)
        module = Called(
            network, len(manifest.labels), dtype=answer.torch_dtype, size=answer.size, fixed=bool(answer.size)
        )
        with torch.no_grad():
            answers = [module.eval()(inputs)]
        with torch.enable_grad():
            one = module(inputs[:1].clone().requires_grad_(True))
        answers.append(one.detach())
    except NotConvertedError as error:
        return None, [f"{why}no conversion to torch of {error}"]
    except Exception as error:
        return None, [f"{why}its conversion to torch fails with {told(error)}"]
    if not one.requires_grad:
        return None, [f"{why}its answers change in steps, and have no gradient"]
    due = [torch.from_numpy(answer(part.numpy())) for part in (inputs, inputs[:1])]
    if any(each.shape != theirs.shape for each, theirs in zip(answers, due, strict=True)):
        return None, [f"{why}its conversion to torch gives {tuple(answers[0].shape)}, not {tuple(due[0].shape)}"]
    apart = max(float((each - theirs).abs().max()) for each, theirs in zip(answers, due, strict=True))
    scale = max(1.0, max(float(theirs.abs().max()) for theirs in due))
    if not apart <= CLOSE * scale:
        return None, [f"{why}its conversion to torch differs by {apart:.1g}"]
    wrong = _gradient_error(network, inputs[EXAMPLES:], answer.size)
    if wrong > STEEP:
        return None, [f"{why}the gradient of its conversion to torch is {wrong:.1g} off"]
    return network, [f"gradients by conversion of the ONNX graph to torch, equal to onnxruntime within {apart:.1g}"]


def _gradient_error(network: Network, inputs: Tensor, size: int | None) -> float:
    """Return how far the gradient of a random sum of outputs is from differences, as a share of its length.

    Both are taken in double precision; 0 where the graph does not compute in that. No two cells of `inputs` may be
    alike: at the largest of equal values there is no one gradient.
    """
    from audit.loaders.onnx_graph.network import doubled

    twin, chance = doubled(network), torch.Generator().manual_seed(0)
    middle = inputs.double()
    leaf = middle.clone().requires_grad_(True)
    try:
        answers = in_parts(twin, leaf, size, fixed=True)
    except RuntimeError:
        return 0.0
    weights = torch.randn(answers.shape, generator=chance, dtype=torch.float64)
    way = torch.randn(inputs.shape, generator=chance, dtype=torch.float64)
    (found,) = torch.autograd.grad((answers * weights).sum(), leaf)
    step = STEP * max(float(middle.max() - middle.min()), STEP)
    with torch.no_grad():
        ahead, behind = (in_parts(twin, middle + side * way, size, fixed=True) for side in (step, -step))
    rise = ((ahead - behind) * weights).sum() / (2 * step)
    length = max(float(found.norm()), abs(float(rise)), STEP)
    return abs(float((found * way).sum() - rise)) / length


def _examples(manifest: Manifest) -> Tensor:
    """Return a few inputs as the graph takes them: of the kind it is made for, and of noise in the same range."""
    ahead = Ahead(manifest.spec.letters, manifest.order, manifest.chunks)
    try:
        inputs = ahead(manifest.spec.represent(manifest.spec.example(EXAMPLES)))
    except ModelError as error:
        raise ModelError(f"{manifest.path}: {error}") from error
    except Exception as error:
        raise ModelError(f"{manifest.path}: no input can be made as it says ({told(error)})") from error
    noise = torch.rand(inputs.shape, generator=torch.Generator().manual_seed(0))
    low, high = inputs.min(), inputs.max()
    return torch.cat([inputs, low + noise * (high - low)])
