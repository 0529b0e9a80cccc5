"""The table every check writes and everything after reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from audit.data import Sample

COLUMNS = ("check", "method", "measure", "severity", "sample", "emotion", "predicted", "probabilities", "score")
GROUP_PREFIX = "group."
RECORDING = "recording"
RANDOM, ENERGY = "random", "energy"
CHANCE, OTHER, CONFINED = "chance", "other", "confined"
ALONE, SOUNDNESS, FOUND = "alone", "soundness", "found"


@dataclass(frozen=True)
class Record:
    """One thing seen about one sample.

    `severity` is the sweep's value (NaN where there is none; for saliency the masked share, a sanity test's own
    severity, or the epsilon of the confined attack). `measure` says what `score` is: empty for a prediction, `snr_db`
    for a prediction after a waveform attack (`score` is the reached signal-to-noise ratio in dB). Where a check has
    several attacks, a prediction is of the method `strongest`, and `alone` is a prediction after one of them; the
    method `soundness` is what the tests of an attack check measure. Of saliency:
    `probability_drop/mean` and the like for a faithfulness score, with the fill after the slash where it has one;
    `localisation` and `top_k_intersection`, followed by a region's name where it is not the emotion's own;
    `chance/...` for what the same maps put elsewhere score; `similarity/...` and `other/...` for a sanity test's maps;
    `confined/salient` and `confined/least` for a prediction after a confined attack (`score` is what it took from the
    true emotion); any other is what a method measured of its own map. `probabilities` are in the order of the model's
    emotions, empty where nothing was predicted. The method `random` is the mean over random maps, `energy` the loudest
    cells or strongest edges.
    """

    check: str
    method: str
    measure: str
    severity: float
    sample: Sample
    predicted: str
    probabilities: Sequence[float]
    score: float


def table(records: Iterable[Record], recordings: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Return records as a table: COLUMNS, then one `group.<name>` column per group of the samples.

    `recordings` are digests by the id of the sample, for a column of that name.
    """
    rows: list[Mapping[str, Any]] = [
        {
            "check": r.check,
            "method": r.method,
            "measure": r.measure,
            "severity": r.severity,
            "sample": r.sample.id,
            "emotion": r.sample.emotion,
            "predicted": r.predicted,
            "probabilities": list(r.probabilities),
            "score": r.score,
            **({RECORDING: recordings[r.sample.id]} if recordings is not None else {}),
            **{GROUP_PREFIX + name: value for name, value in r.sample.groups.items()},
        }
        for r in records
    ]
    return pd.DataFrame(rows, columns=None if rows else list(COLUMNS))
