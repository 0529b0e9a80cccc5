"""The names of verdicts: `fgsm::recall-at-0.01::sadness`, each part of a-z, 0-9, dot and hyphen alone.

pytest node ids, JUnit names and `audit.json` share them, so they follow from the suite and the emotions alone.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from audit.suite import Check, Gate, Suite


@dataclass(frozen=True)
class Due:
    """A verdict the suite asks for, before anything is judged.

    `parts` name check, gate and, where the gate has a `per`, emotion or group (both None where it has none).
    """

    parts: tuple[str, ...]
    check: Check
    gate: Gate
    emotion: str | None = None
    group: str | None = None

    @property
    def id(self) -> str:
        """The parts joined with `::`."""
        return "::".join(self.parts)

    @property
    def method(self) -> str:
        """The method the verdict is about; of a clean check, its id."""
        return self.gate.of or self.check.method


def due(suite: Suite, emotions: Sequence[str]) -> tuple[Due, ...]:
    """Return every verdict the suite asks for, in its order, for a model with these emotions; the ids are unique."""
    declared = suite.data.emotions if suite.data else ()
    judged = tuple(emotion for emotion in emotions if not declared or emotion in declared)
    found: list[Due] = []
    for check, check_part in zip(suite.checks, unique(slug(check.id) for check in suite.checks), strict=True):
        for gate, gate_part in zip(check.gates, unique(map(gate_slug, check.gates)), strict=True):
            if gate.per is None:
                found.append(Due((check_part, gate_part), check, gate))
                continue
            subjects = judged if gate.per == "emotion" else tuple(suite.groups)
            for subject, part in zip(subjects, unique(map(slug, subjects)), strict=True):
                emotion, group = (subject, None) if gate.per == "emotion" else (None, subject)
                found.append(Due((check_part, gate_part, part), check, gate, emotion, group))
    return tuple(found)


def gate_of(verdict: str) -> str:
    """Return the gate of a verdict's id: check and gate, without the emotion or group."""
    return "::".join(verdict.split("::")[:2])


def gate_slug(gate: Gate) -> str:
    """Return a gate's part of the id: metric, then `of-<method>`, `in-<region>`, `at-<severity>` and the like."""
    words = [gate.metric]
    asked = {"of": gate.of, "by": gate.by, "in": gate.region, "after": gate.after, "across": gate.across}
    for word, name in asked.items():
        if name is not None:
            words += [word, name]
    words += ["without", *gate.without] if gate.without else []
    if gate.at is not None:
        words += ["at", f"{gate.at:g}".replace("-", "minus-", 1) if gate.at < 0 else f"{gate.at:g}"]
    return slug("-".join(words))


def slug(name: str) -> str:
    """Return `name` in a-z, 0-9, dot and hyphen; a name with letters of other alphabets ends in a short hash of it."""
    plain = unicodedata.normalize("NFKD", name).lower()
    kept = "".join(c for c in plain if not unicodedata.combining(c))
    text = re.sub(r"[^a-z0-9.]+", "-", kept).strip("-.")
    if not text or any(c.isalnum() and not c.isascii() for c in kept):
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        return f"{text}-{digest}".lstrip("-")
    return text


def unique(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names in order, the second of a kind as `name-2`, and so on."""
    taken: set[str] = set()
    named: list[str] = []
    for name in names:
        number, candidate = 1, name
        while candidate in taken:
            number += 1
            candidate = f"{name}-{number}"
        taken.add(candidate)
        named.append(candidate)
    return tuple(named)
