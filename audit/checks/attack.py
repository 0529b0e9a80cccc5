"""Attacked clips: the driver brings them into the ball and the bounds, and the model predicts again.

A check of several attacks keeps, per clip and severity, the worst that any of them found in that ball or in a smaller
one: its `strongest`, which its gates are decided by.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from audit.attacks.worst import margins
from audit.checks import gradients
from audit.checks.change import Change, space_of
from audit.checks.session import Session
from audit.errors import MethodError
from audit.kinds import Method
from audit.model import Model
from audit.record import ALONE
from audit.suite import STRONGEST, Check, Use, known

NORMS = ("linf", "l2", "snr_db")


def changes(check: Check, session: Session, indices: Sequence[int], without: Collection[str] = ()) -> Iterator[Change]:
    """Yield the clips attacked at each severity, batch by batch; no clip leaves its ball or the bounds.

    `without` names methods that are left out, beside those that need gradients of a model that gives none. Of several
    methods, each is yielded `alone`, then the strongest.
    Raises MethodError where an attack returns NaN or a wrong shape, or cannot be applied to the model, where none is
    left, and where the methods' balls are of different norms.
    """
    lacking = gradients.lacking(check, session.model)
    uses = [use for use in check.uses if use.name not in (*without, *lacking)]
    if not uses:
        raise MethodError("; ".join(lacking.values()) or f"check {check.id}: every attack is left out")
    norm = _norm(uses)
    on_waveform = check.space == "waveform"
    model = space_of(session.model, on_waveform=on_waveform)
    source = session.recordings if on_waveform else session.inputs
    for batch in session.batches(indices):
        before = source[batch].to(model.device)
        if len(check.uses) == 1:
            yield from attacked(check, uses[0], session, model, batch, before)
            continue
        found: dict[float, list[Change]] = {}
        for use in uses:
            for change in attacked(check, use, session, model, batch, before):
                judged = replace(change, measure=ALONE, probabilities=session.predict(change.after, model))
                found.setdefault(change.severity, []).append(judged)
                yield judged
        yield from _strongest(check, found, _Worst.of(session.clean[batch], session.truths[batch], before), norm)


def attacked(
    check: Check, use: Use, session: Session, model: Model, batch: list[int], before: Tensor
) -> Iterator[Change]:
    """Yield one attack's clips at each severity of the check; raises MethodError as `changes` does."""
    assert check.sweep is not None
    parameter, severities = check.sweep
    method = known(use)
    truths = session.truths[batch].to(model.device)
    # Alone in its check, an attack draws what it always drew; beside others, each draws its own.
    purpose = (check.id,) if len(check.uses) == 1 else (check.id, use.name)
    keys = {**use.parameters, parameter: list(severities)}
    proposals = method.load()(model, before, truths, session.rng(batch, *purpose), **keys)
    for severity, proposal in zip(severities, proposals, strict=True):
        after = _checked(method, proposal, before, f"{parameter} {severity:g}")
        after = model.spec.clip(into_ball(before, after, severity, method.facts["norm"]))
        yield Change(method.name, severity, batch, before, after, check.space == "waveform")


def into_ball(centre: Tensor, proposal: Tensor, size: float, norm: str) -> Tensor:
    """Return `proposal` (n, ...) brought within `size` of `centre`: in the l-infinity or l2 norm, or in decibels.

    In decibels (`snr_db`), each clip's ball is of the l2 norm, as large as noise at that signal-to-noise ratio.
    Raises MethodError for any other norm.
    """
    if norm == "linf":
        return torch.minimum(torch.maximum(proposal, centre - size), centre + size)
    if norm not in NORMS:
        raise MethodError(f"unknown norm {norm!r} in an attack's mark (known: {', '.join(NORMS)})")
    step = proposal - centre
    length = step.flatten(1).norm(dim=1).clamp_min(math.ulp(1.0))
    scale = (radii(centre, size, norm) / length).clamp_max(1.0)
    return centre + step * scale.view(-1, *[1] * (centre.ndim - 1))


def radii(centre: Tensor, size: float, norm: str) -> Tensor:
    """Return how far each clip may go in a ball of this size, (n,), in input units: of decibels, in the l2 norm."""
    if norm == "snr_db":
        return centre.flatten(1).norm(dim=1) * 10.0 ** (-size / 20.0)
    return centre.new_full((len(centre),), size)


def _norm(uses: Sequence[Use]) -> str:
    norms: Mapping[str, str] = {use.name: known(use).facts["norm"] for use in uses}
    if len(set(norms.values())) > 1:
        told = ", ".join(f"{name} in {norm}" for name, norm in norms.items())
        raise MethodError(
            f"the strongest of several attacks is found in one kind of ball, and these are of several: {told}; "
            f"give each kind a check of its own"
        )
    return next(iter(norms.values()))


def _checked(method: Method, proposal: Tensor, before: Tensor, where: str) -> Tensor:
    if proposal.shape != before.shape or not bool(torch.isfinite(proposal).all()):
        raise MethodError(f"attack {method.name} returned a wrong shape, NaN or infinity at {where}")
    return proposal.detach()


@dataclass(frozen=True)
class _Worst:
    """Per clip what was worst so far: the changed clip, what the model says to it, and how good that still is, (n,)."""

    truths: Tensor
    after: Tensor
    probabilities: Tensor
    standing: Tensor

    @classmethod
    def of(cls, probabilities: Tensor, truths: Tensor, after: Tensor) -> _Worst:
        # Of two equally probable emotions the first is said: a clip may be wrong at a margin of 0, or right.
        wrong = probabilities.argmax(1) != truths
        return cls(truths, after, probabilities, margins(probabilities, truths) - 2.0 * wrong)

    def or_worse(self, change: Change) -> _Worst:
        assert change.probabilities is not None
        other = _Worst.of(change.probabilities, self.truths, change.after)
        worse = other.standing < self.standing
        wide = worse.to(self.after.device).view(-1, *[1] * (self.after.ndim - 1))
        return _Worst(
            self.truths,
            torch.where(wide, other.after, self.after),
            torch.where(worse[:, None], other.probabilities, self.probabilities),
            torch.where(worse, other.standing, self.standing),
        )


def _strongest(check: Check, found: Mapping[float, list[Change]], clean: _Worst, norm: str) -> Iterator[Change]:
    """Yield the worst of each clip per severity: of all attacks, of smaller balls, and of the clip as it is."""
    assert check.sweep is not None
    worst, kept = clean, {}
    for severity in sorted(found, reverse=norm == "snr_db"):
        for change in found[severity]:
            worst = worst.or_worse(change)
        first = found[severity][0]
        kept[severity] = replace(
            first, method=STRONGEST, measure="", after=worst.after, probabilities=worst.probabilities
        )
    yield from (kept[severity] for severity in check.sweep[1])
