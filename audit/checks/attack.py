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

    `without` names the methods that are left out. Of several methods, each is yielded `alone`, then the strongest.
    Raises MethodError where an attack returns NaN or a wrong shape, or cannot be applied to the model, and where the
    methods' balls are of different norms.
    """
    uses = [use for use in check.uses if use.name not in without]
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
        yield from _strongest(check, found, session.truths[batch], norm)


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
    radius = size if norm == "l2" else centre.flatten(1).norm(dim=1) * 10.0 ** (-size / 20.0)
    scale = (radius / length).clamp_max(1.0)
    return centre + step * scale.view(-1, *[1] * (centre.ndim - 1))


def margins(probabilities: Tensor, truths: Tensor) -> Tensor:
    """Return each row's probability of the true emotion less the largest other, (n,)."""
    true = probabilities.gather(1, truths[:, None]).squeeze(1)
    return true - probabilities.scatter(1, truths[:, None], -1.0).amax(1)


def smallest_first(severities: Collection[float], norm: str) -> list[float]:
    """Return severities by the size of their balls; a ratio in decibels is the louder the smaller."""
    return sorted(severities, reverse=norm == "snr_db")


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


@dataclass
class _Worst:
    margins: Tensor
    after: Tensor
    probabilities: Tensor


def _strongest(check: Check, found: Mapping[float, list[Change]], truths: Tensor, norm: str) -> Iterator[Change]:
    worst: _Worst | None = None
    kept: dict[float, Change] = {}
    for severity in smallest_first(found, norm):
        for change in found[severity]:
            assert change.probabilities is not None
            reached = margins(change.probabilities, truths)
            if worst is None:
                worst = _Worst(reached, change.after, change.probabilities)
                continue
            worse = reached < worst.margins
            wide = worse.to(change.after.device).view(-1, *[1] * (change.after.ndim - 1))
            worst = _Worst(
                torch.where(worse, reached, worst.margins),
                torch.where(wide, change.after, worst.after),
                torch.where(worse[:, None], change.probabilities, worst.probabilities),
            )
        assert worst is not None
        kept[severity] = replace(
            found[severity][0], method=STRONGEST, measure="", after=worst.after, probabilities=worst.probabilities
        )
    assert check.sweep is not None
    yield from (kept[severity] for severity in check.sweep[1])
