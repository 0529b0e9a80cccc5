"""Corrupted clips: the driver clips to the bounds, the model predicts again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from audit.checks.change import Change, space_of
from audit.checks.session import Session
from audit.errors import MethodError
from audit.kinds import Method, find, known_methods
from audit.model import Model
from audit.suite import Check


def changes(check: Check, session: Session, indices: Sequence[int]) -> Iterator[Change]:
    """Yield the recordings corrupted at each severity, batch by batch.

    Raises MethodError where the corruption is of another modality than the model.
    """
    (use,) = check.uses
    assert check.sweep is not None
    parameter, severities = check.sweep
    method = find("corruption", use.method, relative_to=use.relative_to)
    _refuse_another_modality(method, session.model)
    corrupt, on_waveform = method.load(), method.facts["space"] == "waveform"
    spec = space_of(session.model, on_waveform=on_waveform).spec
    source = session.recordings if on_waveform else session.inputs
    for severity in severities:
        for batch in session.batches(indices):
            before = source[batch]
            rng = session.rng(batch, check.id, severity)
            after = spec.clip(corrupt(before, spec, rng, **{parameter: severity}, **use.parameters))
            yield Change(method.name, severity, batch, before, after, on_waveform)


def _refuse_another_modality(method: Method, model: Model) -> None:
    of, modality = method.facts["modality"], model.spec.modality
    if of in (modality, "any"):
        return
    fitting = [each for each in known_methods("corruption").values() if each.facts["modality"] in (modality, "any")]
    raise MethodError(
        f"corruption {method.name} is for {of} (its mark says modality={of!r}), and model {model.name!r} is for "
        f"{modality}; for {modality} there are: {', '.join(each.name for each in fitting)}"
    )
