"""Loads whatever a Python function can call: the function is the model, or builds it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from audit.errors import ModelError
from audit.kinds import loader
from audit.loaders.inspection import Inspection
from audit.model import BlackBox, Model, TorchModel
from audit.source import called, function_of, shown

if TYPE_CHECKING:
    from audit.manifest import Manifest


def _inspect(path: Path, *, trust: bool, key: str | None = None) -> Inspection | None:
    """Say of a file of Python that a function in it must be named; nothing of it is run."""
    del trust, key
    if path.suffix != ".py":
        return None
    return Inspection("Python code", lines={"weights": None}, source="is the model, or builds it")


@loader(extensions=(".py",), inspect=_inspect)
def python(manifest: Manifest, *, differentiable: bool = False) -> Model:
    """Return the model that `source: file.py:function` is, or builds.

    A function with a parameter for the inputs is the model: called with each batch (n, ...), and with `arguments`, it
    returns (n, labels), logits or probabilities. A class, or a function that `arguments` alone can call, builds the
    model, once: a torch.nn.Module, or such a function. Batches and answers are numpy arrays, and there are no
    gradients; with `differentiable` they are torch tensors that autograd gets through.
    Raises ModelError, naming the function, where it cannot be called, raises, or returns anything else.
    """
    found = function_of(manifest)
    assert manifest.source is not None
    where = str(manifest.source)
    function = _built(found, manifest.arguments, where)
    if isinstance(function, nn.Module):
        return TorchModel(function.float().eval(), manifest.spec, manifest.labels, name=manifest.name)
    model: Model
    if differentiable:
        module = _Differentiable(function, where, len(manifest.labels))
        model = TorchModel(module.eval(), manifest.spec, manifest.labels, name=manifest.name)
    else:
        answer = partial(_answer, function, where, len(manifest.labels))
        model = BlackBox(answer, manifest.spec, manifest.labels, name=manifest.name)
        model.note = f"black box: {manifest.source.function} answers in numpy, without gradients"
    if manifest.weights is None:
        # The code is all there is to tell one such model from another.
        model.weights = (manifest.source.path,)
    return model


def _built(found: Any, arguments: Mapping[str, Any], where: str) -> Any:
    """Return the network or the function from inputs to outputs."""
    if isinstance(found, nn.Module):
        return found
    if _takes_inputs(found, arguments, where):
        return partial(found, **arguments) if arguments else found
    with torch.random.fork_rng(devices=[]):
        built = called(found, where, arguments=arguments)
    if not callable(built):
        raise ModelError(
            f"{where}({shown(arguments)}) returned a {type(built).__name__}; as `arguments` give all its parameters, "
            "it builds the model, and a torch.nn.Module or a function is due. One that takes the inputs itself "
            "has a parameter for them, first and without a default"
        )
    return built


def _takes_inputs(found: Any, arguments: Mapping[str, Any], where: str) -> bool:
    if isinstance(found, type):
        return False
    try:
        signature = inspect.signature(found)
    except (TypeError, ValueError):
        # Compiled functions often hide what they take.
        return True
    # A decorator's (*args, **kwargs) fits anything; the plain reading is a function of the inputs.
    hidden = any(p.kind is p.VAR_POSITIONAL for p in signature.parameters.values())
    if not hidden and _binds(signature, arguments):
        return False
    try:
        signature.bind(None, **arguments)
    except TypeError as error:
        raise ModelError(
            f"{where}{signature} takes neither a batch of inputs nor `arguments` ({shown(arguments) or 'none'}) "
            f"alone ({error}); give every parameter but the inputs a value in `arguments: {{name: value}}`"
        ) from error
    return True


def _binds(signature: inspect.Signature, arguments: Mapping[str, Any]) -> bool:
    try:
        signature.bind(**arguments)
    except TypeError:
        return False
    return True


class _Differentiable(nn.Module):
    """A function of torch tensors as a network."""

    def __init__(self, function: Callable[[Tensor], Any], where: str, labels: int) -> None:
        super().__init__()
        self.function, self.where, self.labels = function, where, labels

    def forward(self, inputs: Tensor) -> Tensor:
        found = called(self.function, self.where, inputs)
        if not isinstance(found, Tensor):
            raise ModelError(f"{self.where} returned a {type(found).__name__}; with `differentiable`, a tensor is due")
        _refuse_shape(tuple(found.shape), len(inputs), self.labels, self.where)
        if torch.is_grad_enabled() and inputs.requires_grad and not found.requires_grad:
            raise ModelError(
                f"{self.where}: no gradient gets from its answers to its inputs; take out detach(), no_grad() or "
                "numpy from it, or leave out `differentiable`"
            )
        return found


def _answer(
    function: Callable[[NDArray[np.float32]], Any], where: str, labels: int, inputs: NDArray[np.float32]
) -> NDArray[Any]:
    found = called(function, where, inputs)
    if isinstance(found, Tensor):
        found = found.detach().cpu().numpy()
    try:
        array = np.asarray(found)
    except ValueError as error:
        raise ModelError(
            f"{where} returned rows of unequal length; ({len(inputs)}, {labels}) numbers are due"
        ) from error
    if array.dtype.kind not in "fiub":
        told = f"text, {array.flat[0]!s:.40}" if array.dtype.kind in "US" and array.size else type(found).__name__
        raise ModelError(
            f"{where} returned {told}; the probability or logit of each of {labels} labels is due, an array of "
            f"({len(inputs)}, {labels}) numbers"
        )
    _refuse_shape(array.shape, len(inputs), labels, where)
    return array


def _refuse_shape(shape: tuple[int, ...], count: int, labels: int, where: str) -> None:
    if shape != (count, labels):
        raise ModelError(
            f"{where} returned {shape} for {count} inputs; one row per input and one column per label are due, "
            f"({count}, {labels})"
        )
