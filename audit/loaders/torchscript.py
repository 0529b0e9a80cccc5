"""Loads a TorchScript archive: code and weights in one file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings, simplefilter

import torch
from torch import Tensor, nn
from torch.jit._fuser import optimized_execution

from audit.errors import ModelError, UntrustedError, told
from audit.kinds import loader
from audit.loaders.called import Called
from audit.loaders.inspect_torch import outputs_of
from audit.loaders.inspection import Inspection
from audit.loaders.torch_archive.archive import archive_at
from audit.loaders.torch_archive.script import reach
from audit.model import Activation, Model, TorchModel

if TYPE_CHECKING:
    from audit.manifest import Manifest

LAST: dict[str, Activation] = {
    "aten::softmax": "softmax",
    "aten::log_softmax": "log_softmax",
    "aten::sigmoid": "sigmoid",
    "aten::linear": "none",
    "aten::addmm": "none",
}


def _inspect(path: Path, *, trust: bool, key: str | None = None) -> Inspection | None:
    """Return how many outputs its last layer has; raises ModelError, UntrustedError for code that could do more."""
    del key
    try:
        archive_at(path, "torchscript")
    except (ModelError, OSError):
        return None
    state = _opened(path, trust=trust).state_dict()
    return Inspection("a TorchScript network", outputs_of({name: tuple(each.shape) for name, each in state.items()}))


@loader(extensions=(".ts", ".torchscript"), inspect=_inspect)
def torchscript(manifest: Manifest) -> Model:
    """Return the network, in evaluation mode, on the CPU; gradients are its own and exact.

    `manifest.weights` is what `torch.jit.script` or `torch.jit.trace` made and `save` wrote. A softmax at the network's
    end is left out, so that outputs (n, labels) are logits.
    Opening such a file runs no Python, only TorchScript: a language that computes with tensors, but that can read and
    write files by two operations, and call those of extensions to torch. Code that names any of these needs
    `trust: true`. What cannot be ruled out are programs that never end, and faults in torch's own operations.
    Its layers cannot be watched from without: GradCAM needs the network itself, or its export to .pt2.
    Raises ModelError for what is no such archive, is truncated, takes more than one input or was traced in training
    mode; UntrustedError for code that does more than compute.
    """
    path = manifest.due_weights("a .ts, .torchscript or .pt file")
    script = _opened(path, trust=manifest.trust)
    activation, left_out = _ending(script)
    dtype = next((p.dtype for p in script.parameters() if p.is_floating_point()), torch.float32)
    network = _Script(script)
    model = TorchModel(
        Called(network, len(manifest.labels), dtype=dtype).eval(), manifest.spec, manifest.labels, name=manifest.name
    )
    model.activation, model.softmax_left_out = activation, left_out
    model.note = "its softmax left out" if left_out else ""
    return model


class _Script(nn.Module):
    """A script, run as it was written: what torch would optimise on the way changes between calls and batch sizes.

    It is no submodule: torch neither exports one nor asks a frozen one for its mode. Its tensors are shown as this
    module's own, which share their memory.
    """

    script: Any

    def __init__(self, script: Any) -> None:
        super().__init__()
        for value in script.parameters():
            value.requires_grad_(False)
        object.__setattr__(self, "script", script)
        self._show()

    def _show(self) -> None:
        for name, value in self.script.named_parameters():
            self.register_parameter(name.replace(".", "_"), nn.Parameter(value.detach(), requires_grad=False))
        for name, value in self.script.named_buffers():
            self.register_buffer(name.replace(".", "_"), value)

    def _apply(self, fn: Any, recurse: bool = True) -> _Script:
        self.script._apply(fn, recurse)
        self._show()
        return self

    def forward(self, inputs: Tensor) -> Any:
        with optimized_execution(False):
            return self.script(inputs)


def _opened(path: Path, *, trust: bool) -> Any:
    archive = archive_at(path, "torchscript")
    found = None if trust else reach(archive)
    if found is not None:
        raise UntrustedError(
            f"{path}: its code {found}. Export the network to .pt2 or ONNX; or declare `trust: true` in the manifest "
            "if you know where the file comes from"
        )
    try:
        with catch_warnings():
            # That TorchScript will go one day is nothing that the owner of a file can act upon.
            simplefilter("ignore", DeprecationWarning)
            script = torch.jit.load(archive.stream(), map_location="cpu")
    except Exception as error:
        raise ModelError(f"{path}: cannot be opened ({told(error)}); save it again with the torch used here") from error
    if hasattr(script, "training"):
        script.eval()
    _refuse_inputs(script, path)
    _refuse_training(script, path)
    return script


def _refuse_inputs(script: Any, path: Path) -> None:
    if not script._c._has_method("forward"):
        raise ModelError(f"{path}: holds no `forward` to call")
    asked = [each for each in script._c._get_method("forward").schema.arguments[1:] if not each.has_default_value()]
    if len(asked) != 1:
        names = ", ".join(each.name for each in asked) or "none"
        raise ModelError(f"{path}: its forward takes {len(asked)} inputs ({names}); a network of one is due")


def _refuse_training(script: Any, path: Path) -> None:
    """Raise ModelError where layers are in training mode for good."""
    graph = script.inlined_graph
    for kind, place in (("aten::batch_norm", 5), ("aten::dropout", 2)):
        for node in graph.findAllNodes(kind, recurse=True):
            training = list(node.inputs())[place]
            if training.node().kind() == "prim::Constant" and training.toIValue():
                raise ModelError(
                    f"{path}: was traced in training mode ({kind.removeprefix('aten::')}), so its answers depend on "
                    "chance and on each other; trace network.eval()"
                )


def _ending(script: Any) -> tuple[Activation | None, bool]:
    """Return what the outputs went through, where the graph shows it, after leaving out a softmax."""
    shown = script.inlined_graph
    outputs = list(shown.outputs())
    last = LAST.get(outputs[0].node().kind()) if len(outputs) == 1 else None
    if last != "softmax":
        return last, False
    graph = script._c._get_method("forward").graph
    torch._C._jit_pass_inline(graph)
    end = graph.return_node()
    (made,) = end.inputs()
    logits, axis, *_ = made.node().inputs()
    if axis.toIValue() not in (1, -1):
        return "softmax", False
    end.replaceInput(0, logits)
    return "none", True
