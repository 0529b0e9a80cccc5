"""The clips of one emotion that give way first, and that swing furthest; from the records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pandas as pd

from audit.record import GROUP_PREFIX
from audit.report.curve import MILDER_WHEN_LARGER
from audit.report.measured import Measured
from audit.report.numbers import fixed, short

MOST_CASES = 4


@dataclass(frozen=True)
class WorstCase:
    """One clip: what happened to it, under which condition, and the true emotion's probability before and after."""

    sample: str
    groups: str
    condition: str
    taken_for: str
    before: str
    after: str


def flips(records: pd.DataFrame, measured: Measured, emotion: str) -> list[WorstCase]:
    """Return the clips, right when clean, that the mildest severity of each sweep flips; the mildest first."""
    found: list[WorstCase] = []
    for check, wide in _sweeps(records, measured, emotion):
        cases = []
        for sample, rows in wide.items():
            clean, *swept = rows
            wrong = [i for i, row in enumerate(swept) if row.predicted != emotion]
            if clean.predicted == emotion and wrong:
                first = swept[wrong[0]]
                cases.append((wrong[0], first.true - clean.true, sample, clean, first))
        cases.sort(key=lambda case: case[:3])
        found += [_case(measured, check, clean, first) for *_, clean, first in cases[:MOST_CASES]]
    return found


def swings(records: pd.DataFrame, measured: Measured, emotion: str) -> list[WorstCase]:
    """Return the clips whose true emotion loses the most probability from one severity to the next, of each sweep."""
    found: list[WorstCase] = []
    for check, wide in _sweeps(records, measured, emotion):
        steps = [
            (after.true - before.true, sample, before, after)
            for sample, rows in wide.items()
            for before, after in pairwise(rows)
        ]
        steps.sort(key=lambda step: step[:2])
        largest = {sample: (before, after) for _, sample, before, after in reversed(steps)}
        order = list(dict.fromkeys(sample for loss, sample, *_ in steps if loss < 0))
        found += [_case(measured, check, *largest[sample]) for sample in order[:MOST_CASES]]
    return found


@dataclass(frozen=True)
class _Seen:
    sample: str
    groups: str
    predicted: str
    true: float
    at: float | None


def _sweeps(records: pd.DataFrame, measured: Measured, emotion: str) -> list[tuple[str, dict[str, list[_Seen]]]]:
    """Return, per sweep, what was seen of each of the emotion's clips: clean, then the mildest to the severest."""
    emotions: Sequence[str] = measured.document["model"]["emotions"]
    if emotion not in emotions or records.empty:
        return []
    which = emotions.index(emotion)
    predictions = records[(records["measure"] == "") & (records["emotion"] == emotion)]
    clean = {seen.sample: seen for seen in _seen(_clean(predictions), which)}
    found = []
    for check in measured.checks("attack", "corruption"):
        backwards = measured.parameter(check) in MILDER_WHEN_LARGER
        part = predictions[predictions["check"] == check].sort_values(
            "severity", ascending=not backwards, kind="stable"
        )
        wide: dict[str, list[_Seen]] = {}
        for seen in _seen(part, which):
            if seen.sample in clean:
                wide.setdefault(seen.sample, [clean[seen.sample]]).append(seen)
        found.append((check, wide))
    return found


def _clean(records: pd.DataFrame) -> pd.DataFrame:
    return records[(records["check"] == "clean") & (records["measure"] == "")]


def _seen(part: pd.DataFrame, which: int) -> list[_Seen]:
    columns = [column for column in part.columns if column.startswith(GROUP_PREFIX)]
    rows: list[Mapping[str, Any]] = part.to_dict("records")
    return [
        _Seen(
            str(row["sample"]),
            ", ".join(str(row[column]) for column in columns if isinstance(row[column], str)),
            str(row["predicted"]),
            float(row["probabilities"][which]),
            None if pd.isna(row["severity"]) else float(row["severity"]),
        )
        for row in rows
    ]


def _case(measured: Measured, check: str, before: _Seen, after: _Seen) -> WorstCase:
    parameter = measured.parameter(check)
    start = "" if before.at is None else f"{short(before.at)} to "
    condition = f"{check}, {parameter} {start}{short(after.at)}"
    return WorstCase(
        after.sample, after.groups, condition, after.predicted, fixed(before.true, 2), fixed(after.true, 2)
    )
