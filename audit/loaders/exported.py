"""Loads an exported program, the `.pt2` of torch.export: code and weights in one file."""

from __future__ import annotations

import math
import os
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings, simplefilter

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram
from torch.export.graph_signature import TensorArgument

from audit.errors import ModelError, UntrustedError, told
from audit.kinds import loader
from audit.loaders.called import Called
from audit.loaders.inspection import Inspection
from audit.loaders.torch_archive.archive import Archive, archive_at
from audit.loaders.torch_archive.program import reach
from audit.model import Activation, Model, TorchModel

if TYPE_CHECKING:
    from audit.manifest import Manifest

aten = torch.ops.aten
LAST: dict[Any, Activation] = {
    aten.softmax.int: "softmax",
    aten._softmax.default: "softmax",
    aten.log_softmax.int: "log_softmax",
    aten._log_softmax.default: "log_softmax",
    aten.sigmoid.default: "sigmoid",
    aten.linear.default: "none",
    aten.addmm.default: "none",
}
MODEL = "model"
ONLY_WEIGHTS, ANYTHING = "TORCH_FORCE_WEIGHTS_ONLY_LOAD", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"


def _inspect(path: Path, *, trust: bool, key: str | None = None) -> Inspection | None:
    """Return the shapes of input and output; raises ModelError, UntrustedError for a program that could do more."""
    del key
    try:
        archive = archive_at(path, "exported")
    except (ModelError, OSError):
        return None
    program = _opened(archive, trust=trust)
    taken, returned = _input(program, path), _output(program)
    shape = tuple(size if isinstance(size, int) else None for size in taken.shape[1:])
    return Inspection("an exported program", None if returned is None else int(returned.shape[-1]), shape=shape)


@loader(extensions=(".pt2",), inspect=_inspect)
def exported(manifest: Manifest) -> Model:
    """Return the network as it was exported, on the CPU; gradients are its own and exact.

    `manifest.weights` is what `torch.export.save` wrote. Batches of a size it was not exported for are run in parts,
    the last one filled up. A softmax at the network's end is left out, so that outputs (n, labels) are logits.
    Opening such a file by itself may run any code: it holds pickles, and names functions to call. It is therefore
    opened with weights alone, and only where every operation of its graph is one of ATen; any other needs
    `trust: true`. What cannot be ruled out are faults in torch's own operations.
    Raises ModelError for what is no such archive, is truncated, takes more than one input, or was exported in training
    mode; UntrustedError for a file that could run code.
    """
    path = manifest.due_weights("a .pt2 file")
    program = _opened(archive_at(path, "exported"), trust=manifest.trust)
    taken = _input(program, path)
    _refuse_training(program, path)
    activation, left_out = _ending(program)
    size, fixed = _batch(program, taken)
    whole = Called(
        _Whole(_module(program, path)), len(manifest.labels), dtype=taken.dtype, size=size, fixed=fixed
    ).eval()
    layered = _layered(program, taken, whole)
    model = TorchModel(layered or whole, manifest.spec, manifest.labels, name=manifest.name)
    model.activation, model.softmax_left_out = activation, left_out
    notes = ["its softmax left out"] if left_out else []
    notes += [f"exported for batches of {size} alone: run in parts, the last one filled up"] if fixed else []
    notes += [] if layered is not None else ["its layers cannot be told apart, so GradCAM finds none"]
    model.note = "; ".join(notes)
    return model


def _opened(archive: Archive, *, trust: bool) -> ExportedProgram:
    # The function behind torch.export.load, which would print what went wrong and go on with an older format.
    from torch.export.pt2_archive._package import load_pt2

    remedy = "Export it to ONNX; or declare `trust: true` in the manifest if you know where the file comes from"
    found = None if trust else reach(archive)
    if found is not None:
        raise UntrustedError(f"{archive.path}: the program {found}, which could run any code when opened. {remedy}")
    try:
        with _pickles(weights_only=not trust), catch_warnings():
            simplefilter("ignore")
            programs = load_pt2(archive.stream()).exported_programs
    except pickle.UnpicklingError as error:
        raise UntrustedError(
            f"{archive.path}: holds pickled Python objects, which can run any code when opened. {remedy}"
        ) from error
    except Exception as error:
        raise _cannot_open(archive.path, error) from error
    if MODEL not in programs:
        raise ModelError(f"{archive.path}: holds no program {MODEL!r} (there is: {', '.join(programs) or 'none'})")
    return programs[MODEL]


def _module(program: ExportedProgram, path: Path) -> nn.Module:
    try:
        # The guards are Python in the file, and say no more than the shapes do.
        return program.module(check_guards=False)
    except Exception as error:
        raise _cannot_open(path, error) from error


