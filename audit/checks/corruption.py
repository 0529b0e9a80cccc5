"""Corrupted clips: the driver clips to the bounds, the model predicts again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from audit.checks.change import Change, space_of
from audit.checks.session import Session
from audit.kinds import find
from audit.suite import Check


def changes(check: Check, session: Session, indices: Sequence[int]) -> Iterator[Change]:
    """Yield the clips corrupted at each severity, batch by batch."""
    (use,) = check.uses
    assert check.sweep is not None
    parameter, severities = check.sweep
    method = find("corruption", use.method, relative_to=use.relative_to)
    corrupt, on_waveform = method.load(), method.facts["space"] == "waveform"
    spec = space_of(session.model, on_waveform=on_waveform).spec
    source = session.recordings if on_waveform else session.inputs
    for severity in severities:
        for batch in session.batches(indices):
            before = source[batch]
            rng = session.rng(batch, check.id, severity)
            after = spec.clip(corrupt(before, spec, rng, **{parameter: severity}, **use.parameters))
            yield Change(method.name, severity, batch, before, after, on_waveform)
