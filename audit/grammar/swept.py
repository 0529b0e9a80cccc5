"""Reads what a check of kind corruption or attack has beyond the keys of every check: its methods and their sweep."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from audit.errors import did_you_mean
from audit.grammar.document import Node
from audit.grammar.keys import method_keys
from audit.grammar.suite_keys import SWEEP, attacks_table, check_table
from audit.grammar.uses import MethodName, MethodUse, found, items_of, use
from audit.grammar.values import Anything, Either, ListOf, Nothing, Number, Value
from audit.kinds import Method
from audit.passes import mark
from audit.suite import STRONGEST, Check, Use


def read_swept(node: Node, kind: Literal["corruption", "attack"], folder: Path) -> dict[str, Any]:
    """Return the fields of Check that these kinds have: one method with its keys beside it, or a list of attacks.

    Raises SuiteError at the place of what is wrong.
    """
    given = node.entries.get("method")
    if given is None:
        raise node.error(f"a check of kind {kind} needs the key 'method': {MethodName(kind).says}")
    if kind == "attack" and not isinstance(given.value, str):
        return _attacks(node, given, folder)
    MethodName(kind).read(given)
    method = found(kind, given)
    sweep = _sweep(node, method)
    row = check_table(kind, method, sweep[0]).read(node)
    parameters = _located(method, {name: row[name] for name in method.parameters if name in row}, node)
    uses = (use(method, row["method"], parameters, given, folder),)
    return {"uses": uses, "sweep": sweep, **_common(row)}


@dataclass(frozen=True)
class _Named:
    """One attack of a list: where it stands, and where its keys do."""

    item: Node
    method: Method
    name: str
    keys: Node


def _attacks(node: Node, given: Node, folder: Path) -> dict[str, Any]:
    kind = MethodUse("attack")
    named = [_Named(item, *kind.named(item)) for item in items_of(given)]
    if not named:
        raise given.error("a check of attacks needs at least one, such as `method: [fgsm, pgd]`")
    _refuse_beside(node, named)
    # Every one of them has what is swept, and none sets it for itself.
    (swept, *_) = [_sweep(node, each.method) for each in named]
    _refuse_other_norms(named)
    row = attacks_table().read(node)
    uses: list[Use] = []
    for each in named:
        uses.append(_under_name(each, swept[0], folder))
        if uses[-1].name in [other.name for other in uses[:-1]]:
            again = "give it a check of its own with an `id`"
            raise each.item.error(f"attack {uses[-1].name!r} stands twice in `method`; where its keys differ, {again}")
    return {"uses": tuple(uses), "sweep": swept, **_common(row)}


def _under_name(each: _Named, swept: str, folder: Path) -> Use:
    method, keys = each.method, each.keys
    if method.name == STRONGEST:
        raise each.item.error(
            f"{STRONGEST!r} is what the worst of all attacks is called; give this function another name"
        )
    own = keys.entries.get(swept)
    if own is not None:
        raise own.key_error(f"{swept} is swept, for all attacks of the check; remove it here")
    parameters = MethodUse("attack", without=(swept,)).table(method).read(keys)
    return use(method, each.name, _located(method, parameters, keys), each.item, folder)


def _refuse_beside(node: Node, named: Sequence[_Named]) -> None:
    """Refuse a key of one of the attacks that stands beside the list."""
    table = [key.name for key in attacks_table().keys]
    for key, value in node.entries.items():
        whose = [each.name for each in named if key in each.method.parameters]
        if whose and key not in table:
            there = f"{{{whose[0]}: {{{key}: {value.value}}}}}"
            raise value.key_error(
                f"{key} is a key of {', '.join(whose)}; with a list it stands under the name: {there}"
            )


def _refuse_other_norms(named: Sequence[_Named]) -> None:
    first = mark(named[0].method).get("norm")
    for each in named[1:]:
        if (norm := mark(each.method).get("norm")) != first:
            raise each.item.error(
                f"{each.name} keeps to balls in {norm} and {named[0].name} in {first}, and the strongest is found in "
                f"one kind of ball; give {each.name} a check of its own"
            )


def _located(method: Method, parameters: Mapping[str, Any], keys: Node) -> dict[str, Any]:
    """Return a method's parameters, its paths as they read from anywhere; refuses one where there is nothing."""
    read = dict(parameters)
    for name, parameter in method.parameters.items():
        if "Path" not in parameter.annotation or not isinstance(read.get(name), str) or name not in keys.entries:
            continue
        node = keys.entries[name]
        path = Path(os.path.abspath(node.mark.path.parent / Path(read[name]).expanduser()))
        if not path.exists():
            raise node.error(f"no such file {read[name]} (paths are relative to {node.mark.path.parent}/)")
        read[name] = path.as_posix()
    return read


def _common(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "samples": row["samples"],
        "space": row.get("space", "input"),
        "without_gradients": row.get("without_gradients", Check.without_gradients),
        "soundness_samples": row.get("soundness_samples", Check.soundness_samples),
    }


def _sweep(check: Node, method: Method) -> tuple[str, tuple[float, ...]]:
    node = check.entries.get("sweep")
    known = {key.name: key.kind for key in method_keys(method)}
    # A corruption is called once per value; an attack once for all sizes of its ball, which alone it takes as a list.
    swept = [name for name, kind in known.items() if method.family != "attack" or _takes_several(kind)]
    if node is None:
        first = next(iter(swept), "parameter")
        raise check.error(f"{method.family} {method.name} needs the key 'sweep', such as `sweep: {{{first}: [...]}}`")
    SWEEP.kind.read(node)
    ((name, values),) = node.entries.items()
    if name not in known:
        raise values.key_error(
            f"{method.family} {method.name} has no parameter {name!r}{did_you_mean(name, known)} "
            f"(it has: {', '.join(known) or 'none'})"
        )
    if name not in swept:
        raise values.key_error(
            f"attack {method.name} takes {name} as one value for all sizes of the ball; sweep {' or '.join(swept)}"
        )
    each = _one_of(known[name])
    least = Number() if method.family != "attack" or name == "snr_db" else Number(0)
    seen: list[float] = []
    for item in values.items:
        value = each.read(item)
        least.read(item)
        if value in seen:
            raise item.error(f"{value:g} stands twice in the sweep of {name}")
        seen.append(value)
    return name, tuple(seen)


def _takes_several(kind: Value) -> bool:
    if isinstance(kind, Either):
        return any(_takes_several(each) for each in kind.of)
    return isinstance(kind, ListOf | Anything)


def _one_of(kind: Value) -> Value:
    if isinstance(kind, ListOf):
        return kind.item
    if isinstance(kind, Either):
        return next((_one_of(each) for each in kind.of if not isinstance(each, Nothing)), Number())
    return kind
