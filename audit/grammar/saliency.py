"""Reads what is particular to a saliency check: its methods, scores, sanity tests, regions and confined attack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from audit.grammar.document import Node
from audit.grammar.suite_keys import CONFINED_USE, FAITHFULNESS_USE, REGION, SALIENCY_USE, SANITY, SANITY_USE
from audit.grammar.uses import items_of, several, use
from audit.suite import NamedRegion, Use, known

BASELINES = ("random", "energy")


def read_saliency(node: Node, row: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return the fields of a `Check` that a saliency check alone has, from its node and the row read of it.

    Raises SuiteError at the place of what is wrong.
    """
    entries = node.entries
    methods = several(SALIENCY_USE, entries["method"], folder)
    for item, each in zip(items_of(entries["method"]), methods, strict=True):
        if each.name in BASELINES and ".py:" in each.method:
            raise item.error(f"a saliency method of your own cannot be called {each.name!r}, as a baseline is")
    given = entries.get("faithfulness", Node("probability_drop", node.mark))
    tests = entries.get("sanity", Node(tuple(Node(name, node.mark) for name in SANITY), node.mark))
    return {
        "uses": methods,
        "faithfulness": several(FAITHFULNESS_USE, given, folder),
        "random_masks": row["random_masks"],
        "sanity": _sanity(tests, folder),
        "sanity_samples": row["sanity_samples"],
        "regions": _regions(entries.get("regions")),
        "confined": _confined(entries.get("confined"), folder),
        "without_gradients": row["without_gradients"],
    }


def _sanity(node: Node, folder: Path) -> tuple[Use, ...]:
    found = several(SANITY_USE, node, folder)
    for item, each in zip(items_of(node), found, strict=True):
        if not {"least", "most"} & known(each).parameters.keys():
            raise item.error(f"sanity test {each.name!r} has neither a key `least` nor `most`: nothing decides it")
    return found


def _regions(node: Node | None) -> tuple[NamedRegion, ...]:
    found = []
    for name, region in (node.entries if node else {}).items():
        ends: dict[str, Any] = {key: tuple(ends) for key, ends in REGION.read(region).items() if ends is not None}
        if not ends:
            raise region.error(f"region {name!r} is all of the input; say where: hertz, seconds, rows or columns")
        if {"hertz", "seconds"} & ends.keys() and {"rows", "columns"} & ends.keys():
            raise region.error(f"region {name!r}: hertz and seconds, or rows and columns; the two do not mix")
        for key, (first, last) in ends.items():
            if first > last or (first == last and key in ("rows", "columns")):
                raise region.entries[key].error(f"{key} of region {name!r} end before they begin: {first:g}, {last:g}")
        found.append(NamedRegion(name, **ends))
    return tuple(found)


def _confined(node: Node | None, folder: Path) -> Use | None:
    if node is None:
        return None
    method, name, parameters = CONFINED_USE.read(node)
    sizes = parameters.get("epsilon")
    if not isinstance(sizes, tuple | list) or len(sizes) != 1 or not sizes[0] > 0:
        raise node.error(f"confined: {name} takes one epsilon above 0: `confined: {{{name}: {{epsilon: [0.01]}}}}`")
    return use(method, name, parameters, node, folder)
