"""Whether a model answers the same for the same clip: whenever it is asked, and whatever else is in the batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from audit.checks.session import Session
from audit.errors import ModelError, ModelRaisedError, told
from audit.model import Model

Predict = Callable[[Tensor, int], Tensor]
"""Inputs (n, ...) and how many go at a time, to probabilities (n, emotions)."""
ASKED_AGAIN = 16
TOLERATED = 1e-3
SAME = 1e-6
"""How little a probability changes from clip to clip where a member hears nothing."""
CHANCE = "answers change from call to call"
COMPANIONS = "answers depend on the other clips in the batch"
DEAD = "a member of the ensemble is dead"
REMEDIES = {
    DEAD: "mend that member's weights, input or manifest, or leave it out",
    CHANCE: "switch off what draws at random (dropout, sampling, augmentation) or keeps something from call to call",
    COMPANIONS: "take out what is computed over the batch (batch norm in training mode, a mean over clips)",
}


@dataclass(frozen=True)
class Instability:
    """A model whose answers are not its own: `change` is the largest of a probability that should be equal.

    Or, of an ensemble, the largest of one that should not be: that of a `member` that tells no clip from another.
    """

    finding: str
    change: float
    clips: int
    member: str = ""

    @property
    def reason(self) -> str:
        """Why there is no verdict, in a clause."""
        if self.member:
            return f"{self.seen}; an ensemble that is less than it says is not judged"
        return f"{self.finding}, a probability by up to {self.change:.2g}; what is no property of a clip is not judged"

    @property
    def seen(self) -> str:
        """What was seen, in a clause."""
        if self.member:
            return f"{self.finding}: {self.member} gives {self.clips} clips the same answer"
        asked = "twice" if self.finding == CHANCE else "in another order and one by one"
        return (
            f"{self.finding}: asked {asked} about the same {self.clips} clips, the model changed a probability by up "
            f"to {self.change:.2g}"
        )

    @property
    def remedy(self) -> str:
        """What to do."""
        return REMEDIES[self.finding]

    def __str__(self) -> str:
        """Return what was seen and what to do."""
        return f"{self.seen}, so no verdict is given; {self.remedy}, and audit again"


def examine(session: Session) -> Instability | None:
    """Return what differs where the session's model is asked again, as `asked_again` does."""

    def predict(inputs: Tensor, size: int) -> Tensor:
        return replace(session, batch_size=size).predict(inputs)

    found = asked_again(session.model, predict, session.inputs, session.clean, session.batch_size)
    return found or _dead(session)


def _dead(session: Session) -> Instability | None:
    """Return the first member of an ensemble that gives very different clips the same answer."""
    count = min(len(session.inputs), ASKED_AGAIN)
    if count < 2:
        return None
    indices = torch.linspace(0, len(session.inputs) - 1, count).round().long()
    inputs = session.inputs[indices].to(session.model.device)
    for name, logits in session.model.members.items():
        with torch.inference_mode(), session.model.ledger.passes(forward=count):
            said = logits(inputs).double().softmax(1).cpu()
        change = float((said - said[:1]).abs().max())
        if change < SAME:
            return Instability(DEAD, change, count, name)
    return None


def asked_again(model: Model, predict: Predict, inputs: Tensor, clean: Tensor, batch_size: int) -> Instability | None:
    """Ask again about a few clips: in the same batch, in reverse, and one by one; return what differs, if anything.

    `clean` (n, emotions) are the probabilities that `model` gave for `inputs` (n, ...) before.
    Raises ModelError where the model fails on clips that it has answered for.
    """
    count = min(len(inputs), ASKED_AGAIN)
    indices = torch.linspace(0, len(inputs) - 1, count).round().long()
    few, together = inputs[indices], min(max(batch_size, 2), ASKED_AGAIN)
    with blamed(model, f"when asked again about {count} clips"):
        first, again = predict(few, together), predict(few, together)
        reverse = predict(few.flip(0), together).flip(0)
    with blamed(model, "on a clip alone in its batch"):
        alone = predict(few, 1)
    for finding, others in (
        (CHANCE, (again,)),
        (COMPANIONS, (reverse, alone)),
        # What changed once, before, and no more: something is kept.
        (CHANCE, (clean[indices],)),
    ):
        change = max(float((other - first).abs().max()) for other in others)
        if change > TOLERATED:
            return Instability(finding, change, count)
    return None


@contextmanager
def blamed(model: Model, where: str) -> Iterator[None]:
    """Raise as ModelError whatever a model's own code raises; `where` says what it was asked."""
    try:
        yield
    except ModelRaisedError as error:
        cause = error.__cause__ or error
        raise ModelError(
            f"model {model.name!r} fails {where} ({told(cause)}); mend the model, or describe its input as it takes it"
        ) from error
