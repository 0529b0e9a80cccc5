"""Which recordings a report shows: the worst cases of every emotion, and in plain words why."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from audit.report.numbers import count
from audit.suite import Check

PER_EMOTION = 6


@dataclass(frozen=True)
class Choice:
    """A recording worth showing, the perturbation to show it under (check and severity None for none), and why."""

    sample: str
    emotion: str
    check: str | None
    severity: float | None
    why: str


def choose(
    records: pd.DataFrame,
    checks: Sequence[Check],
    emotions: Sequence[str],
    *,
    explained: Collection[str] = (),
    per_emotion: int = PER_EMOTION,
    noun: str = "clip",
) -> list[Choice]:
    """Return up to `per_emotion` worst cases of every emotion, in the order of `emotions` (the model's).

    `records` holds the predictions (`measure` is empty), the clean ones under the check `clean`; `noun` is what the
    reasons call a recording. Attacks and
    corruptions take turns, attacks first. Each offers the clips that flip: those that saliency `explained` first, of
    these those that flip at the mildest severity, of these those whose true emotion loses the most probability; then
    the clips that do not flip, by that loss; last those that were wrong when clean. Where nothing perturbs, the clips
    whose true emotion is given the least probability are chosen.
    """
    predictions = records[records["measure"] == ""]
    clean = {row.sample: row for row in predictions[predictions["check"] == "clean"].itertuples()}
    sweeps = sorted((check for check in checks if check.sweep is not None), key=lambda check: check.kind != "attack")
    chosen: list[Choice] = []
    for which, emotion in enumerate(emotions):
        ranked: list[tuple[tuple[Any, ...], Choice]] = []
        for turn, check in enumerate(sweeps):
            part = predictions[predictions["check"] == check.id]
            ranked += [
                ((*rank[:3], place, turn), choice)
                for place, (rank, choice) in enumerate(
                    sorted(_swept(check, part, clean, emotion, emotions, explained, noun), key=lambda entry: entry[0])
                )
            ]
        if not sweeps:
            ranked = list(_unswept(clean, emotion, which, explained, noun))
        taken: dict[str, Choice] = {}
        for _, choice in sorted(ranked, key=lambda entry: entry[0]):
            taken.setdefault(choice.sample, choice)
        chosen += list(taken.values())[:per_emotion]
    return chosen


def _swept(
    check: Check,
    part: pd.DataFrame,
    clean: Mapping[str, Any],
    emotion: str,
    emotions: Sequence[str],
    explained: Collection[str],
    noun: str,
) -> Iterator[tuple[tuple[Any, ...], Choice]]:
    """Yield a rank and a choice for every clip of the emotion that the check perturbed."""
    assert check.sweep is not None
    which = emotions.index(emotion)
    order, mildest = _mildest_first(check, part, emotions)
    tries: dict[str, list[Any]] = {}
    for row in part[part["emotion"] == emotion].itertuples():
        tries.setdefault(row.sample, []).append(row)
    flips: dict[str, Any] = {}
    for sample, rows in tries.items():
        rows.sort(key=lambda row: order[row.severity])
        wrong = [row for row in rows if row.predicted != emotion]
        if wrong and clean[sample].predicted == emotion:
            flips[sample] = wrong[0]
    for sample, rows in tries.items():
        flip = flips.get(sample)
        shown = flip or min(rows, key=lambda row: row.probabilities[which])
        place = order[shown.severity]
        before, after = clean[sample].probabilities[which], shown.probabilities[which]
        was_wrong = clean[sample].predicted != emotion
        at = f"under {check.id} at {check.sweep[0]} {shown.severity:g}"
        if flip:
            sooner = sum(order[other.severity] < place for other in flips.values())
            compared = (
                f"{sooner} of {count(len(tries), noun)} flipped sooner"
                if sooner
                else f"the {mildest} that flips any of {count(len(tries), noun)}"
            )
            why = f"flips to {flip.predicted} {at}, {compared};"
        elif was_wrong:
            why = f"taken for {clean[sample].predicted} already when clean; {at},"
        else:
            why = f"never flips; {at},"
        why += f" {emotion} {'falls' if after <= before else 'rises'} from {before:.2f} to {after:.2f}"
        rank = (was_wrong, not flip, sample not in explained, place if flip else 0, after - before, sample)
        yield rank, Choice(sample, emotion, check.id, shown.severity, why)


def _mildest_first(check: Check, part: pd.DataFrame, emotions: Sequence[str]) -> tuple[dict[float, int], str]:
    """Return every severity's place from mild to severe, and whether the mildest is the smallest or the largest.

    An epsilon grows with severity; of a corruption's unit (sigma, decibels) the two ends tell: the mild one leaves
    true emotions the more probability.
    """
    severities = sorted(part["severity"].unique().tolist())
    smallest_first = True
    if check.kind != "attack" and severities:
        left = [
            sum(row.probabilities[emotions.index(row.emotion)] for row in part[part["severity"] == end].itertuples())
            for end in (severities[0], severities[-1])
        ]
        smallest_first = left[0] >= left[1]
    ordered = severities if smallest_first else severities[::-1]
    return {severity: place for place, severity in enumerate(ordered)}, "smallest" if smallest_first else "largest"


def _unswept(
    clean: Mapping[str, Any], emotion: str, which: int, explained: Collection[str], noun: str
) -> Iterator[tuple[tuple[Any, ...], Choice]]:
    own = [row for row in clean.values() if row.emotion == emotion]
    for row in own:
        probability = row.probabilities[which]
        taken = "recognised" if row.predicted == emotion else f"taken for {row.predicted}"
        lower = sum(other.probabilities[which] < probability for other in own)
        how = f"{lower} of {count(len(own), noun)} got less" if lower else f"the least of {count(len(own), noun)}"
        why = f"{taken}, with {probability:.2f} for {emotion}, {how}"
        yield (
            (row.predicted == emotion, row.sample not in explained, probability, row.sample),
            Choice(row.sample, emotion, None, None, why),
        )
