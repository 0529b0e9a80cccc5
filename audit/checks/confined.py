"""Attacks held to a part of the input: to the cells a map calls the most relevant, and to the least relevant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from audit.checks.attack import into_ball
from audit.checks.explainer import Explainer
from audit.errors import MethodError
from audit.masking import top_cells
from audit.model import Model
from audit.record import CONFINED, Record
from audit.suite import known

SALIENT, LEAST = "salient", "least"


def confined(explainer: Explainer, indices: Sequence[int], values: Tensor) -> Iterator[Record]:
    """Yield what the check's attack takes from the true emotion's probability, held to the salient and least cells.

    Salient is what counts most for the emotion or against it, by the magnitude of its relevance. Both parts hold the
    check's masked share of the cells.
    Raises MethodError where the attack cannot be confined, or returns a wrong shape, NaN or infinity.
    """
    check, session = explainer.check, explainer.session
    assert check.confined is not None
    method = known(check.confined)
    if not method.facts["gradients"]:
        raise MethodError(f"confined: {method.name} takes no gradients, and cannot be held to a part of the input")
    parameters = dict(check.confined.parameters)
    (size,) = parameters.pop("epsilon")
    model = session.model
    before = session.inputs[list(indices)].to(model.device)
    truths = session.truths[list(indices)]
    was = session.clean[list(indices)].gather(1, truths[:, None]).squeeze(1)
    for part, sign in ((SALIENT, 1), (LEAST, -1)):
        rng = session.rng(indices, check.id, CONFINED, explainer.name, part)
        cells = top_cells(sign * values.abs(), check.masked, rng).to(model.device)
        view = _Confined(model, before, cells)
        (proposal,) = method.load()(view, before, truths.to(model.device), rng, epsilon=[size], **parameters)
        if proposal.shape != before.shape or not bool(torch.isfinite(proposal).all()):
            raise MethodError(f"confined: {method.name} returned a wrong shape, NaN or infinity")
        moved = model.spec.clip(into_ball(before, proposal.detach(), size, method.facts["norm"]))
        probabilities = session.predict(torch.where(cells, moved, before))
        fall = was - probabilities.gather(1, truths[:, None]).squeeze(1)
        for index, row, score in zip(indices, probabilities, fall.tolist(), strict=True):
            emotion = model.emotions[int(row.argmax())]
            yield Record(
                check.id,
                explainer.name,
                f"{CONFINED}/{part}",
                size,
                session.samples[index],
                emotion,
                row.tolist(),
                score,
            )


class _Confined(Model):
    """The same model, to which nothing but some cells of these inputs can change."""

    def __init__(self, inner: Model, inputs: Tensor, cells: Tensor) -> None:
        self.inner, self.inputs, self.cells, self.ledger = inner, inputs, cells, inner.ledger
        self.name, self.spec, self.emotions = inner.name, inner.spec, inner.emotions
        self.differentiable = inner.differentiable

    @property
    def device(self) -> torch.device:
        return self.inner.device

    def _logits(self, inputs: Tensor) -> Tensor:
        if inputs.shape != self.inputs.shape:
            raise MethodError("confined: this attack asks about parts of a batch, and cannot be held to cells")
        return self.inner._logits(torch.where(self.cells, inputs, self.inputs))
