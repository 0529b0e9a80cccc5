"""Adversarial clips made against another model, and judged on this one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from audit.attacks.ascent import Ascent, projected
from audit.attacks.worst import equal
from audit.errors import MethodError
from audit.kinds import attack
from audit.manifest import load_model
from audit.model import Model, as_found
from audit.randomness import SampleRng


@attack(norm="linf", gradients=False)
def transfer(
    model: Model,
    inputs: Tensor,
    targets: Tensor,
    rng: SampleRng,
    *,
    epsilon: Sequence[float],
    source: Path,
    steps: int = 20,
    restarts: int = 1,
    step: float | None = None,
    loss: Literal["ce", "margin"] = "ce",
) -> Iterator[Tensor]:
    """Yield, per epsilon, what `pgd` finds against the model of the manifest `source`, in input units.

    The judged model is asked nothing. No clip is done before its last step: the surer the other model is of a wrong
    emotion, the likelier this one is. The other model must make the same inputs of a recording; where this one takes
    waveforms (`space: waveform`), its own front end becomes part of it. It must know all emotions of this one.
    Papernot, McDaniel and Goodfellow (2016), Transferability in machine learning; as a test for masked gradients,
    Carlini et al. (2019), On evaluating adversarial robustness.
    Raises MethodError where there is no such manifest, or the other model takes other inputs, lacks an emotion or gives
    no gradients.
    """
    path = Path(source)
    if not path.is_file():
        raise MethodError(f"transfer: source {path}: no such file; a manifest (*.model.yaml) is due")
    other = load_model(path)
    other.ledger = model.ledger
    if _heard(model) and other.spec.modality == "speech" and other.spec.representation != "waveform":
        other = other.view_from_waveform()
    _refuse_other_inputs(model, other)
    missing = [emotion for emotion in model.emotions if emotion not in other.emotions]
    if missing:
        raise MethodError(f"transfer: model {other.name!r} of {path} does not know {', '.join(missing)}")
    columns = torch.tensor([other.emotions.index(emotion) for emotion in model.emotions], device=targets.device)
    with as_found(other, str(inputs.device)):
        ascent = Ascent(other, inputs, columns[targets], norm="linf", loss=loss, enough=-torch.inf)
        yield from projected(ascent, equal(inputs, epsilon), rng, steps=steps, restarts=restarts, step=step)


def _refuse_other_inputs(model: Model, other: Model) -> None:
    """Raise MethodError where the two models' inputs of one recording differ."""
    ours, theirs = model.spec, other.spec
    words = f"transfer: model {model.name!r} takes {_told(model)}, and model {other.name!r} {_told(other)}"
    if ours.modality != theirs.modality or ours.described != theirs.described:
        raise MethodError(f"{words}; name a source that takes the same")
    example = ours.example(2)
    first, second = ours.represent(example), theirs.represent(example)
    if first.shape != second.shape or not torch.allclose(first, second, rtol=1e-4, atol=1e-5):
        instead = ", or set space: waveform" if ours.modality == "speech" else ""
        raise MethodError(
            f"{words}, of which inputs of shapes {tuple(first.shape[1:])} and {tuple(second.shape[1:])} are made that "
            f"are not the same; name a source with the same representation and scaling{instead}"
        )


def _heard(model: Model) -> bool:
    return model.spec.representation == "waveform" and model.spec.scaling is None


def _told(model: Model) -> str:
    return f"{model.spec.representation} of {model.spec.described}"
