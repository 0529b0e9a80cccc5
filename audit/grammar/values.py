"""The kinds of value a suite or manifest may hold: each reads a located node and draws its JSON Schema."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audit.errors import did_you_mean
from audit.grammar.document import Node


class Value(ABC):
    """One kind of value: `says` names it in messages, `fits` looks at the shape alone, `read` checks everything."""

    says: str

    @abstractmethod
    def fits(self, node: Node) -> bool:
        """Return whether the node has this kind's shape."""

    def read(self, node: Node) -> Any:
        """Return the plain value; raises SuiteError at its place."""
        if not self.fits(node):
            raise node.error(f"{node.name} must be {self.says}, not {shown(node)}")
        return node.value

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of this kind."""


@dataclass(frozen=True)
class Text(Value):
    """A text that is not empty, and matches `pattern` where one is given."""

    says: str = "a text"
    pattern: str | None = None

    def fits(self, node: Node) -> bool:
        """Return whether it is a text."""
        return isinstance(node.value, str)

    def read(self, node: Node) -> str:
        """Return the text."""
        text = str(super().read(node))
        if not text.strip():
            raise node.error(f"{node.name} must be {self.says}, not an empty one")
        if self.pattern and not re.fullmatch(self.pattern, text):
            raise node.error(f"{node.name} must be {self.says}, not {text!r}")
        return text

    def schema(self) -> dict[str, Any]:
        """Return a string schema."""
        return {"type": "string", "minLength": 1, **({"pattern": f"^{self.pattern}$|[$][{{]"} if self.pattern else {})}


@dataclass(frozen=True)
class Number(Value):
    """A finite number between `low` and `high`; `above` excludes `low` itself."""

    low: float | None = None
    high: float | None = None
    whole: bool = False
    above: bool = False

    @property
    def says(self) -> str:  # type: ignore[override]
        """The kind and its range."""
        noun = "a whole number" if self.whole else "a number"
        if self.low is not None and self.high is not None:
            return f"{noun} {'above' if self.above else 'from'} {self.low:g} to {self.high:g}"
        if self.low is not None:
            return f"{noun} above {self.low:g}" if self.above else f"{noun} of at least {self.low:g}"
        return f"{noun} of at most {self.high:g}" if self.high is not None else noun

    def fits(self, node: Node) -> bool:
        """Return whether it is a number."""
        return isinstance(node.value, int if self.whole else (int, float)) and not isinstance(node.value, bool)

    def read(self, node: Node) -> Any:
        """Return the number, a float unless `whole`."""
        given: Any = super().read(node)
        outside = (
            not math.isfinite(given)
            or (self.low is not None and (given <= self.low if self.above else given < self.low))
            or (self.high is not None and given > self.high)
        )
        if outside:
            raise node.error(f"{node.name} must be {self.says}, not {given}")
        return int(given) if self.whole else float(given)

    def schema(self) -> dict[str, Any]:
        """Return a number or integer schema."""
        low = {"exclusiveMinimum" if self.above else "minimum": self.low} if self.low is not None else {}
        high = {"maximum": self.high} if self.high is not None else {}
        return or_variable({"type": "integer" if self.whole else "number", **low, **high})


@dataclass(frozen=True)
class Flag(Value):
    """True or false."""

    says: str = "true or false"

    def fits(self, node: Node) -> bool:
        """Return whether it is a boolean."""
        return isinstance(node.value, bool)

    def schema(self) -> dict[str, Any]:
        """Return a boolean schema."""
        return or_variable({"type": "boolean"})


@dataclass(frozen=True)
class Nothing(Value):
    """YAML's null."""

    says: str = "null"

    def fits(self, node: Node) -> bool:
        """Return whether nothing is written."""
        return node.value is None

    def schema(self) -> dict[str, Any]:
        """Return the null schema."""
        return {"type": "null"}


@dataclass(frozen=True)
class Anything(Value):
    """Any value at all."""

    says: str = "any value"

    def fits(self, node: Node) -> bool:
        """Return true."""
        del node
        return True

    def read(self, node: Node) -> Any:
        """Return plain data."""
        return node.data()

    def schema(self) -> dict[str, Any]:
        """Return the schema everything meets."""
        return {}


