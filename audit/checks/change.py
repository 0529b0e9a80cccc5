"""Clips that a check changed, and the records of what the model said to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from audit.checks.session import Session
from audit.model import Model
from audit.record import Record
from audit.suite import Check


@dataclass(frozen=True)
class Change:
    """One batch at one severity: `before` and `after` are inputs, or waveforms where `on_waveform`, (n, ...).

    `measure` is that of its records; `probabilities` (n, emotions) are what the model says to `after`, None where it
    has not been asked.
    """

    method: str
    severity: float
    indices: list[int]
    before: Tensor
    after: Tensor
    on_waveform: bool
    measure: str = ""
    probabilities: Tensor | None = None


Changes = Callable[[Check, Session, Sequence[int]], Iterator[Change]]


def judged(check: Check, session: Session, changes: Changes) -> Iterator[Record]:
    """Yield a prediction per changed clip; for changed waveforms, the reached signal-to-noise ratio too."""
    for change in changes(check, session, session.chosen(check)):
        model = space_of(session.model, on_waveform=change.on_waveform)
        said = change.probabilities if change.probabilities is not None else session.predict(change.after, model)
        yield from session.predictions(check, change.method, change.severity, change.indices, said, change.measure)
        if change.on_waveform and not change.measure:
            reached = snr_db(change.before, change.after).cpu()
            # A clip that was left as it is, such as one that is wrong already, has no ratio.
            kept = reached.isfinite()
            noisy = [index for index, finite in zip(change.indices, kept.tolist(), strict=True) if finite]
            yield from session.scores(check, change.method, "snr_db", change.severity, noisy, reached[kept])
        session.progress.advance(len(change.indices))


def total(check: Check, session: Session) -> int:
    """Return the number of predictions the check makes."""
    assert check.sweep is not None
    rounds = len(check.uses) + (len(check.uses) > 1)
    return len(session.chosen(check)) * len(check.sweep[1]) * rounds


def space_of(model: Model, *, on_waveform: bool) -> Model:
    """Return the model as it takes what the check changes."""
    return model.view_from_waveform() if on_waveform else model


def snr_db(clean: Tensor, changed: Tensor) -> Tensor:
    """Return each clip's signal-to-noise ratio in dB, (n,); infinite where nothing changed."""
    signal = clean.double().square().mean(dim=-1)
    noise = (changed.double() - clean.double()).square().mean(dim=-1)
    return 10.0 * torch.log10(signal / noise)
