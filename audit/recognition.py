"""What a model's outputs are: logits, or probabilities that must not go through softmax again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from audit.errors import ModelError
from audit.model import Activation

CLOSE = 1e-4
ROUNDED = 0.05
"""How far, as a share, probabilities written with two digits may sum to another number."""
WHOLES = (1.0, 100.0)
NORMALISED: tuple[Activation, ...] = ("softmax", "log_softmax")
_NAMES: Mapping[Activation, str] = {
    "none": "no activation",
    "softmax": "softmax",
    "log_softmax": "log_softmax",
    "sigmoid": "sigmoid",
}

_LAST: Mapping[type[nn.Module], Activation] = {
    nn.Linear: "none",
    nn.Softmax: "softmax",
    nn.LogSoftmax: "log_softmax",
    nn.Sigmoid: "sigmoid",
}


@contextmanager
def watched(module: nn.Module | None) -> Iterator[Callable[[Tensor], Activation | None]]:
    """Lend out a function that says, of an output of `module`, which activation made it, None where none is known."""
    made: dict[int, tuple[nn.Module, object]] = {}
    handles = []

    def note(layer: nn.Module, _: object, output: object) -> None:
        # The output is kept alive, so that no other tensor can take its identity.
        made[id(output)] = (layer, output)

    leaves = [m for m in module.modules() if not any(m.children())] if module is not None else []
    for leaf in leaves:
        if not isinstance(leaf, torch.jit.ScriptModule):
            handles.append(leaf.register_forward_hook(note))

    def activation(output: Tensor) -> Activation | None:
        layer = made[id(output)][0] if id(output) in made else None
        return next((name for kind, name in _LAST.items() if isinstance(layer, kind)), None)

    try:
        yield activation
    finally:
        for handle in handles:
            handle.remove()


def without_softmax(module: nn.Module, inputs: Tensor) -> bool:
    """Take an `nn.Softmax` from the end of a network, so that it puts out logits; return whether that could be done.

    Probabilities of exactly 0 and 1 have no gradients, and their logarithms are not what the network computed.
    `inputs` are a few, to see that softmax of the logits gives the same answers; otherwise nothing is changed.
    """
    with watched(module) as seen:
        before = module(inputs)
        if seen(before) != "softmax":
            return False
    for parent in module.modules():
        for name, child in parent.named_children():
            if isinstance(child, nn.Softmax):
                setattr(parent, name, nn.Identity())
                if torch.allclose(module(inputs).softmax(1), before, atol=1e-6):
                    return True
                setattr(parent, name, child)
    return False


def activation_of(
    outputs: Tensor,
    *,
    declared: Activation | None,
    known: Activation | None,
    left_out: bool = False,
    kept: Sequence[int] | None = None,
) -> Activation:
    """Return what the outputs (n, labels) of a few unlike inputs went through.

    `known` is what the loader knows from the file, where `left_out` says that a softmax was taken from its end;
    `declared` is what the manifest says; with neither, the outputs tell: probabilities may be rounded, or in percent.
    `kept` are the labels that are emotions: what else a server answers with need not be a probability.
    Raises ModelError where what is declared cannot be, or where neither says whether values in [0, 1] are logits.
    """
    if known is not None:
        ends = "softmax" if left_out else known
        if declared not in (None, ends):
            raise ModelError(f"activation: {declared}, but the model ends in {_NAMES[ends]}; leave the line out")
        return known
    looks = _look(outputs)
    if looks not in NORMALISED and kept is not None and len(kept) < outputs.shape[1]:
        looks, outputs = _look(outputs[:, list(kept)]), outputs[:, list(kept)]
    total = float(outputs.sum(1)[0])
    if declared is not None:
        if declared == "none" and looks == "softmax" and are_probabilities(outputs, CLOSE):
            raise ModelError(
                f"activation: none, but no answer is below 0 and every one sums to {total:.4g}: write "
                "`activation: softmax`, or softmax would be taken twice"
            )
        if declared == "softmax" and looks != "softmax":
            raise ModelError(f"activation: softmax, but the answers sum to {total:.4g}, not to 1")
        if declared == "log_softmax" and looks != "log_softmax":
            total = float(outputs.exp().sum(1)[0])
            raise ModelError(f"activation: log_softmax, but the answers' exponentials sum to {total:.4g}, not to 1")
        if declared == "sigmoid" and not _within(outputs):
            raise ModelError("activation: sigmoid, but the answers hold values outside 0 to 1")
        return declared
    if looks == "sigmoid":
        raise ModelError(
            "all answers lie between 0 and 1 and do not sum to 1: say what the network applies to its outputs, "
            "`activation: sigmoid`, or `activation: none` if they are logits"
        )
    return looks


def are_probabilities(outputs: Tensor, within: float = ROUNDED) -> bool:
    """Return whether rows (n, labels) are probabilities or percentages, whose sum may be off by a share `within`."""
    sums = outputs.double().sum(1)
    whole = any(bool(((sums / whole - 1.0).abs() <= within).all()) for whole in WHOLES)
    return whole and bool((outputs >= 0).all())


def _look(outputs: Tensor) -> Activation:
    values = outputs.double()
    if are_probabilities(outputs):
        return "softmax"
    if _within(outputs):
        return "sigmoid"
    if bool((values <= 0).all()) and bool(((values.exp().sum(1) - 1.0).abs() < CLOSE).all()):
        return "log_softmax"
    return "none"


def _within(outputs: Tensor) -> bool:
    return bool(((outputs >= 0) & (outputs <= 1)).all()) and bool(torch.isfinite(outputs).all())
