"""Opens a data source: layout, emotion names, unique ids, the split that is judged, and what a model was trained on."""

from __future__ import annotations

import inspect
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from audit.data import (
    Dataset,
    Problem,
    Sample,
    split_at_random,
    split_by_group,
    where_group,
)
from audit.errors import DataError, did_you_mean
from audit.kinds import find
from audit.sampling import undersampled
from audit.suite import DataSource

LISTED_AT_MOST = 20


@dataclass(frozen=True)
class Listing:
    """The clips to be judged by emotion, the columns every one of them has, and the problems."""

    emotions: Mapping[str, int]
    columns: tuple[str, ...]
    problems: tuple[Problem, ...]
    samples: tuple[Sample, ...]


def open_dataset(source: DataSource, emotions: tuple[str, ...]) -> Dataset:
    """Return the samples of the source's split whose emotion is one of the model's `emotions`.

    Where the source undersamples, at most so many of each emotion, the others counted.
    What cannot be used is among the problems: files the layout could not place, emotions the model does not know,
    emotions of the model that no clip shows. Nothing is decoded here.
    Raises DataError where the root is missing, no clip can be used, or the split is empty.
    """
    listed, problems, facts = _listed(source)
    problems += _idle_renames(source, listed)
    wanted, left_out = _wanted(_renamed(listed, source.rename), source.emotions)
    samples, unknown = _known(wanted, emotions)
    problems += unknown
    if not samples:
        told = f"; the first of {len(problems)} problems: {problems[0].path}: {problems[0].reason}" if problems else ""
        if left_out:
            told = f"; left out are clips of {', '.join(left_out)}: give these the model's names by `rename:`{told}"
        due = source.emotions or emotions
        raise DataError(f"{_where(source)}: no clip of {', '.join(due) or 'any emotion'} found{told}")
    chosen = split(_with_unique_ids(samples), source.split, source.seed)
    if not chosen:
        raise DataError(f"{_where(source)}: split {dict(source.split or {})} of {len(samples)} clips is empty")
    chosen, fewer = undersampled(chosen, source.undersample, source.seed)
    shown = {sample.emotion for sample in chosen}
    problems += [
        Problem(
            _where(source), f"no clip of {emotion!r}, an emotion of the model, among the {len(chosen)} to be judged"
        )
        for emotion in source.emotions or emotions
        if emotion not in shown
    ]
    return Dataset(chosen, tuple(problems), facts.get("read"), facts.get("truth"), left_out, undersampled=fewer)


def open_train(source: DataSource, emotions: tuple[str, ...]) -> Dataset | None:
    """Return the samples the source declares a model to be trained on (None where it does not), to be compared with.

    `rest` are the clips of the source's own layout outside its split. A source of its own keeps every emotion it shows,
    but for those its `emotions` leave out. Nothing is decoded here.
    Raises DataError where its root is missing or no clip is left.
    """
    if source.train is None:
        return None
    if source.train == "rest":
        if source.split is None:
            raise DataError("data.train: rest is what a split leaves over, and data has no split: all clips are judged")
        listed, problems, facts = _listed(source)
        wanted, _ = _wanted(_renamed(listed, source.rename), source.emotions)
        samples = _with_unique_ids(_known(wanted, emotions)[0])
        chosen = {sample.id for sample in split(samples, source.split, source.seed)}
        samples = tuple(sample for sample in samples if sample.id not in chosen)
        where, problems = "data.train: rest", []
    else:
        listed, problems, facts = _listed(source.train, "data.train")
        problems += _idle_renames(source.train, listed, "data.train")
        wanted, _ = _wanted(_renamed(listed, source.train.rename), source.train.emotions)
        where, samples = f"data.train: {_where(source.train)}", _with_unique_ids(wanted)
        if samples:
            samples = split(samples, source.train.split, source.train.seed, "data.train")
            samples, _ = undersampled(samples, source.train.undersample, source.train.seed)
    if not samples:
        raise DataError(f"{where}: no clip is left to compare with")
    return Dataset(samples, tuple(problems), facts.get("read"), facts.get("truth"))


def count_clips(source: DataSource, emotions: tuple[str, ...] | None = None) -> Listing:
    """Return what `open_dataset` would give, counted; all emotions count where those of the model are not known.

    Raises DataError as `open_dataset` does.
    """
    if emotions is None:
        listed, _, _ = _listed(source)
        emotions = tuple(sorted({sample.emotion for sample in _renamed(listed, source.rename)}))
    dataset = open_dataset(source, emotions)
    counts = {emotion: sum(sample.emotion == emotion for sample in dataset.samples) for emotion in emotions}
    columns = set.intersection(*(set(sample.groups) for sample in dataset.samples))
    return Listing(counts, tuple(sorted(columns)), dataset.problems, dataset.samples)


