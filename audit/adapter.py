"""Between the audit and a model of anyone's making: its axis order before it, its labels and activation after it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from audit.errors import ModelError
from audit.model import Activation, Model, TorchModel

ONE = "1"
CHUNK = "k"


@dataclass(frozen=True)
class Chunks:
    """A clip as a stack of pieces: `frames` columns each, a new one every `step` columns."""

    frames: int
    step: int


class Ahead(nn.Module):
    """Inputs in the audit's own order of axes to inputs as the network takes them."""

    def __init__(self, letters: Mapping[int, str], order: str | None, chunks: Chunks | None) -> None:
        super().__init__()
        self.letters, self.order, self.chunks = dict(letters), order, chunks

    @property
    def idle(self) -> bool:
        """Whether nothing is changed."""
        return self.order is None and self.chunks is None

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (n, ...) with the axes named by `order`: 1 is an axis of one, a letter left out must be one.

        Raises ModelError where the order does not fit.
        """
        there = self.letters.get(inputs.ndim, "")
        if self.chunks is not None:
            size, step = self.chunks.frames, self.chunks.step
            if size > inputs.shape[-1]:
                raise ModelError(f"input.chunks of {size} columns: one input has {inputs.shape[-1]}")
            # (n, ..., columns) -> (n, pieces, ..., frames)
            inputs = inputs.unfold(-1, size, step).movedim(-2, 1)
            there = there[:1] + CHUNK + there[1:]
        if self.order is None:
            return inputs
        kept = self.order.replace(ONE, "")
        unknown = [letter for letter in kept if letter not in there]
        if unknown or len(set(kept)) < len(kept) or not kept.startswith(there[:1]):
            raise ModelError(
                f"input.order {self.order!r}: one batch is {there or 'of no known order'} "
                f"{tuple(inputs.shape)}; every letter of it once, n first, and 1 for an axis of one"
            )
        for axis in reversed(range(len(there))):
            if there[axis] not in kept:
                if inputs.shape[axis] != 1:
                    raise ModelError(
                        f"input.order {self.order!r} leaves out {there[axis]!r}, which has {inputs.shape[axis]} "
                        "places; only an axis of one can be left out"
                    )
                inputs = inputs.squeeze(axis)
        there = "".join(letter for letter in there if letter in kept)
        inputs = inputs.permute([there.index(letter) for letter in kept])
        for axis, letter in enumerate(self.order):
            if letter == ONE:
                inputs = inputs.unsqueeze(axis)
        return inputs


class Behind(nn.Module):
    """What the network puts out to one logit per emotion: softmax undone, labels renamed, merged and left out."""

    firsts: Tensor

    def __init__(self, activation: Activation, groups: Sequence[Sequence[int]], labels: int) -> None:
        super().__init__()
        self.activation, self.labels = activation, labels
        self.groups = [list(group) for group in groups]
        self.register_buffer("firsts", torch.tensor([group[0] for group in groups]), persistent=False)

    @property
    def idle(self) -> bool:
        """Whether nothing is changed."""
        return self.activation in ("none", "log_softmax") and self.groups == [[i] for i in range(self.labels)]

    def forward(self, outputs: Tensor) -> Tensor:
        """Return logits (n, emotions) whose softmax are the emotions' probabilities.

        Of probabilities the logarithm is a logit; the probability of merged labels is the sum of theirs, and without
        a label that is left out, those of the others are shares of what remains.
        """
        if self.activation in ("softmax", "sigmoid"):
            outputs = outputs.clamp_min(torch.finfo(outputs.dtype).tiny).log()
        if self.groups == [[i] for i in range(self.labels)]:
            return outputs
        if all(len(group) == 1 for group in self.groups):
            return outputs.index_select(1, self.firsts.to(outputs.device))
        return torch.stack([outputs[:, group].logsumexp(1) for group in self.groups], dim=1)


class _Adapted(Model):
    def __init__(self, inner: Model, ahead: Ahead, behind: Behind, emotions: tuple[str, ...]) -> None:
        super().__init__()
        self.inner, self.ahead, self.behind, self.emotions = inner, ahead, behind, emotions
        self.name, self.spec, self.differentiable = inner.name, inner.spec, inner.differentiable
        self.activation, self.note = inner.activation, inner.note

    @property
    def device(self) -> torch.device:
        return self.inner.device

    def _logits(self, inputs: Tensor) -> Tensor:
        return self.behind(self.inner._logits(self.ahead(inputs)))


def adapted(model: Model, ahead: Ahead, behind: Behind, emotions: tuple[str, ...]) -> Model:
    """Return the model as it takes the audit's inputs and answers with logits of `emotions`."""
    if ahead.idle and behind.idle:
        model.emotions = emotions
        return model
    if isinstance(model, TorchModel) and model.module is not None:
        parts = [("ahead", ahead), ("network", model.module), ("behind", behind)]
        kept = OrderedDict((name, part) for name, part in parts if name == "network" or not part.idle)
        model.module, model.emotions = nn.Sequential(kept).eval(), emotions
        model.order, model.chunked = ahead.order, ahead.chunks is not None
        return model
    return _Adapted(model, ahead, behind, emotions)
