"""Reads a suite's YAML into its dataclasses; every error names file, line and column."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from audit.errors import UsageError, did_you_mean
from audit.grammar.document import Node
from audit.grammar.extends import PRESET, check_id, preset_path, read_merged
from audit.grammar.gates import read_gates
from audit.grammar.keys import Table
from audit.grammar.resolved import resolve
from audit.grammar.saliency import read_saliency
from audit.grammar.suite_keys import (
    CHECK_KINDS,
    COST,
    RESERVED,
    REST,
    SCREEN_USE,
    SUITE,
    check_table,
    data_table,
    train_table,
)
from audit.grammar.swept import read_swept
from audit.grammar.uses import MethodName, found, rebased, several, use
from audit.grammar.values import Choice
from audit.kinds import Method
from audit.suite import Check, DataSource, Decide, Gate, Place, Suite, Use


def read_suite(path: Path, *, model: Path | None = None, data: Path | None = None) -> Suite:
    """Return the suite at `path`; see `audit.suite.read_suite`."""
    name = str(path)
    path = preset_path(name.removeprefix(PRESET)) if name.startswith(PRESET) else path
    root = read_merged(path)
    row = SUITE.read(root)
    entries, folder = root.entries, path.parent
    decide = Decide(**row["decide"]) if row["decide"] else Decide()
    manifest = Path(rebased(row["model"], entries["model"], folder)) if row["model"] and not model else None
    if manifest and not os.path.isfile(folder / manifest):
        there = entries["model"].mark.path.parent
        raise entries["model"].error(
            f"no such manifest {row['model']} (paths are relative to {there}/), or give --model"
        )
    source = _data(entries["data"], decide.seed, folder) if row["data"] is not None else None
    suite = Suite(
        name=row["suite"],
        path=path,
        model=_override(model, folder) if model else manifest,
        data=_data_override(source, _override(data, folder), decide.seed) if data else source,
        decide=decide,
        groups=row["groups"],
        checks=_checks(entries["checks"], folder, bool(row["groups"])),
        resolved={},
    )
    resolved = resolve(suite)
    located = _located(suite.data, folder) if suite.data else None
    return replace(suite, model=_from(folder, suite.model), data=located, resolved=resolved)


def check_emotions(suite: Suite, emotions: tuple[str, ...]) -> None:
    """Raise SuiteError where groups, `data.emotions` or `rename` name an emotion that the model does not know.

    A suite made in Python has no file to point at: the UsageError names the value alone.
    """
    root = read_merged(suite.path) if suite.path.is_file() else None
    known = f"(the model knows: {', '.join(emotions)})"
    for group, members in suite.groups.items():
        for index, emotion in enumerate(members):
            if emotion not in emotions:
                message = f"emotion {emotion!r} is none of the model's{did_you_mean(emotion, emotions)} {known}"
                raise root.entries["groups"].entries[group].items[index].error(message) if root else UsageError(message)
    for index, emotion in enumerate(suite.data.emotions if suite.data else ()):
        if emotion not in emotions:
            message = f"emotion {emotion!r} is none of the model's{did_you_mean(emotion, emotions)} {known}"
            raise root.entries["data"].entries["emotions"].items[index].error(message) if root else UsageError(message)
    for name, emotion in (suite.data.rename if suite.data else {}).items():
        if emotion not in emotions:
            message = f"{name!r} is renamed to {emotion!r}, none of the model's emotions"
            message += f"{did_you_mean(emotion, emotions)} {known}"
            raise root.entries["data"].entries["rename"].entries[name].error(message) if root else UsageError(message)


def _data(node: Node, seed: int, folder: Path) -> DataSource:
    source = _source(node, data_table, seed, folder)
    train = node.entries.get("train")
    if train is None or train.value is None:
        return source
    if train.value == REST:
        if source.split is None:
            raise train.error("`rest` is the clips outside the split, and data has no `split`: all clips are judged")
        return replace(source, train=REST)
    own = _source(train, train_table, source.seed, folder)
    # Labels are compared: what is renamed on one side alone would differ in name only.
    return replace(source, train=own if "rename" in train.entries else replace(own, rename=source.rename))


def _source(node: Node, table_of: Callable[[Method], Table], seed: int, folder: Path) -> DataSource:
    entries = node.entries
    if "layout" not in entries:
        raise node.error(f"{node.name} needs the key 'layout': {MethodName('layout').says}")
    MethodName("layout").read(entries["layout"])
    layout = found("layout", entries["layout"])
    row = table_of(layout).read(node)
    parameters = {name: row[name] for name in layout.parameters if name in row and name not in RESERVED}
    split = {"column": "split", "values": (row["split"],)} if isinstance(row["split"], str) else row["split"]
    return DataSource(
        layout=use(layout, row["layout"], parameters, entries["layout"], folder),
        root=Path(rebased(row["root"], entries["root"], folder)) if row["root"] else None,
        split=split,
        rename=row["rename"],
        # A layout with a key of such a name makes these emotions and no others, or undersamples itself.
        emotions=() if "emotions" in layout.parameters else tuple(row["emotions"]),
        seed=seed if row["seed"] is None else row["seed"],
        undersample=None if "undersample" in layout.parameters else row["undersample"],
    )


def _data_override(source: DataSource | None, root: Path, seed: int) -> DataSource:
    if source is not None:
        return replace(source, root=root)
    is_table = root.suffix.lower() in (".csv", ".tsv", ".parquet")
    return DataSource(Use("layout", "table" if is_table else "folder"), root, seed=seed)


def _checks(node: Node, folder: Path, groups: bool) -> tuple[Check, ...]:
    return tuple(_check(item, folder, groups) for item in node.items)


def _check(node: Node, folder: Path, groups: bool) -> Check:
    entries = node.entries
    if "check" not in entries:
        if not entries:
            raise node.error("a check is a mapping that begins with `check:`")
        raise node.error(f"a check needs the key 'check': one of {', '.join(CHECK_KINDS)}")
    kind = Choice(CHECK_KINDS).read(entries["check"])
    if kind in ("corruption", "attack"):
        own = read_swept(node, kind, folder)
    else:
        row = check_table(kind, None).read(node)
        own = {"id": row["id"], "samples": row["samples"]}
    if kind == "saliency":
        own |= read_saliency(node, row, folder)
    if kind == "data" and "method" in entries:
        own["uses"] = several(SCREEN_USE, entries["method"], folder)
    if kind == "cost":
        own |= {key.name: row[key.name] for key in COST}
    check = Check(kind=kind, place=_place(node), **{**own, "id": _id(node, own["id"])})
    return replace(check, gates=_gates(entries.get("gates"), check, groups))


def _gates(node: Node | None, check: Check, groups: bool) -> tuple[Gate, ...]:
    return tuple(gate for item in (node.items if node else ()) for gate in read_gates(item, check, groups))


def _id(node: Node, given: str | None) -> str:
    name = given or check_id(node)
    if name == "clean" and node.entries["check"].value != "clean":
        raise node.entries.get("id", node).error("the id 'clean' is for the check of kind clean; choose another")
    return name


def _place(node: Node) -> Place:
    return Place(node.mark.path, node.mark.line, node.mark.column)


def _override(path: Path, folder: Path) -> Path:
    return path if path.is_absolute() else Path(os.path.relpath(path, folder))


def _located(source: DataSource, folder: Path) -> DataSource:
    train = _located(source.train, folder) if isinstance(source.train, DataSource) else source.train
    return replace(source, root=_from(folder, source.root), train=train)


def _from(folder: Path, path: Path | None) -> Path | None:
    return None if path is None else Path(os.path.normpath(folder / path))
