"""A YAML 1.2 file as a tree in which every value knows its file, line and column."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from audit.errors import SuiteError, UsageError, did_you_mean
from audit.grammar.environment import expand
from audit.grammar.mark import Mark, marked
from audit.grammar.syntax import character_error, refuse_tokens, syntax_error

MOST_BYTES = 1_000_000
MOST_VALUES = 20_000
LARGEST = 2**63 - 1
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_TAG = "tag:yaml.org,2002:"

Scalar: TypeAlias = "bool | int | float | str | None"


@dataclass(frozen=True)
class Node:
    """A value with its place: a scalar, a tuple of nodes, or nodes by key. `key` is the place of its own key."""

    value: Scalar | tuple[Node, ...] | Mapping[str, Node]
    mark: Mark
    key: Mark | None = None

    def error(self, message: str) -> SuiteError:
        """Return an error at this value, or at its key where nothing is written."""
        return (self.key if self.value is None and self.key else self.mark).error(message)

    def key_error(self, message: str) -> SuiteError:
        """Return an error at this value's key."""
        return (self.key or self.mark).error(message)

    @property
    def name(self) -> str:
        """The key this value stands at, for messages."""
        return self.key.source[self.key.column - 1 :][: self.key.width] if self.key else "an item"

    @property
    def entries(self) -> Mapping[str, Node]:
        """The nodes by key; empty where this is no mapping."""
        return self.value if isinstance(self.value, Mapping) else {}

    @property
    def items(self) -> tuple[Node, ...]:
        """The nodes of a list; empty where this is none."""
        return self.value if isinstance(self.value, tuple) else ()

    def walk(self) -> Iterator[Node]:
        """Yield this node and all below it."""
        yield self
        for child in (*self.items, *self.entries.values()):
            yield from child.walk()

    def data(self) -> Any:
        """Return plain Python values: dict, list and scalars."""
        if isinstance(self.value, Mapping):
            return {name: node.data() for name, node in self.value.items()}
        return [node.data() for node in self.value] if isinstance(self.value, tuple) else self.value


def read_document(path: Path) -> Node:
    """Return the mapping a YAML file holds.

    Raises UsageError for a file that is not there, and SuiteError with its place for one that is not UTF-8 or not
    YAML 1.2, is empty or no mapping, repeats a key, nests or repeats itself without measure, or uses tags,
    merge keys or directives.
    """
    text = _text(path)
    lines = _BREAK.split(text)
    try:
        refuse_tokens(text, path, lines)
        root = YAML(typ="rt", pure=True).compose(text)
    except ReaderError as error:
        raise character_error(error, text, path, lines) from error
    except MarkedYAMLError as error:
        raise syntax_error(error, path, lines) from error
    except YAMLError as error:
        raise SuiteError(str(error).strip().splitlines()[0], path=path) from error
    if root is None:
        raise SuiteError("the file is empty; it must hold a mapping that begins with `version: 1`", path=path)
    node = _Builder(path, lines).node(root, None)
    if not isinstance(node.value, Mapping):
        raise node.mark.error("the file must hold a mapping that begins with `version: 1`, no list or single value")
    return node


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        near = [other.name for other in path.parent.glob("*.yaml")] if path.parent.is_dir() else []
        raise UsageError(f"{path}: no such file{did_you_mean(path.name, near)}") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    if len(raw) > MOST_BYTES:
        raise UsageError(f"{path}: {len(raw):,} bytes; a suite or manifest has at most {MOST_BYTES:,}")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", errors="replace")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise SuiteError(
            f"byte 0x{raw[error.start]:02x} is not UTF-8; save the file as UTF-8", path=path, line=line, column=column
        ) from error


def plain_scalar(text: str) -> Scalar:
    """Return what YAML 1.2 reads from `text` written without quotes: a number, true, false, nothing or the text."""
    yaml = YAML(typ="rt", pure=True)
    return _scalar(yaml.resolver.resolve(ScalarNode, text, (True, False)), text)


def _scalar(tag: Any, text: str) -> Scalar:
    kind = str(tag).removeprefix(_TAG)
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind == "int":
        digits = text.replace("_", "")
        number = int(digits, 0) if digits.lstrip("+-").lower().startswith(("0x", "0o")) else int(digits)
        if abs(number) > LARGEST:
            raise ValueError("too large")
        return number
    if kind == "float":
        digits = text.replace("_", "").lower()
        return float(digits.replace(".inf", "inf").replace(".nan", "nan"))
    return text


class _Builder:
    """Turns composed YAML into nodes; an alias stands for a copy of what it names, within a bound."""

    def __init__(self, path: Path, lines: list[str]) -> None:
        self.path, self.lines, self.count = path, lines, 0
        self.open: list[int] = []

    def node(self, composed: Any, key: Mark | None) -> Node:
        mark = self.mark(composed)
        self.count += 1
        if self.count > MOST_VALUES:
            raise mark.error(f"more than {MOST_VALUES:,} values once aliases (*name) are followed; write fewer")
        if id(composed) in self.open:
            raise (key or mark).error("an alias (*name) stands inside what it names")
        if isinstance(composed, ScalarNode):
            plain = not composed.style
            return Node(self.scalar(composed, mark, plain), mark, key)
        self.open.append(id(composed))
        value: tuple[Node, ...] | dict[str, Node]
        if isinstance(composed, SequenceNode):
            value = tuple(self.node(item, None) for item in composed.value)
        else:
            assert isinstance(composed, MappingNode)
            value = self.mapping(composed)
        self.open.pop()
        return Node(value, mark, key)

    def scalar(self, composed: ScalarNode, mark: Mark, plain: bool) -> Scalar:
        try:
            if "${" not in composed.value:
                return _scalar(composed.tag, composed.value)
            # Written without quotes, the variable's value is read as if it stood there itself: a number stays a number.
            return plain_scalar(expand(composed.value)) if plain else expand(composed.value)
        except UsageError as error:
            raise mark.error(str(error)) from error
        except ValueError as error:
            raise mark.error(f"{composed.value[:40]!r} cannot be read as a number ({error})") from error

    def mapping(self, composed: MappingNode) -> dict[str, Node]:
        found: dict[str, Node] = {}
        for key_node, value_node in composed.value:
            key = self.mark(key_node)
            if not isinstance(key_node, ScalarNode):
                raise key.error("a key must be a word, not a list or mapping")
            name = str(key_node.value)
            if name == "<<":
                raise key.error("merge keys (<<) are not used here; write the keys out, or use `extends`")
            if name in found:
                first = found[name].key
                raise key.error(f"key {name!r} is written twice (first at line {first.line if first else '?'})")
            found[name] = self.node(value_node, key)
        return found

    def mark(self, composed: Any) -> Mark:
        start, end = composed.start_mark, composed.end_mark
        rest = len(self.lines[start.line].rstrip()) - start.column if start.line < len(self.lines) else 1
        width = end.column - start.column if end.line == start.line else rest
        return marked(self.path, self.lines, start.line, start.column, width)
