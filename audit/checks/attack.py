"""Attacked clips: the driver clips to the ball and the bounds, and the model predicts again."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from audit.checks.change import Change, space_of
from audit.checks.session import Session
from audit.errors import MethodError
from audit.kinds import find
from audit.suite import Check


def changes(check: Check, session: Session, indices: Sequence[int]) -> Iterator[Change]:
    """Yield the clips attacked at each epsilon, batch by batch; no clip leaves its ball or the bounds.

    Raises MethodError where the attack returns NaN or a wrong shape, or cannot be applied to the model.
    """
    (use,) = check.uses
    assert check.sweep is not None
    parameter, severities = check.sweep
    method = find("attack", use.method, relative_to=use.relative_to)
    attack, norm = method.load(), method.facts["norm"]
    on_waveform = check.space == "waveform"
    model = space_of(session.model, on_waveform=on_waveform)
    source = session.recordings if on_waveform else session.inputs
    for batch in session.batches(indices):
        before = source[batch].to(model.device)
        truths = session.truths[batch].to(model.device)
        rng = session.rng(batch, check.id)
        proposals = attack(model, before, truths, rng, **{parameter: list(severities)}, **use.parameters)
        for severity, proposal in zip(severities, proposals, strict=True):
            if proposal.shape != before.shape or not bool(torch.isfinite(proposal).all()):
                raise MethodError(
                    f"attack {method.name} returned a wrong shape, NaN or infinity at {parameter} {severity}"
                )
            after = model.spec.clip(into_ball(before, proposal.detach(), severity, norm))
            yield Change(method.name, severity, batch, before, after, on_waveform)


def into_ball(centre: Tensor, proposal: Tensor, epsilon: float, norm: str) -> Tensor:
    """Return `proposal` (n, ...) brought within `epsilon` of `centre` in the l-infinity or l2 norm.

    Raises MethodError for any other norm.
    """
    if norm == "linf":
        return torch.minimum(torch.maximum(proposal, centre - epsilon), centre + epsilon)
    if norm == "l2":
        step = proposal - centre
        length = step.flatten(1).norm(dim=1).clamp_min(math.ulp(1.0))
        scale = (epsilon / length).clamp_max(1.0)
        return centre + step * scale.view(-1, *[1] * (centre.ndim - 1))
    raise MethodError(f"unknown norm {norm!r} in an attack's mark (known: linf, l2)")
