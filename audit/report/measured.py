"""The metrics of an audit, found by what they are of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.wording import sweep_parameter

Row = Mapping[str, Any]
ALONE = "alone"


class Measured:
    """The rows of `metrics`, by check and metric; emotion and group None mean over all clips."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self._rows: dict[tuple[str, str, str | None, str | None], list[Row]] = {}
        for row in document["metrics"]:
            # What one attack of several found alone is no other measurement of what all of them found.
            metric = f"{row['metric']}/{ALONE}" if row["measure"] == ALONE else row["metric"]
            key = (row["check"], metric, row["emotion"], row["group"])
            self._rows.setdefault(key, []).append(row)
        kinds = [(row["check"], row["kind"]) for part in ("verdicts", "metrics") for row in document[part]]
        self._kinds = dict(kinds)

    def all(self, check: str, metric: str, *, emotion: str | None = None, group: str | None = None) -> list[Row]:
        """Return every row of a metric, one per severity, method or fill, in the order of the audit."""
        return self._rows.get((check, metric, emotion, group), [])

    def metrics(self, check: str) -> list[str]:
        """Return the names of everything measured of a check, in the order of the audit."""
        named = dict.fromkeys(metric for name, metric, *_ in self._rows if name == check)
        return [metric for metric in named if not metric.endswith(f"/{ALONE}")]

    def one(self, check: str, metric: str, *, emotion: str | None = None) -> Row | None:
        """Return the only row of a metric, None where it was not measured."""
        rows = self.all(check, metric, emotion=emotion)
        return rows[0] if rows else None

    def checks(self, *kinds: str) -> list[str]:
        """Return the checks of these kinds in the suite's order, those that could not be judged too."""
        named = [str(entry.get("id")) for entry in self.document["suite"]["resolved"].get("checks", ())]
        return [check for check in dict.fromkeys([*named, *self._kinds]) if self._kinds.get(check) in kinds]

    def kind(self, check: str) -> str:
        """Return clean, corruption, attack or saliency; "" for a check nothing is known of."""
        return str(self._kinds.get(check, ""))

    def parameter(self, check: str) -> str:
        """Return the name of what a check sweeps."""
        return sweep_parameter(self.document, check)

    def entry(self, check: str) -> Row:
        """Return a check as the resolved suite has it; empty where it does not name the check."""
        entries = self.document["suite"]["resolved"].get("checks", ())
        return next((entry for entry in entries if entry.get("id") == check), {})

    def most(self, check: str) -> float | None:
        """Return the largest severity a check tested, None where it sweeps nothing."""
        values = [value for sweep in (self.entry(check).get("sweep") or {}).values() for value in sweep]
        return max(values, default=None)
