"""Methods named in a suite or manifest: a name, `file.py:name`, or either with its parameters."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.errors import UsageError
from audit.grammar.document import Node
from audit.grammar.keys import Key, Table, method_keys
from audit.grammar.values import Either, ListOf, Value, shown
from audit.kinds import Method, find, known_methods
from audit.suite import Use

OWN_FILE = r"[^:]+\.py:[A-Za-z_][A-Za-z0-9_]*"


def found(family: str, node: Node, *, name: str | None = None) -> Method:
    """Return the method a node names (or its key, where `name` is given); raises SuiteError at that place."""
    try:
        return find(family, name or str(node.value), relative_to=node.mark.path.parent)
    except UsageError as error:
        raise (node.key_error if name else node.error)(str(error)) from error


def rebased(name: str, node: Node, folder: Path) -> str:
    """Return a path or `file.py:name` written in `node`'s file as it reads from `folder`; absolute ones stay."""
    own = node.mark.path.parent
    file, colon, function = name.rpartition(":") if ".py:" in name else (name, "", "")
    path = Path(file).expanduser()
    if not path.is_absolute():
        path = Path(os.path.relpath(own / path, folder))
    return f"{path.as_posix()}{colon}{function}"


def use(method: Method, name: str, parameters: Mapping[str, Any], node: Node, folder: Path) -> Use:
    """Return a use of a method; the name of one in a file of the user's is written as it reads from `folder`."""
    if ".py:" not in name:
        return Use(method.family, name, parameters)
    return Use(method.family, rebased(name, node, folder), parameters, folder)


@dataclass(frozen=True)
class MethodName(Value):
    """The name of a method of one family, or `file.py:name`."""

    family: str

    @property
    def says(self) -> str:  # type: ignore[override]
        """The family and its methods."""
        return f"the name of {_a(self.family)} ({', '.join(sorted(known_methods(self.family)))}), or file.py:name"

    def fits(self, node: Node) -> bool:
        """Return whether it is a text."""
        return isinstance(node.value, str)

    def read(self, node: Node) -> str:
        """Return the name, once the method is found."""
        super().read(node)
        found(self.family, node)
        return str(node.value)

    def schema(self) -> dict[str, Any]:
        """Return the known names, or a file's."""
        names = sorted(known_methods(self.family))
        return {"anyOf": [{"enum": names}, {"type": "string", "pattern": f"^{OWN_FILE}$"}]}


@dataclass(frozen=True)
class MethodUse(Value):
    """A method's name, or one key, the name, with the method's parameters under it.

    The parameters `many` may also be lists; those `without` are set elsewhere.
    """

    family: str
    many: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    @property
    def says(self) -> str:  # type: ignore[override]
        """The family."""
        return f"{MethodName(self.family).says}, or {{name: {{parameter: value}}}}"

    def fits(self, node: Node) -> bool:
        """Return whether it is a text, or a mapping."""
        return isinstance(node.value, str | Mapping)

    def read(self, node: Node) -> tuple[Method, str, dict[str, Any]]:
        """Return the method, its name as written, and its parameters, defaults filled in."""
        method, name, keys = self.named(node)
        return method, name, self.table(method).read(keys)

    def named(self, node: Node) -> tuple[Method, str, Node]:
        """Return the method, its name as written, and where its parameters stand."""
        super().read(node)
        if isinstance(node.value, str):
            return found(self.family, node), node.value, Node({}, node.mark, node.key)
        if len(node.entries) != 1:
            raise node.error(f"must be one {self.family} with its parameters, not {shown(node)}")
        ((name, keys),) = node.entries.items()
        method = found(self.family, keys, name=name)
        return method, name, Node({}, keys.mark, keys.key) if keys.value is None else keys

    def table(self, method: Method) -> Table:
        """Return the keys the method takes."""
        keys = [
            Key(key.name, Either((key.kind, ListOf(key.kind, least=1))), key.about, key.required, key.default)
            if key.name in self.many
            else key
            for key in method_keys(method, without=self.without)
        ]
        return Table(f"{self.family} {method.name}", tuple(keys))

    def schema(self) -> dict[str, Any]:
        """Return the names, or one of them with its parameters."""
        tables = {name: self.table(method) for name, method in sorted(known_methods(self.family).items())}
        own = {f"^{OWN_FILE}$": {"type": ["object", "null"]}}
        with_keys = {
            "type": "object",
            "properties": {name: {"anyOf": [table.schema(), {"type": "null"}]} for name, table in tables.items()},
            "patternProperties": own,
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
        }
        return {"anyOf": [*MethodName(self.family).schema()["anyOf"], with_keys]}


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def several(kind: MethodUse, node: Node, folder: Path) -> tuple[Use, ...]:
    """Return the use of the method a node names, or of each in its list; raises SuiteError where one comes twice."""
    seen: list[Use] = []
    for item in items_of(node):
        method, name, parameters = kind.read(item)
        each = use(method, name, parameters, item, folder)
        if each.name in (other.name for other in seen):
            raise item.error(
                f"{kind.family} method {each.name!r} is named twice; put the second into a check of its own"
            )
        seen.append(each)
    return tuple(seen)


def items_of(node: Node) -> tuple[Node, ...]:
    """Return the items of a list, or the one thing that stands in its place."""
    return node.items if isinstance(node.value, tuple) else (node,)
