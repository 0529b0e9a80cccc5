"""From a suite's data to a session: every clip read once, every clean prediction made once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from audit.checks.session import Session
from audit.data import Dataset, Problem, Sample, printable, recording_of
from audit.dataset import open_dataset
from audit.errors import AuditError, DataError, ModelError, UsageError
from audit.model import CHANGES_INPUTS, Model
from audit.progress import Progress
from audit.seeds import stream_seed
from audit.stability import blamed
from audit.suite import Suite


def check_device(device: str) -> None:
    """Raise UsageError where torch cannot compute on `device`."""
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(f"--device {device}: torch cannot use it here ({str(error).splitlines()[0]})") from error


def open_session(
    suite: Suite, model: Model, limit: int | None, batch_size: int, progress: Progress
) -> tuple[Dataset, Session]:
    """Return the data set as judged, problems included, and the session on it.

    Raises DataError where no clip can be used or the cluster column is missing, ModelError, naming the clip, where the
    model gives no answer to one or changes it.
    """
    if suite.data is None:
        raise UsageError("the suite names no data; give its root with --data")
    dataset = open_dataset(suite.data, model.emotions)
    samples, recordings, problems = _read(dataset, model, limit, suite.decide.seed)
    cluster = suite.decide.cluster
    if cluster is not None:
        lacking = [sample for sample in samples if cluster not in sample.groups]
        if lacking:
            raise DataError(
                f"decide.cluster is {cluster!r}, and {len(lacking)} clips have no value of it, the first "
                f"{lacking[0].id!r} (it has: {', '.join(lacking[0].groups) or 'none'}); name another or none"
            )
    gone = {problem.path for problem in problems}
    unusable = tuple(sample for sample in dataset.samples if printable(sample.where) in gone)
    dataset = replace(dataset, samples=samples, problems=(*dataset.problems, *problems), unusable=unusable)
    session = Session(
        model=model,
        samples=samples,
        recordings=recordings,
        # Inference tensors cannot take part in a graph; attacks and saliency need ones that can.
        inputs=_represented(model, samples, recordings, batch_size).clone(),
        truths=torch.tensor([model.emotions.index(sample.emotion) for sample in samples]),
        clean=torch.empty(0),
        seed=suite.decide.seed,
        batch_size=batch_size,
        progress=progress,
    )
    return dataset, replace(session, clean=_predict_clean(session))


def _represented(model: Model, samples: Sequence[Sample], recordings: Tensor, batch_size: int) -> Tensor:
    parts = []
    for batch in torch.arange(len(samples)).split(batch_size):
        names = [samples[index].where for index in batch.tolist()]
        with torch.inference_mode(), blamed(model, f"on the {len(batch)} clips from {names[0]} on"):
            part = model.spec.represent(recordings[batch])
        finite = torch.isfinite(part).flatten(1).all(1).tolist()
        if not all(finite):
            raise ModelError(
                f"model {model.name!r}: {model.spec.representation} makes NaN or infinite values of "
                f"{names[finite.index(False)]}; keep log 0 and division by 0 out of it and of `input.scaling`"
            )
        parts.append(part)
    return torch.cat(parts)


def _predict_clean(session: Session) -> Tensor:
    parts = []
    for batch in session.batches(range(len(session.samples))):
        asked = session.inputs[batch]
        try:
            with blamed(session.model, f"on a batch of {len(batch)} clips"):
                parts.append(session.predict(asked))
        except AuditError as error:
            raise ModelError(f"{error}; {_failing(session, batch)}") from error
        if not torch.equal(asked, session.inputs[batch]):
            raise ModelError(f"model {session.model.name!r} {CHANGES_INPUTS}")
    return torch.cat(parts)


def _failing(session: Session, batch: Sequence[int]) -> str:
    """Return which clip of a batch the model fails on, or that it fails on none alone."""
    names = [session.samples[index].where for index in batch]
    for name, index in zip(names, batch, strict=True):
        try:
            session.predict(session.inputs[[index]])
        except Exception:
            return f"the first clip it fails on is {name}"
    return f"of the {len(batch)} clips from {names[0]} on it fails on none alone"


def _read(
    dataset: Dataset, model: Model, limit: int | None, seed: int
) -> tuple[tuple[Sample, ...], Tensor, list[Problem]]:
    if limit is not None and limit < 1:
        raise UsageError(f"--limit {limit}: at least 1 clip is needed")
    order = dataset.samples
    if limit is not None and limit < len(order):
        order = tuple(_spread(order, limit, seed))
    samples, recordings, problems = [], [], []
    for sample in order:
        try:
            recordings.append(recording_of(sample, dataset, model.spec))
        except DataError as error:
            path = sample.where
            problems.append(Problem(path, str(error).removeprefix(f"{path}: ")))
            continue
        samples.append(sample)
    if not samples:
        first = f"; the first: {problems[0].path}: {problems[0].reason}" if problems else ""
        raise DataError(f"none of the {len(order)} clips can be used{first}")
    return tuple(samples), torch.from_numpy(np.stack(recordings)), problems


def _spread(samples: Sequence[Sample], limit: int, seed: int) -> list[Sample]:
    rank: dict[str, int] = {}
    keyed = []
    for sample in sorted(samples, key=lambda s: stream_seed(seed, "limit", s.id)):
        rank[sample.emotion] = rank.get(sample.emotion, 0) + 1
        keyed.append((rank[sample.emotion], sample.emotion, sample.id))
    chosen = {name for _, _, name in sorted(keyed)[:limit]}
    return [sample for sample in samples if sample.id in chosen]
