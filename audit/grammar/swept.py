"""Reads what a check of kind corruption or attack has beyond the keys of every check: its methods and their sweep."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from audit.errors import did_you_mean
from audit.grammar.document import Node
from audit.grammar.keys import method_keys
from audit.grammar.suite_keys import SWEEP, attacks_table, check_table
from audit.grammar.uses import MethodName, MethodUse, found, items_of, several, use
from audit.grammar.values import Either, ListOf, Nothing, Number, Value
from audit.kinds import Method
from audit.suite import Check


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
    parameters = {name: row[name] for name in method.parameters if name in row}
    uses = (use(method, row["method"], parameters, given, folder),)
    return {"uses": uses, "sweep": sweep, **_common(row)}


def _attacks(node: Node, given: Node, folder: Path) -> dict[str, Any]:
    kind = MethodUse("attack")
    # Every one of them has what is swept, and none sets it for itself.
    sweeps = {_sweep(node, kind.named(item)[0]) for item in items_of(given)}
    row = attacks_table().read(node)
    (sweep,) = sweeps
    return {"uses": several(MethodUse("attack", without=(sweep[0],)), given, folder), "sweep": sweep, **_common(row)}


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
    if node is None:
        first = next(iter(method.parameters), "parameter")
        raise check.error(f"{method.family} {method.name} needs the key 'sweep', such as `sweep: {{{first}: [...]}}`")
    SWEEP.kind.read(node)
    ((name, values),) = node.entries.items()
    known = {key.name: key.kind for key in method_keys(method)}
    if name not in known:
        raise values.key_error(
            f"{method.family} {method.name} has no parameter {name!r}{did_you_mean(name, known)} "
            f"(it has: {', '.join(known) or 'none'})"
        )
    each = _one_of(known[name])
    least = Number(0) if method.family == "attack" else Number()
    seen: list[float] = []
    for item in values.items:
        value = each.read(item)
        least.read(item)
        if value in seen:
            raise item.error(f"{value:g} stands twice in the sweep of {name}")
        seen.append(value)
    return name, tuple(seen)


def _one_of(kind: Value) -> Value:
    if isinstance(kind, ListOf):
        return kind.item
    if isinstance(kind, Either):
        return next((_one_of(each) for each in kind.of if not isinstance(each, Nothing)), Number())
    return kind
