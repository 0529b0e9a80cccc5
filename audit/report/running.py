"""What a model costs to run, as a table: its latency, throughput, parameters and size, and where that was measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from audit.report.measured import Measured
from audit.report.numbers import NOT_MEASURED, fixed, places, span
from audit.running_cost import RunningCost
from audit.wording import unit_of

NAMES = {
    "latency": "Latency, median",
    "latency_p95": "Latency, 95th percentile",
    "latency_with_representation": "Latency with representation, median",
    "throughput": "Throughput, median",
    "parameters": "Parameters",
    "size": "Size on disk",
}


@dataclass(frozen=True)
class Row:
    """One thing measured, with its unit, in words; `says` what it is of, or why it could not be counted."""

    name: str
    value: str
    unit: str
    interval: str
    n: str
    says: str


@dataclass(frozen=True)
class Running:
    """One cost check: the machine in words, and its rows, none where the check could not be judged."""

    check: str
    machine: str
    rows: tuple[Row, ...]


def running(measured: Measured) -> list[Running]:
    """Return every cost check of the suite."""
    costs = {row["check"]: RunningCost(**row) for row in measured.document.get("running_costs", ())}
    return [
        Running(check, costs[check].where, tuple(_rows(measured, check, costs[check])))
        if check in costs
        else Running(check, "", ())
        for check in measured.checks("cost")
    ]


def _rows(measured: Measured, check: str, cost: RunningCost) -> Iterator[Row]:
    says = {
        "latency": "the model alone, one recording at a time",
        "latency_p95": "the same calls",
        "latency_with_representation": "the same calls, from the decoded recording on",
        "throughput": f"the model alone, {cost.batch} at a time",
        "parameters": "all that the network holds",
        "size": "the files of its weights",
        **cost.uncounted,
    }
    for metric, name in NAMES.items():
        row = measured.one(check, metric)
        if row is None:
            continue
        value, interval, n = NOT_MEASURED, "", ""
        if row["value"] is not None:
            decimals = places([row["value"], *(row["interval"] or ())])
            value, interval, n = fixed(row["value"], decimals), span(row["interval"], decimals), f"{row['n']:,}"
        yield Row(name, value, unit_of(metric), interval, n, says[metric])
