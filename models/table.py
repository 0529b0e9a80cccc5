"""Redraw the tables of figures: `python models/table.py [REPORT ...]` keeps what those audits found, and draws."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import sections
from audited import FOLDER, Audited, audit_of, everything, keep
from cells import markdown, shown
from ruamel.yaml import YAML

MODELS = Path(__file__).parent
BEGIN, END = "<!-- drawn by table.py: begin -->", "<!-- end -->"


def main(arguments: Sequence[str] | None = None) -> int:
    """Keep what the audits in the given folders found, then draw `README.md` and `published.md`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("report", type=Path, nargs="*", help="a folder that `audit run` wrote")
    for report in parser.parse_args(arguments).report:
        print(f"kept: {keep(report).relative_to(MODELS)}")
    audits, systems = everything(FOLDER), read_systems(MODELS / "published.yaml")
    drawn = redrawn((MODELS / "README.md").read_text(), overview(systems, audits))
    (MODELS / "README.md").write_text(drawn)
    (MODELS / "published.md").write_text(sections.page(systems, audits))
    return 0


def read_systems(path: Path) -> Mapping[str, Any]:
    """Return what each source system published, by its letter."""
    systems: Mapping[str, Any] = YAML(typ="safe", pure=True).load(path)
    return systems


def overview(systems: Mapping[str, Any], audits: Mapping[tuple[str, str], Audited]) -> str:
    """Return the table of all models that were built after published ones: published, measured, and the difference."""
    return markdown(
        ("model", "what", "published", "measured", "n", "unseen speakers", "difference"),
        (
            (
                f"[`{name}`]({told['card']})",
                told["what"],
                shown(told.get("published", {}).get("accuracy")),
                *_measured(name, told, audits),
                shown(_of_strangers(name)),
                told["word"],
            )
            for system in systems.values()
            for name, told in system["models"].items()
        ),
    )


def redrawn(text: str, table: str) -> str:
    """Return a text with what stands between its two marks replaced."""
    before, _, rest = text.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"README.md: the marks {BEGIN!r} and {END!r} are missing")
    return f"{before}{BEGIN}\n{table}{END}{after}"


def _of_strangers(name: str) -> float | None:
    """Return the accuracy on speakers that a training never heard, where `train.py --folds` measured it."""
    path = MODELS / f"{name}.figures.json"
    known = json.loads(path.read_text()) if path.is_file() else {}
    found = known.get("speaker-disjoint")
    return found["accuracy"] if found else None


def _measured(name: str, told: Mapping[str, Any], audits: Mapping[tuple[str, str], Audited]) -> Iterable[str]:
    audit = audit_of(name, told, audits)
    found = audit.figure("accuracy") if audit else None
    return (shown(found), str(found.n)) if found else ("not trained" if not told.get("suite") else "not audited", "")


if __name__ == "__main__":
    sys.exit(main())