@dataclass(frozen=True)
class Choice(Value):
    """One of a few texts or numbers."""

    values: tuple[str | int | float | bool, ...]

    @property
    def says(self) -> str:  # type: ignore[override]
        """The values."""
        texts = [str(value) for value in self.values]
        return " or ".join(texts) if len(texts) < 3 else f"one of {', '.join(texts)}"

    def fits(self, node: Node) -> bool:
        """Return whether it is one of the values."""
        return any(node.value == value and type(node.value) is type(value) for value in self.values)

    def read(self, node: Node) -> Any:
        """Return the value."""
        if not self.fits(node):
            texts = [value for value in self.values if isinstance(value, str)]
            raise node.error(f"{node.name} must be {self.says}, not {shown(node)}{did_you_mean(node.value, texts)}")
        return node.value

    def schema(self) -> dict[str, Any]:
        """Return an enumeration."""
        return or_variable({"enum": list(self.values)})


@dataclass(frozen=True)
class ListOf(Value):
    """A list with at least `least` items, read as a tuple."""

    item: Value
    least: int = 0
    most: int | None = None

    @property
    def says(self) -> str:  # type: ignore[override]
        """The kind of item."""
        return f"a list ([...]), each item {self.item.says}"

    def fits(self, node: Node) -> bool:
        """Return whether it is a list."""
        return isinstance(node.value, tuple)

    def read(self, node: Node) -> tuple[Any, ...]:
        """Return the items."""
        super().read(node)
        if len(node.items) < self.least:
            raise node.error(
                f"{node.name} must hold at least {self.least} item{'s' * (self.least > 1)}, not {len(node.items)}"
            )
        if self.most is not None and len(node.items) > self.most:
            raise node.error(f"{node.name} must hold at most {self.most} items, not {len(node.items)}")
        return tuple(self.item.read(item) for item in node.items)

    def schema(self) -> dict[str, Any]:
        """Return an array schema."""
        least = {"minItems": self.least} if self.least else {}
        most = {"maxItems": self.most} if self.most is not None else {}
        return {"type": "array", "items": self.item.schema(), **least, **most}


@dataclass(frozen=True)
class MapOf(Value):
    """A mapping from any words to one kind of value."""

    item: Value
    least: int = 0
    most: int | None = None

    @property
    def says(self) -> str:  # type: ignore[override]
        """The kind of value."""
        return f"a mapping ({{name: value}}), each value {self.item.says}"

    def fits(self, node: Node) -> bool:
        """Return whether it is a mapping."""
        return isinstance(node.value, Mapping)

    def read(self, node: Node) -> dict[str, Any]:
        """Return the values by key."""
        super().read(node)
        count = len(node.entries)
        if count < self.least or (self.most is not None and count > self.most):
            due = f"exactly {self.least}" if self.least == self.most else f"at least {self.least}"
            raise node.error(f"{node.name} must hold {due} key{'s' * (self.least != 1)}, not {count}")
        return {name: self.item.read(value) for name, value in node.entries.items()}

    def schema(self) -> dict[str, Any]:
        """Return an object schema."""
        least = {"minProperties": self.least} if self.least else {}
        most = {"maxProperties": self.most} if self.most is not None else {}
        return {"type": "object", "additionalProperties": self.item.schema(), **least, **most}


@dataclass(frozen=True)
class Either(Value):
    """The first of several kinds whose shape fits."""

    of: tuple[Value, ...]

    @property
    def says(self) -> str:  # type: ignore[override]
        """All of them."""
        return ", or ".join(dict.fromkeys(kind.says for kind in self.of))

    def fits(self, node: Node) -> bool:
        """Return whether any fits."""
        return any(kind.fits(node) for kind in self.of)

    def read(self, node: Node) -> Any:
        """Return what the fitting kind reads."""
        for kind in self.of:
            if kind.fits(node):
                return kind.read(node)
        texts = [text for kind in self.of if isinstance(kind, Choice) for text in kind.values if isinstance(text, str)]
        raise node.error(f"{node.name} must be {self.says}, not {shown(node)}{did_you_mean(node.value, texts)}")

    def schema(self) -> dict[str, Any]:
        """Return anyOf."""
        return {"anyOf": [kind.schema() for kind in self.of]}


def or_variable(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema that is also met by a text with `${NAME}` in it, whose value an editor cannot know."""
    return {"anyOf": [schema, {"type": "string", "pattern": r"\$\{"}]}


def shown(node: Node) -> str:
    """Return the value as a message names it."""
    value = node.value
    if isinstance(value, Mapping):
        return f"a mapping with {', '.join(list(value)[:4]) or 'no keys'}"
    if isinstance(value, tuple):
        return f"a list of {len(value)}"
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"the text {value[:60]!r}"
    return f"the number {value}"
