"""What emotions are taken for: confusion matrices shaded by share, and one emotion's mistakes side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audit.report.measured import Measured
from audit.report.numbers import count, short

Row = Mapping[str, Any]
SHADES = 10


@dataclass(frozen=True)
class Share:
    """A count, its share of the row in percent, and the shade (0 to SHADES) of its cell."""

    count: int
    percent: int
    shade: int


@dataclass(frozen=True)
class Matrix:
    """Confusion counts under one condition: `rows` are (true emotion, shares of each predicted one)."""

    check: str
    condition: str
    accuracy: float
    emotions: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Share, ...]], ...]

    @property
    def says(self) -> str:
        """The commonest mistake, in one sentence."""
        pairs = [
            (share.count, true, predicted)
            for true, shares in self.rows
            for predicted, share in zip(self.emotions, shares, strict=True)
            if predicted != true
        ]
        most, true, predicted = max(pairs, default=(0, "", ""))
        right = f"{100 * self.accuracy:.0f}% right"
        if not most:
            return f"{right}."
        return f"{right}; the commonest mistake is {true} taken for {predicted} ({count(most, 'time')})."


@dataclass(frozen=True)
class TakenFor:
    """What the clips of one emotion are taken for: a column per condition, a row per predicted emotion."""

    conditions: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Share, ...]], ...]


def matrices(measured: Measured) -> list[Matrix]:
    """Return the clean matrix, where there is one, then each sweep's at the severity with the lowest accuracy."""
    emotions = tuple(measured.document["model"]["emotions"])
    found: dict[str, tuple[float, Row]] = {}
    for row in measured.document["confusions"]:
        right, total = _diagonal(row["counts"])
        if total and (row["check"] not in found or right / total < found[row["check"]][0]):
            found[row["check"]] = (right / total, row)
    ordered = sorted(found.values(), key=lambda entry: entry[1]["check"] != "clean")
    return [
        Matrix(
            row["check"],
            _condition(row, measured),
            accuracy,
            emotions,
            tuple((name, _shares(counts)) for name, counts in zip(emotions, row["counts"], strict=True)),
        )
        for accuracy, row in ordered
    ]


def taken_for(measured: Measured, emotion: str) -> TakenFor | None:
    """Return what an emotion is taken for, clean and where each sweep recognises it least; None without a clip."""
    emotions = list(measured.document["model"]["emotions"])
    if emotion not in emotions:
        return None
    which = emotions.index(emotion)
    found: dict[str, Row] = {}
    for row in measured.document["confusions"]:
        counts = row["counts"][which]
        best = found.get(row["check"])
        if sum(counts) and (best is None or counts[which] < best["counts"][which][which]):
            found[row["check"]] = row
    columns = sorted(found.values(), key=lambda row: row["check"] != "clean")
    if not columns:
        return None
    shares = [_shares(row["counts"][which]) for row in columns]
    rows = [(name, tuple(column[i] for column in shares)) for i, name in enumerate(emotions)]
    rows.sort(key=lambda row: (row[0] != emotion, *(-share.count for share in row[1])))
    kept = tuple(row for row in rows if row[0] == emotion or any(share.count for share in row[1]))
    return TakenFor(tuple(_condition(row, measured) for row in columns), kept)


def _condition(row: Row, measured: Measured) -> str:
    if row["at"] is None:
        return str(row["check"])
    return f"{row['check']} at {measured.parameter(row['check'])} {short(row['at'])}"


def _shares(counts: Sequence[int]) -> tuple[Share, ...]:
    total = sum(counts) or 1
    return tuple(Share(count, round(100 * count / total), round(SHADES * count / total)) for count in counts)


def _diagonal(counts: Sequence[Sequence[int]]) -> tuple[int, int]:
    return sum(row[i] for i, row in enumerate(counts)), sum(map(sum, counts))