def split(
    samples: tuple[Sample, ...], how: Mapping[str, Any] | None, seed: int, name: str = "data"
) -> tuple[Sample, ...]:
    """Return the part of the samples a split names, in their order: all of them where `how` is None.

    `{random: 0.2}` draws that share of the clips, `{by: speaker, share: 0.2}` that share of the speakers with all
    their clips, `{column: fold, values: [test]}` the clips whose column holds one of the values. `name` is what errors
    call the source. Raises DataError where the split cannot be drawn.
    """
    if how is None:
        return samples
    if "random" in how:
        return split_at_random(samples, float(how["random"]), seed)
    column = str(how["by"] if "by" in how else how["column"])
    having = tuple(sample for sample in samples if column in sample.groups)
    if not having:
        there = sorted({name for sample in samples for name in sample.groups})
        near = did_you_mean(column, there)
        raise DataError(
            f"{name}.split: the clips have no column {column!r}{near} (there are: {', '.join(there) or 'none'})"
        )
    if "by" in how:
        if len(having) < len(samples):
            first = next(sample for sample in samples if column not in sample.groups)
            raise DataError(
                f"{name}.split: {len(samples) - len(having)} of {len(samples)} clips say nothing in column {column!r}, "
                f"the first {first.path or first.id}; they would belong to both parts"
            )
        return split_by_group(samples, column, float(how["share"]), seed)
    wanted = [str(value) for value in how["values"]]
    there = sorted({sample.groups[column] for sample in having})
    unknown = [value for value in wanted if value not in there]
    if unknown:
        near = did_you_mean(unknown[0], there)
        listed = ", ".join(there[:LISTED_AT_MOST]) + (" ..." if len(there) > LISTED_AT_MOST else "")
        raise DataError(f"{name}.split: no clip has {column} {unknown[0]!r}{near} (there are: {listed})")
    return where_group(having, column, wanted)


def _listed(source: DataSource, name: str = "data") -> tuple[list[Sample], list[Problem], Mapping[str, Any]]:
    method = find("layout", source.layout.method, relative_to=source.layout.relative_to)
    keys = dict(source.layout.parameters)
    load = method.load()
    if source.root is None and not _takes_no_root(load):
        hint = ", or give --data" if name == "data" else ""
        raise DataError(f"layout {method.name} needs a root: write `root:` under `{name}:`{hint}")
    if source.root is not None and not os.path.exists(source.root):
        hint = ", or --data" if name == "data" else ""
        raise DataError(f"{source.root}: no such file or folder ({name}.root{hint})")
    found = list(load(source.root, **keys))
    samples = [item for item in found if isinstance(item, Sample)]
    return samples, [item for item in found if isinstance(item, Problem)], method.facts


def _takes_no_root(load: Callable[..., Any]) -> bool:
    first = next(iter(inspect.signature(load).parameters.values()), None)
    return first is not None and "None" in str(first.annotation)


def _renamed(samples: Iterable[Sample], rename: Mapping[str, str]) -> tuple[Sample, ...]:
    return tuple(replace(sample, emotion=rename.get(sample.emotion, sample.emotion)) for sample in samples)


def _idle_renames(source: DataSource, listed: Iterable[Sample], name: str = "data") -> list[Problem]:
    there = {sample.emotion for sample in listed}
    return [
        Problem(_where(source), f"{name}.rename names {old!r}, which no clip has{did_you_mean(old, there)}")
        for old in source.rename
        if old not in there
    ]


def _wanted(samples: tuple[Sample, ...], emotions: tuple[str, ...]) -> tuple[tuple[Sample, ...], Mapping[str, int]]:
    if not emotions:
        return samples, {}
    others = [sample.emotion for sample in samples if sample.emotion not in emotions]
    return tuple(sample for sample in samples if sample.emotion in emotions), dict(sorted(Counter(others).items()))


def _known(samples: Iterable[Sample], emotions: tuple[str, ...]) -> tuple[tuple[Sample, ...], list[Problem]]:
    kept: list[Sample] = []
    problems: list[Problem] = []
    for sample in samples:
        if sample.emotion in emotions:
            kept.append(sample)
            continue
        near = did_you_mean(sample.emotion, emotions)
        reason = f"emotion {sample.emotion!r} is none of the model's{near} (it knows: {', '.join(emotions)})"
        problems.append(Problem(sample.where, reason))
    return tuple(kept), problems


def _with_unique_ids(samples: Iterable[Sample]) -> tuple[Sample, ...]:
    """Return the samples with ids made unique: clips that share one take their path from the common folder on."""
    everything = tuple(samples)
    counts: dict[str, int] = {}
    for sample in everything:
        counts[sample.id] = counts.get(sample.id, 0) + 1
    paths = [str(sample.path) for sample in everything if sample.path is not None and counts[sample.id] > 1]
    shared = os.path.commonpath(paths) if paths else ""
    taken: set[str] = {name for name, count in counts.items() if count == 1}
    unique: list[Sample] = []
    for sample in everything:
        name = sample.id
        if counts[name] > 1:
            base = Path(os.path.relpath(sample.path, shared)).as_posix() if sample.path is not None else name
            name, turn = base, 1
            while name in taken:
                turn += 1
                name = f"{base}#{turn}"
        taken.add(name)
        unique.append(sample if name == sample.id else replace(sample, id=name))
    return tuple(unique)


def _where(source: DataSource) -> str:
    return str(source.root) if source.root is not None else source.layout.method
