"""Where the relevance of a check's maps lies, and what the methods measured of their own maps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from audit.report.interval import scale_of
from audit.report.measured import Measured
from audit.report.numbers import fixed
from audit.report.ranking import Measure, measure
from audit.wording import spaced

PLACES: Mapping[str, tuple[str, str]] = {
    "localisation": ("relevance inside {}", "Share of the relevance that lies there"),
    "top_k_intersection": ("most relevant cells inside {}", "The same counted in cells, as many as lie there"),
}
OWN: Mapping[str, str] = {
    "conservation": "largest conservation error",
    "absorbed": "relevance absorbed",
    "absorbed_by_rules": "of that, by constants of the rules",
    "completeness": "error of the sum (completeness)",
    "efficiency": "error of the sum (efficiency)",
    "r2": "fit of the surrogate (R²)",
    "samples": "variants asked about per map",
    "error": "share of the best mask it may miss",
}
JUDGED = (
    *("faithfulness", "faithfulness_over_random", "faithfulness_over_energy", "chance"),
    *("similarity", "overlap", "other", "confined"),
)


@dataclass(frozen=True)
class Relevance:
    """One number of one method's maps: `what` it is, and what `chance` makes of it ("" where that says nothing)."""

    what: str
    method: str
    measure: Measure
    chance: str


def places(measured: Measured, check: str, emotion: str | None = None) -> list[tuple[str, list[Relevance]]]:
    """Return how much of the relevance lies where the emotion is known to, and in every region the suite names.

    (What is counted, its rows), first of the relevance itself, then of the most relevant cells.
    """
    by_chance = {
        (row["measure"], row["method"]): fixed(row["value"], 2)
        for row in measured.all(check, "chance", emotion=emotion)
        if row["value"] is not None
    }
    found = []
    for metric, (says, title) in PLACES.items():
        rows = []
        for row in measured.all(check, metric, emotion=emotion):
            if row["value"] is not None:
                region = row["measure"]
                what = says.format(f"region {region}" if region else "the true region")
                key = (f"{metric}/{region}" if region else metric, row["method"])
                rows.append(Relevance(what, row["method"], measure(row, (0.0, 1.0)), by_chance.get(key, "")))
        order = list(dict.fromkeys(row.what for row in rows))
        found.append((title, sorted(rows, key=lambda row: order.index(row.what))))
    return found


def own_measures(measured: Measured, check: str, emotion: str | None = None) -> list[Relevance]:
    """Return what the methods measured of their own maps."""
    found = []
    for metric in measured.metrics(check):
        if metric not in (*JUDGED, *PLACES):
            rows = [row for row in measured.all(check, metric, emotion=emotion) if row["value"] is not None]
            scale = scale_of(rows)
            what = OWN.get(metric, spaced(metric))
            found += [Relevance(what, row["method"], measure(row, scale), "") for row in rows]
    return found
