"""What must hold: a suite read from YAML into frozen dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

from audit.kinds import Method, find

STRONGEST = "strongest"
"""The method that predictions are of where a check has several attacks: per clip the worst that any of them found."""

SMALLEST: Literal["smallest"] = "smallest"
"""Undersample every emotion to the one that fewest clips show."""


@dataclass(frozen=True)
class Place:
    """Where in a file something was written: `path:line:column`."""

    path: Path
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Waiver:
    """A failure that is lived with, until the end of a day and for a reason."""

    until: date
    reason: str


@dataclass(frozen=True)
class Gate:
    """One limit on one metric: `per` is None, emotion or group; `at` the severity; `of` the saliency method.

    `by` names the faithfulness score (None for the check's first), `region` a region of the check (None for where the
    emotion is known to lie), `after` a sanity test, `across` the column of the clips whose values are compared. What
    the screens `without` found is not counted. `floor` is what the clean answers must reach for the gate to pass: a
    number, `above_chance`, or None for nothing. An `informational` gate is shown and never blocks.
    """

    metric: str
    minimum: float | None
    maximum: float | None
    per: Literal["emotion", "group"] | None = None
    at: float | None = None
    of: str | None = None
    by: str | None = None
    region: str | None = None
    after: str | None = None
    across: str | None = None
    without: tuple[str, ...] = ()
    floor: float | Literal["above_chance"] | None = None
    informational: bool = False
    waive: Waiver | None = None
    place: Place | None = None

    @property
    def written(self) -> str:
        """Where it is written, `path:line`; empty for a gate made in code."""
        return f"{self.place.path}:{self.place.line}" if self.place else ""


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
class NamedRegion:
    """A part of the input by name: within `seconds` and `hertz`, or within `rows` and `columns` of the input's cells.

    Each is (first, last), None for all there is; of rows and columns the last is not counted in.
    """

    name: str
    hertz: tuple[float, float] | None = None
    seconds: tuple[float, float] | None = None
    rows: tuple[int, int] | None = None
    columns: tuple[int, int] | None = None


@dataclass(frozen=True)
class Check:
    """One check of a suite with its gates.

    `sweep` names the swept parameter and its values in the order written; `space` says what a corruption or attack
    changes, the model's input or the waveform before the front end; `samples` limits the check to that many clips,
    drawn by the suite's seed, the same share of every emotion.

    For saliency: `faithfulness` scores the maps, the first of them deciding which are shown, beside `random_masks`;
    `sanity` tests them on `sanity_samples` clips; `regions` are parts of the input to look for relevance in; `confined`
    is an attack that is held to the cells a map calls salient.
    An attack's `soundness_samples` are the clips on which it is tested whether robustness is masked gradients alone.
    `without_gradients` says what becomes of an attack or saliency method that needs gradients where the model gives
    none: its gates are ERROR, or it is left out.
    Of cost, `warm` calls go before the `timed` ones of one recording each, and before `batches` calls of a `batch`.
    """

    id: str
    kind: Literal["clean", "corruption", "attack", "saliency", "data", "cost"]
    uses: tuple[Use, ...] = ()
    sweep: tuple[str, tuple[float, ...]] | None = None
    space: Literal["input", "waveform"] = "input"
    samples: int | None = None
    faithfulness: tuple[Use, ...] = ()
    random_masks: int = 10
    sanity: tuple[Use, ...] = ()
    sanity_samples: int = 24
    soundness_samples: int = 40
    regions: tuple[NamedRegion, ...] = ()
    confined: Use | None = None
    without_gradients: Literal["error", "leave_out"] = "error"
    warm: int = 10
    timed: int = 100
    batch: int = 32
    batches: int = 20
    gates: tuple[Gate, ...] = ()
    place: Place | None = None

    @property
    def method(self) -> str:
        """What its predictions are after: its method, of several the strongest; the check's id where it has none."""
        if len(self.uses) > 1:
            return STRONGEST
        return self.uses[0].name if self.uses else self.id

    @property
    def measures(self) -> tuple[str, ...]:
        """The names of all faithfulness scores, one per fill: `probability_drop/mean`, `infidelity/blur`, `road`."""
        return tuple(measure for use in self.faithfulness for measure in measures_of(use))

    def measure(self, by: str | None = None) -> str:
        """Return the score that decides: the first of the one called `by`, or of all."""
        chosen = [use for use in self.faithfulness if by in (None, use.name)]
        return measures_of(chosen[0])[0]

    @property
    def masked(self) -> float:
        """The share of the input that is masked: what the first score that masks a share says, or a fifth."""
        for use in self.faithfulness:
            default = known(use).parameters.get("masked")
            share = use.parameters.get("masked", default.default if default else None)
            if isinstance(share, float | int):
                return float(share)
        return 0.2


def known(use: Use) -> Method:
    """Return the method of a use."""
    return find(use.family, use.method, relative_to=use.relative_to)


def measures_of(use: Use) -> tuple[str, ...]:
    """Return the names of a faithfulness method's scores: its own, or `name/fill` for every fill that it takes."""
    if "fill" not in known(use).parameters:
        return (use.name,)
    fills = use.parameters.get("fill", known(use).parameters["fill"].default)
    return tuple(f"{use.name}/{fill}" for fill in ((fills,) if isinstance(fills, str) else fills))


@dataclass(frozen=True)
class DataSource:
    """Where the recordings come from: a layout, its root and keys, and which split of them is judged.

    `split` is None for everything, or one of
    `{random: 0.2}`, `{by: speaker, share: 0.2}`, `{column: fold, values: [test]}`; `rename` maps the data's
    emotion names to the model's. `emotions` are those judged, all of the model's where it is empty; clips of others are
    left out. Of each emotion of the split at most `undersample` clips are taken, or as many as the rarest has
    (`smallest`).
    """

    layout: Use
    root: Path | None
    split: Mapping[str, Any] | None = None
    rename: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    emotions: tuple[str, ...] = ()
    train: DataSource | Literal["rest"] | None = None
    undersample: int | Literal["smallest"] | None = None


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
