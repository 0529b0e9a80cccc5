"""What must hold: a suite read from YAML into frozen dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from audit.kinds import find


@dataclass(frozen=True)
class Place:
    """Where in a file something was written: `path:line:column`."""

    path: Path
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Gate:
    """One limit on one metric: `per` is None, emotion or group; `at` the severity; `of` the saliency method."""

    metric: str
    minimum: float | None
    maximum: float | None
    per: Literal["emotion", "group"] | None = None
    at: float | None = None
    of: str | None = None
    place: Place | None = None


@dataclass(frozen=True)
class Use:
    """A method a check uses, found by `audit.kinds`, with the parameters the suite sets."""

    family: str
    method: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    relative_to: Path | None = None

    @property
    def name(self) -> str:
        """The method's own name, without the file it came from."""
        return self.method.rpartition(":")[2]


@dataclass(frozen=True)
class Check:
    """One check of a suite with its gates.

    `sweep` names the swept parameter and its values in the order written; `space` says what a corruption or attack
    changes, the model's input or the waveform before the front end; `samples` limits the check to that many clips,
    drawn by the suite's seed, the same share of every emotion. `faithfulness` and `random_masks` are for saliency.
    `without_gradients` says what becomes of an attack or saliency method that needs gradients where the model gives
    none: its gates are ERROR, or it is left out.
    """

    id: str
    kind: Literal["clean", "corruption", "attack", "saliency"]
    uses: tuple[Use, ...] = ()
    sweep: tuple[str, tuple[float, ...]] | None = None
    space: Literal["input", "waveform"] = "input"
    samples: int | None = None
    faithfulness: Use | None = None
    random_masks: int = 10
    without_gradients: Literal["error", "leave_out"] = "error"
    gates: tuple[Gate, ...] = ()
    place: Place | None = None

    @property
    def fills(self) -> tuple[str, ...]:
        """What faithfulness puts in place of hidden cells: what the suite says, or the method's default."""
        use = self.faithfulness
        if use is None:
            return ()
        method = find("faithfulness", use.method, relative_to=use.relative_to)
        fills = use.parameters.get("fill", method.parameters["fill"].default)
        return (fills,) if isinstance(fills, str) else tuple(fills)


@dataclass(frozen=True)
class DataSource:
    """Where the recordings come from: a layout, its root and keys, and which split of them is judged.

    `split` is None for everything, or one of
    `{random: 0.2}`, `{by: speaker, share: 0.2}`, `{column: fold, values: [test]}`; `rename` maps the data's
    emotion names to the model's. `emotions` are those judged, all of the model's where it is empty; clips of others are
    left out.
    """

    layout: Use
    root: Path | None
    split: Mapping[str, Any] | None = None
    rename: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    emotions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Decide:
    """How verdicts are reached."""

    confidence: float = 0.95
    cluster: str | None = None
    when_unsure: Literal["fail", "pass"] = "fail"
    seed: int = 0
    bootstrap: int = 2000


@dataclass(frozen=True)
class Suite:
    """Everything one audit needs; `resolved` is the merged document with every default filled in."""

    name: str
    path: Path
    model: Path | None
    data: DataSource | None
    decide: Decide
    groups: Mapping[str, tuple[str, ...]]
    checks: tuple[Check, ...]
    resolved: Mapping[str, Any]


def read_suite(path: Path, *, model: Path | None = None, data: Path | None = None) -> Suite:
    """Return the suite at `path` (a *.audit.yaml file, or `preset:name`), merged with all it extends.

    `model` takes the place of the suite's manifest, `data` that of its data's root; without `data:` in the suite, a
    file is read as layout `table` and a folder as layout `folder`. Neither is opened here.
    Raises SuiteError with file, line and column for anything wrong in it, UsageError where there is no such file.
    """
    from audit.grammar import suite_reader

    return suite_reader.read_suite(path, model=model, data=data)