def _cannot_open(path: Path, error: Exception) -> ModelError:
    return ModelError(f"{path}: cannot be opened ({told(error)}); export it again with the torch used here")


@contextmanager
def _pickles(*, weights_only: bool) -> Iterator[None]:
    """Let torch open pickles as weights alone: without, it opens one that is refused so once more as anything."""
    before = {name: os.environ.pop(name, None) for name in (ONLY_WEIGHTS, ANYTHING)}
    if weights_only:
        os.environ[ONLY_WEIGHTS] = "1"
    try:
        yield
    finally:
        os.environ.pop(ONLY_WEIGHTS, None)
        os.environ.update({name: value for name, value in before.items() if value is not None})


def _input(program: ExportedProgram, path: Path) -> Tensor:
    """Return the one input as it was exported, with its shape and dtype."""
    names = program.graph_signature.user_inputs
    nodes = [node for node in program.graph.nodes if node.op == "placeholder" and node.name in names]
    if len(nodes) != 1 or not isinstance(nodes[0].meta.get("val"), Tensor):
        told = ", ".join(map(str, names)) or "none"
        raise ModelError(f"{path}: takes {len(names)} inputs ({told}); a network of one tensor is due")
    taken: Tensor = nodes[0].meta["val"]
    if not taken.is_floating_point() or taken.ndim < 1:
        raise ModelError(f"{path}: takes {taken.dtype} values of shape {tuple(taken.shape)}; a batch of numbers is due")
    return taken


def _end(program: ExportedProgram) -> torch.fx.Node:
    (end,) = (node for node in program.graph.nodes if node.op == "output")
    return end


def _output(program: ExportedProgram) -> Tensor | None:
    end: Any = _end(program)
    outputs = [node for node in end.args[0] if node is not None]
    return outputs[0].meta.get("val") if len(outputs) == 1 else None


def _refuse_training(program: ExportedProgram, path: Path) -> None:
    for node in program.graph.nodes:
        schema = getattr(node.target, "_schema", None)
        for place, argument in enumerate(schema.arguments if schema is not None else ()):
            given = node.args[place] if place < len(node.args) else node.kwargs.get(argument.name)
            if argument.name in ("training", "train") and given is True:
                raise ModelError(
                    f"{path}: was exported in training mode ({node.target}), so its answers depend on chance and on "
                    "each other; export network.eval()"
                )


def _batch(program: ExportedProgram, taken: Tensor) -> tuple[int | None, bool]:
    """Return the size of batches it takes, None for any, and whether it takes no smaller ones."""
    first = taken.shape[0]
    if isinstance(first, int):
        return first, True
    limits = program.range_constraints.get(first.node.expr)
    most = None if limits is None else str(limits.upper)
    return (int(most), False) if most is not None and most.isdecimal() else (None, False)


def _ending(program: ExportedProgram) -> tuple[Activation | None, bool]:
    """Return what the outputs went through, where the graph shows it, after leaving out a softmax."""
    end: Any = _end(program)
    (spec, *others) = program.graph_signature.output_specs
    made: Any = end.args[0][0]
    if others or not isinstance(made, torch.fx.Node):
        return None, False
    last = LAST.get(made.target)
    if last != "softmax" or made.args[1] not in (1, -1):
        return last, False
    logits: Any = made.args[0]
    end.args = ((logits,),)
    program.graph.erase_node(made)
    program.graph_signature.output_specs[0] = replace(spec, arg=TensorArgument(name=logits.name))
    return "none", True


def _layered(program: ExportedProgram, taken: Tensor, whole: Called) -> Called | None:
    """Return the program with its layers as modules, which can be watched; None where that changes its answers."""
    sizes = [each if isinstance(each, int) else 2 for each in taken.shape]
    inputs = torch.linspace(0, 1, math.prod(sizes), dtype=taken.dtype).view(sizes)
    try:
        with catch_warnings(), torch.no_grad():
            simplefilter("ignore")
            layered = whole.around(torch.export.unflatten(program)).eval()
            if torch.equal(layered(inputs), whole(inputs)):
                return layered
    except Exception:
        # torch takes some programs apart wrongly, and says so in any kind of error.
        return None
    return None


class _Whole(nn.Module):
    """An exported program as one module, which refuses to be asked for its mode."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def train(self, mode: bool = True) -> _Whole:
        """Set this module's mode; the program keeps the one it was exported in."""
        self.training = mode
        return self

    def forward(self, inputs: Tensor) -> Any:
        return self.network(inputs)
