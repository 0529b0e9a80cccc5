"""The records of an audit by what they are of, each a table by sample."""

from __future__ import annotations

import math
from collections.abc import Collection
from functools import cached_property

import pandas as pd

from audit.record import ALONE, FOUND

Key = tuple[str, str, str, float]


class Tables:
    """Records by (check, method, measure, severity); severity is -inf where there is none."""

    def __init__(self, records: pd.DataFrame) -> None:
        self._by_key: dict[Key, pd.DataFrame] = {
            (check, method, measure, severity): part.set_index("sample")
            for (check, method, measure, severity), part in records.fillna({"severity": -math.inf}).groupby(
                ["check", "method", "measure", "severity"], sort=False
            )
        }

    @cached_property
    def keys(self) -> list[Key]:
        """All (check, method, measure, severity) there are records of."""
        return list(self._by_key)

    def predictions(self, check: str, at: float | None, of: str | None = None) -> pd.DataFrame:
        """Return the predictions of a check at one severity, indexed by sample; empty where there are none.

        Of a check of several attacks they are those after the strongest, or after the one called `of`.
        """
        for (name, method, measure, severity), part in self._by_key.items():
            meant = measure == "" if of is None else measure in ("", ALONE) and method == of
            if name == check and meant and (at is None or severity == at):
                return part
        return pd.DataFrame(columns=["emotion", "predicted", "probabilities"])

    @cached_property
    def clean(self) -> pd.DataFrame:
        """The clean predictions of every clip, indexed by sample."""
        return self.predictions("clean", None)

    def severities(self, check: str) -> list[float]:
        """Return the severities a check has predictions of, ascending."""
        return sorted({key[3] for key in self._by_key if key[0] == check and key[2] == "" and math.isfinite(key[3])})

    def scores(self, check: str, method: str, measure: str, at: float | None = None) -> pd.DataFrame | None:
        """Return the first table of a score, at one severity where it is given; None where there is none."""
        found = [
            part
            for key, part in self._by_key.items()
            if key[:3] == (check, method, measure) and (at is None or key[3] == at)
        ]
        return found[0] if found else None

    def found(self, screen: str) -> set[str] | None:
        """Return the samples that a screen of the data found; None where none of that name was applied."""
        for (_, method, measure, _), part in self._by_key.items():
            if (method, measure) == (screen, FOUND):
                return set(part.index[part["score"] > 0])
        return None

    def excluding(self, samples: Collection[str]) -> Tables:
        """Return the same tables without these samples."""
        other = Tables.__new__(Tables)
        other._by_key = {key: part[~part.index.isin(list(samples))] for key, part in self._by_key.items()}
        return other
