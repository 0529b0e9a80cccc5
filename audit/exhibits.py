"""The recordings a report shows: the worst cases of every emotion, perturbed, masked and explained again, and drawn."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from audit.checks import attack, corruption
from audit.checks.saliency import SaliencyRun
from audit.checks.sanity import overlap
from audit.checks.session import Session
from audit.errors import MethodError
from audit.estimator import Estimator
from audit.input_spec import InputSpec
from audit.modality import words_of
from audit.rendering.case import Case, Moved, Perturbation
from audit.rendering.exhibit import draw
from audit.suite import Check
from audit.worst_cases import Choice, choose


def gather(cases: Sequence[Case], spec: InputSpec, emotions: Sequence[str], folder: Path) -> list[dict[str, Any]]:
    """Write the cases' clips and pictures into `folder` and return the `exhibits` of `audit.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    return [draw(case, spec, emotions, folder) for case in cases]


def show(
    checks: Sequence[Check],
    session: Session,
    estimator: Estimator,
    explained: Mapping[str, SaliencyRun],
    best: str | None,
    folder: Path,
) -> list[dict[str, Any]]:
    """Choose the worst cases, perturb and mask them as the checks did, and gather them into `folder`.

    `explained` holds the saliency checks' maps; a recording is masked by that of the `best` method or, where that has
    none of it, of the method whose mask took the most from the prediction.
    """
    swept = [check for check in checks if check.sweep is not None]
    tables = [estimator.clean, *(estimator.predictions(c.id, at) for c in swept for at in estimator.severities(c.id))]
    records = pd.concat([table.reset_index() for table in tables], ignore_index=True)
    indices = {sample.id: index for index, sample in enumerate(session.samples)}
    with_maps = {session.samples[i].id for run in explained.values() for maps in run.maps.values() for i in maps}
    noun = words_of(session.model.spec.modality).noun
    choices = choose(records, swept, session.model.emotions, explained=with_maps, noun=noun)
    perturbed = _perturbed(choices, swept, session, indices)
    masked = _masked(explained.values(), session, [indices[choice.sample] for choice in choices])
    by = {choice.sample: _masking(masked, indices[choice.sample], best) for choice in choices}
    moved = _moved(perturbed, by, masked, session, indices)
    cases = []
    for choice in choices:
        index, chosen = indices[choice.sample], by[choice.sample]
        probabilities = {"clean": session.clean[index].tolist()}
        if choice.check is not None:
            row = estimator.predictions(choice.check, choice.severity).loc[choice.sample]
            probabilities["perturbed"] = list(row["probabilities"])
        found = {name: entries[index] for name, entries in masked.items() if index in entries}
        if chosen is not None:
            probabilities["masked"] = found[chosen].probabilities
        cases.append(
            Case(
                sample=session.samples[index],
                why=choice.why,
                recording=session.recordings[index].numpy(),
                inputs=session.inputs[index].numpy(),
                probabilities=probabilities,
                perturbation=perturbed.get(choice.sample),
                maps={name: entry.map.numpy() for name, entry in found.items()},
                hidden=found[chosen].hidden if chosen is not None else None,
                masked_by=chosen,
                drops={name: entry.drop for name, entry in found.items()},
                moved=moved.get(choice.sample),
            )
        )
    return gather(cases, session.model.spec, session.model.emotions, folder)


@dataclass(frozen=True)
class _Masked:
    """One recording under one method's map: what was hidden, and what the model said then; `run` made the map."""

    run: SaliencyRun
    map: Tensor
    hidden: NDArray[np.bool_]
    probabilities: list[float]
    drop: float


def _perturbed(
    choices: Sequence[Choice], swept: Sequence[Check], session: Session, indices: Mapping[str, int]
) -> dict[str, Perturbation]:
    found: dict[str, Perturbation] = {}
    for check in swept:
        wanted = {indices[choice.sample]: choice.severity for choice in choices if choice.check == check.id}
        changes = attack.changes if check.kind == "attack" else corruption.changes
        left = set(wanted)
        # The sweep again, as far as it is shown: an attack may draw its random numbers from one severity to the next.
        for change in changes(check, session, sorted(wanted)) if wanted else ():
            for index, values in zip(change.indices, change.after, strict=True):
                if wanted[index] == change.severity and not change.measure:
                    left.remove(index)
                    found[session.samples[index].id] = Perturbation(
                        check.id, change.method, change.severity, change.on_waveform, values.cpu().numpy()
                    )
            if not left:
                break
    return found


def _masked(runs: Collection[SaliencyRun], session: Session, indices: Sequence[int]) -> dict[str, dict[int, _Masked]]:
    found: dict[str, dict[int, _Masked]] = {}
    for run in runs:
        for name, maps in run.maps.items():
            own = [index for index in indices if index in maps]
            if own and name not in found:
                values, hidden, after, drops = run.first_mask(name, own)
                rows = zip(own, values, hidden.numpy(), after.tolist(), drops.tolist(), strict=True)
                found[name] = {index: _Masked(run, map_, cells, row, drop) for index, map_, cells, row, drop in rows}
    return found


def _masking(masked: Mapping[str, Mapping[int, _Masked]], index: int, best: str | None) -> str | None:
    """Return the method that masks a recording: the `best`, or else the one whose mask took the most."""
    drops = {name: entries[index].drop for name, entries in masked.items() if index in entries}
    return best if best in drops else max(drops, key=lambda name: drops[name], default=None)


def _moved(
    perturbed: Mapping[str, Perturbation],
    by: Mapping[str, str | None],
    masked: Mapping[str, Mapping[int, _Masked]],
    session: Session,
    indices: Mapping[str, int],
) -> dict[str, Moved]:
    found: dict[str, Moved] = {}
    for name, entries in masked.items():
        samples = {indices[sample]: sample for sample in perturbed if by[sample] == name}
        for batch in session.batches(sorted(samples)):
            run = entries[batch[0]].run
            inputs = torch.stack([_as_input(perturbed[samples[index]], session) for index in batch])
            share = run.check.masked
            try:
                maps = run.explained_again(name, batch, inputs)
            except MethodError as error:
                found |= {samples[index]: Moved(None, None, share, str(error)) for index in batch}
                continue
            before = torch.stack([entries[index].map for index in batch])
            stays = overlap(before, maps, share, session.rng(batch, run.check.id, "moved", name)).tolist()
            for index, map_, part in zip(batch, maps.numpy(), stays, strict=True):
                found[samples[index]] = Moved(map_, part, share)
    return found


def _as_input(changed: Perturbation, session: Session) -> Tensor:
    values = torch.from_numpy(changed.values)
    if not changed.on_waveform:
        return values
    # Not in inference mode: a method may want gradients of it.
    with torch.no_grad():
        return session.model.spec.represent(values[None])[0]
