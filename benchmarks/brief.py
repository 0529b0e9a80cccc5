"""The tables of docs/verdicts.md, from what the benchmarks wrote: `python benchmarks/brief.py` prints them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

FIGURES = Path(__file__).parent / "figures"
WANTED = (0.93, 0.97)
BESIDE = {"BCa, expanded": "BCa expanded", "percentiles": "percentile"}


def coverage(figures: Mapping[str, Mapping[str, Sequence[float]]]) -> Iterator[str]:
    """Yield one row per metric of coverage.json: how often the audit's intervals hold the truth, and others do."""
    yield f"| metric | scenarios | in 93-97 % | in fewer | fewest | {' | '.join(f'{m}: in fewer' for m in BESIDE)} |"
    yield f"|{'---|' * (5 + len(BESIDE))}"
    for metric in dict.fromkeys(name.partition(",")[0] for name in figures):
        rows = [row for name, row in figures.items() if name.partition(",")[0] == metric]
        held = [row["audit"][0] for row in rows]
        inside = sum(WANTED[0] <= share <= WANTED[1] for share in held)
        under = [sum(row[m][0] < WANTED[0] for row in rows) for m in ("audit", *BESIDE.values())]
        others = " | ".join(map(str, under[1:]))
        yield f"| {metric} | {len(rows)} | {inside} | {under[0]} | {min(held):.1%} | {others} |"


def tables() -> dict[str, str]:
    """Return every table there are figures for, by the name of its place in the page."""
    found = {"coverage": "\n".join(coverage(json.loads((FIGURES / "coverage.json").read_text())))}
    for name in ("stand_ins", "planted"):
        path = FIGURES / f"{name}.txt"
        if path.is_file():
            found[name] = path.read_text().strip()
    return found


if __name__ == "__main__":
    print("\n\n".join(tables().values()))
