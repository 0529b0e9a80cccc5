"""Suites that build on others: `extends` merges files left to right, then the file itself on top."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from audit.errors import SuiteError, UsageError, did_you_mean
from audit.grammar.document import Node, read_document
from audit.grammar.values import Choice, shown

PRESETS = Path(__file__).parent.parent / "presets"
PRESET = "preset:"
SUFFIX = ".audit.yaml"
MERGED = ("data", "decide", "groups")


def preset_names() -> list[str]:
    """Return the names of the suites this package carries."""
    return sorted(path.name.removesuffix(SUFFIX) for path in PRESETS.glob(f"*{SUFFIX}"))


def preset_path(name: str) -> Path:
    """Return the file of `preset:name`; raises UsageError naming the nearest preset."""
    path = PRESETS / f"{name}{SUFFIX}"
    known = preset_names()
    if name not in known:
        raise UsageError(f"unknown preset {name!r}{did_you_mean(name, known)} (there are: {', '.join(known)})")
    return path


def read_merged(path: Path) -> Node:
    """Return the suite at `path` merged with all it extends; every value keeps the file it came from.

    `data`, `decide` and `groups` merge key by key (another `layout` replaces all of `data`). A check with the id of an
    earlier file's check replaces the keys it names, its gates as a whole; other checks are added at the end.
    Everything else is replaced.
    Raises SuiteError for a file missing or wrong, a circle, or an id used twice in one file.
    """
    return _merged(path, ())


def check_id(node: Node) -> str:
    """Return the id of a check as written, or by its method's name, or by its kind; empty where it has none of them."""
    entries = node.entries
    for key in ("id", "method", "check"):
        if key == "method" and "check" in entries and entries["check"].value in ("saliency", "data"):
            continue
        if key in entries and isinstance(entries[key].value, str):
            name = str(entries[key].value)
            return name if key == "id" else name.rpartition(":")[2].lower()
    return ""


def _merged(path: Path, chain: tuple[Path, ...]) -> Node:
    root = read_document(path)
    if "version" not in root.entries:
        raise root.error("a suite needs the key 'version': write `version: 1`")
    Choice((1,)).read(root.entries["version"])
    _refuse_twice(root)
    result: dict[str, Node] = {}
    chain = (*chain, path.resolve())
    for name in _extended(root):
        target = _target(name)
        if target.resolve() in chain:
            circle = " -> ".join(part.name for part in (*chain, target))
            raise name.error(f"extends goes in a circle: {circle}")
        try:
            base = _merged(target, chain)
        except SuiteError:
            raise
        except UsageError as error:
            raise name.error(f"{error} (paths are relative to {name.mark.path.parent}/)") from error
        result = _over(result, {key: node for key, node in base.entries.items() if key != "suite"})
    own = {key: node for key, node in root.entries.items() if key != "extends"}
    return Node(_over(result, own), root.mark)


def _extended(root: Node) -> tuple[Node, ...]:
    node = root.entries.get("extends")
    if node is None or node.value is None:
        return ()
    names = node.items if isinstance(node.value, tuple) else (node,)
    for name in names:
        if not isinstance(name.value, str) or not name.value:
            raise name.error(f"extends takes files or {PRESET}name, not {shown(name)}")
    return names


def _target(node: Node) -> Path:
    name = str(node.value)
    if name.startswith(PRESET):
        try:
            return preset_path(name.removeprefix(PRESET))
        except UsageError as error:
            raise node.error(str(error)) from error
    return Path(os.path.normpath(node.mark.path.parent / Path(name).expanduser()))


def _over(base: Mapping[str, Node], own: Mapping[str, Node]) -> dict[str, Node]:
    result = dict(base)
    for key, node in own.items():
        before = result.get(key)
        if before is None:
            result[key] = node
        elif key == "checks" and isinstance(node.value, tuple):
            result[key] = Node(_over_checks(before.items, node.items), node.mark, node.key)
        elif key in MERGED and isinstance(node.value, Mapping) and not _other_layout(before, node):
            result[key] = Node({**before.entries, **node.entries}, node.mark, node.key)
        else:
            result[key] = node
    return result


def _other_layout(before: Node, node: Node) -> bool:
    layout = node.entries.get("layout")
    return layout is not None and "layout" in before.entries and before.entries["layout"].value != layout.value


def _over_checks(before: tuple[Node, ...], own: tuple[Node, ...]) -> tuple[Node, ...]:
    result = list(before)
    ids = [check_id(node) for node in before]
    for node in own:
        name = check_id(node)
        if name and name in ids:
            place = ids.index(name)
            result[place] = Node({**result[place].entries, **node.entries}, node.mark, node.key)
        else:
            result.append(node)
    return tuple(result)


def _refuse_twice(root: Node) -> None:
    seen: dict[str, Node] = {}
    for node in root.entries["checks"].items if "checks" in root.entries else ():
        name = check_id(node)
        if name and name in seen:
            at = node.entries.get("id") or node.entries.get("method") or node
            raise at.error(
                f"two checks are called {name!r} (the first at line {seen[name].mark.line}); "
                f"give this one a name of its own, such as `id: {name}-2`"
            )
        seen[name] = node
