"""The tables of docs/verdicts.md and docs/suites.md, from what benchmarks wrote: `python benchmarks/brief.py`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from audit.wording import few

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


def near_copies(figures: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield the shares of near_copies.json, pictures beside clips."""
    yield "| pictures | FER2013 | clips | nEMO | RAVDESS |"
    yield "|---|---|---|---|---|"
    faces, nemo, acted = (list(figures[name]["forms"].items()) for name in ("fer2013", "nemo", "ravdess"))
    for face, one, other in zip_longest(faces, nemo, acted):
        left = f"{face[0]} | {face[1]:.3f}" if face else " | "
        right = f"{one[0]} | {one[1]:.3f} | {other[1]:.3f}" if one and other else " | | "
        yield f"| {left} | {right} |"


def planted(figures: Mapping[str, Any]) -> Iterator[str]:
    """Yield one row per planted defect of planted.json and what caught it, and what came of the sound models."""
    yield "| defect | | caught by |"
    yield "|---|---|---|"
    for row in figures["defects"]:
        by = few([f"`{name}`" if "::" in name else name for name in row["by"]]) if row["caught"] else "**missed**"
        yield f"| {row['defect']} | {row['about']} | {by} |"
    yield ""
    models = [{each["outcome"] for each in model["blocking"]} for model in figures["models"]]
    failed, unsure = sum("FAIL" in found for found in models), sum(found == {"UNSURE"} for found in models)
    by = {f"`{each['verdict']}`" for model in figures["models"] for each in model["blocking"]}
    yield (
        f"Caught: {figures['caught']} of {figures['planted']}. Of {figures['sound']} sound models {failed} failed, and "
        f"{unsure} {'was' if unsure == 1 else 'were'} held back as UNSURE{', by ' + few(sorted(by)) if by else ''}."
    )


def tables() -> dict[str, str]:
    """Return every table there are figures for, by the name of its place in the page."""
    found = {"coverage": "\n".join(coverage(json.loads((FIGURES / "coverage.json").read_text())))}
    found["near_copies"] = "\n".join(near_copies(json.loads((FIGURES / "near_copies.json").read_text())))
    found["stand_ins"] = (FIGURES / "stand_ins.txt").read_text().strip()
    found["planted"] = "\n".join(planted(json.loads((FIGURES / "planted.json").read_text())))
    return found


if __name__ == "__main__":
    print("\n\n".join(tables().values()))
