"""Tables of keys: what a suite, a manifest or a method takes, read and described from one definition."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from audit.errors import did_you_mean
from audit.grammar.document import Node
from audit.grammar.values import Anything, Choice, Either, Flag, ListOf, MapOf, Nothing, Number, Text, Value
from audit.kinds import Method


@dataclass(frozen=True)
class Key:
    """One key of a table: `default` is what a missing one reads as, unless it is `required`."""

    name: str
    kind: Value
    about: str = ""
    required: bool = False
    default: Any = None


@dataclass(frozen=True)
class Table(Value):
    """A mapping with known keys, read as a dict that holds every key."""

    noun: str
    keys: tuple[Key, ...]

    @property
    def says(self) -> str:  # type: ignore[override]
        """The noun and its keys."""
        return f"{self.noun} ({{{', '.join(key.name for key in self.keys)}}})"

    def fits(self, node: Node) -> bool:
        """Return whether it is a mapping."""
        return isinstance(node.value, Mapping)

    def read(self, node: Node) -> dict[str, Any]:
        """Return every key's value, defaults filled in."""
        super().read(node)
        known = {key.name: key for key in self.keys}
        refuse_unknown(node, known, self.noun)
        for key in self.keys:
            if key.required and key.name not in node.entries:
                raise node.error(f"{self.noun} needs the key {key.name!r}: {key.about or key.kind.says}")
        return {
            name: key.kind.read(node.entries[name]) if name in node.entries else key.default
            for name, key in known.items()
        }

    def schema(self) -> dict[str, Any]:
        """Return a closed object schema."""
        return {
            "type": "object",
            "properties": {key.name: described(key) for key in self.keys},
            "required": [key.name for key in self.keys if key.required],
            "additionalProperties": False,
        }


@dataclass(frozen=True)
class Variants(Value):
    """A mapping of one of several forms; the form that shares most keys with what is written is meant."""

    noun: str
    of: tuple[Table, ...]

    @property
    def says(self) -> str:  # type: ignore[override]
        """The noun and its forms."""
        return f"{self.noun}: {', or '.join('{' + ', '.join(key.name for key in form.keys) + '}' for form in self.of)}"

    def fits(self, node: Node) -> bool:
        """Return whether it is a mapping."""
        return isinstance(node.value, Mapping)

    def read(self, node: Node) -> dict[str, Any]:
        """Return the keys that are written, as the form meant reads them."""
        super().read(node)
        shared = [sum(key.name in node.entries for key in form.keys) for form in self.of]
        if not max(shared):
            refuse_unknown(node, [key.name for form in self.of for key in form.keys], self.noun)
            raise node.error(f"must be {self.says}")
        row = self.of[shared.index(max(shared))].read(node)
        return {name: row[name] for name in node.entries}

    def schema(self) -> dict[str, Any]:
        """Return anyOf."""
        return {"anyOf": [form.schema() for form in self.of]}


@dataclass(frozen=True)
class ByKey(Value):
    """A mapping whose table is the one that its key `key` names, or `default` where it says nothing."""

    key: str
    of: Mapping[str, Table]
    default: str

    @property
    def says(self) -> str:  # type: ignore[override]
        """The default's keys."""
        return self.of[self.default].says

    def fits(self, node: Node) -> bool:
        """Return whether it is a mapping."""
        return isinstance(node.value, Mapping)

    def read(self, node: Node) -> dict[str, Any]:
        """Return every key of the table that is meant."""
        super().read(node)
        named = str(node.entries[self.key].value) if self.key in node.entries else self.default
        return self.of.get(named, self.of[self.default]).read(node)

    def schema(self) -> dict[str, Any]:
        """Return one of the tables, by the key."""
        return {
            "anyOf": [
                {**table.schema(), "properties": {**table.schema()["properties"], self.key: {"const": name}}}
                for name, table in self.of.items()
            ]
        }


def described(key: Key) -> dict[str, Any]:
    """Return the schema of one key with its description and default."""
    default = {"default": list(key.default) if isinstance(key.default, tuple) else key.default}
    about = {"description": key.about} if key.about else {}
    return {**key.kind.schema(), **about, **({} if key.required or key.default is None else default)}


def refuse_unknown(node: Node, allowed: Iterable[str], noun: str) -> None:
    """Raise SuiteError at the first key that is not allowed, naming the nearest and all that are."""
    names = list(allowed)
    for name, value in node.entries.items():
        if name not in names:
            takes = f"{noun} takes {', '.join(names)}" if names else f"{noun} takes no keys"
            raise value.key_error(f"unknown key {name!r}{did_you_mean(name, names)} ({takes})")


def defaults(method: Method) -> dict[str, Any]:
    """Return the parameters a method takes when nothing is said, by name."""
    return {name: parameter.default for name, parameter in method.parameters.items() if not parameter.required}


def method_keys(method: Method, *, without: Iterable[str] = ()) -> tuple[Key, ...]:
    """Return the keys a method takes: its keyword-only parameters, with the kinds their annotations name."""
    skipped = set(without)
    return tuple(
        Key(p.name, annotated(p.annotation), "", p.required, p.default)
        for p in method.parameters.values()
        if p.name not in skipped
    )


def annotated(annotation: str) -> Value:
    """Return the kind of value a parameter's annotation asks for; an annotation not understood takes anything."""
    try:
        return _kind(ast.parse(annotation, mode="eval").body)
    except SyntaxError:
        return Anything()


_PLAIN: Mapping[str, Value] = {
    "int": Number(whole=True),
    "float": Number(),
    "str": Text(),
    "bool": Flag(),
    "None": Nothing(),
    "Path": Text("a path"),
}


def _kind(node: ast.expr) -> Value:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        left, right = _kind(node.left), _kind(node.right)
        return Either(tuple(k for side in (left, right) for k in (side.of if isinstance(side, Either) else (side,))))
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            return annotated(node.value)
        return _PLAIN.get(str(node.value), Anything())
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    if name:
        return _PLAIN.get(name, Anything())
    if not isinstance(node, ast.Subscript):
        return Anything()
    outer = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
    inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if outer == "Literal":
        values = [item.value for item in inner if isinstance(item, ast.Constant)]
        return Choice(tuple(v for v in values if isinstance(v, str | int | float)))
    if outer == "Optional":
        return Either((_kind(inner[0]), Nothing()))
    if outer in {"Mapping", "dict", "Dict"} and len(inner) == 2:
        return MapOf(_kind(inner[1]))
    if outer in {"tuple", "Tuple"} and not any(isinstance(i, ast.Constant) and i.value is Ellipsis for i in inner):
        kinds = {repr(kind): kind for kind in map(_kind, inner)}
        item = next(iter(kinds.values())) if len(kinds) == 1 else Either(tuple(kinds.values()))
        return ListOf(item, least=len(inner), most=len(inner))
    if outer in {"Sequence", "list", "List", "tuple", "Tuple", "Iterable"}:
        return ListOf(_kind(inner[0]))
    return Anything()
