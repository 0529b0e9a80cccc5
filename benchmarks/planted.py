"""Whether hidden defects are caught, and sound models are not: `python benchmarks/planted.py [--only NAME] [--json]`.

Defective models and data sets are made from sound ones, each with one thing wrong that happens, and audited with
`suites/deployment-gate.audit.yaml` by the road a user takes. A defect is caught where the audit does not pass and what
blocks is among the signs that are declared for it; an audit that stumbles over something else has not found it. A false
alarm is a sound model, of which there is one per training seed, whose audit does not pass.

Everything made is kept in --folder: an interrupted run goes on where it stopped, and an audit is made again where the
suite or the code has changed. The first run trains some models and takes about an hour on one core. A whole run of the
usual size writes `figures/planted.json`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from planting.case import SOUND_SEED, Case, Ground, Planted
from planting.cases import CASES
from planting.judging import AUDIT, SUITE, Outcome, outcome_of

from audit.wording import few

COLUMNS = "{:<22}{:<56}{:<8}{}"
FIGURES = Path(__file__).parent / "figures" / "planted.json"
SOUND = 10
FRESH = 200
"""The first training seed of the sound models: the suite's limits were chosen on models of lower ones."""


@dataclass(frozen=True)
class Row:
    """One case and what its audit came to; `by` is what caught it."""

    name: str
    about: str
    outcome: Outcome
    by: tuple[str, ...]

    @property
    def caught(self) -> bool:
        """Whether it was found."""
        return bool(self.by)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, and return 1 where a defect is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [case.name for case in CASES]
    parser.add_argument("--only", nargs="+", choices=[*names, "sound"], metavar="NAME", help="these cases, or `sound`")
    parser.add_argument("--sound", type=int, default=SOUND, help=f"sound models, one per training seed ({SOUND})")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    cache = Path(tempfile.gettempdir()) / "planted"
    parser.add_argument("--folder", type=Path, default=cache, help=f"where everything is made and kept ({cache})")
    options = parser.parse_args(arguments)
    ground = Ground(options.folder.resolve())
    cases = [case for case in CASES if options.only is None or case.name in options.only]
    rows, alarms = [], []

    def say(text: str) -> None:
        if not options.json:
            print(text, flush=True)

    say(COLUMNS.format("defect", "", "caught", "by"))
    for case in cases:
        rows.append(judged(case, ground))
        say(line(rows[-1]))
    if options.only is None or "sound" in options.only:
        for seed in range(FRESH, FRESH + options.sound):
            alarms.append((seed, sound(ground, seed)))
            if alarms[-1][1].exit_code:
                say(f"false alarm, seed {seed}: {told(alarms[-1][1])}")
    caught = sum(row.caught for row in rows)
    raised = sum(bool(outcome.exit_code) for _, outcome in alarms)
    say(f"\ncaught {caught} of {len(rows)} planted; false alarms over {len(alarms)} sound models: {raised}")
    if options.json:
        print(json.dumps(document(rows, alarms), indent=1))
    if options.only is None and options.sound >= SOUND:
        FIGURES.write_text(json.dumps(document(rows, alarms), indent=1) + "\n", encoding="utf-8")
    return int(caught < len(rows))


def judged(case: Case, ground: Ground, suite: Path = SUITE) -> Row:
    """Plant a case, audit it, and say what caught it."""
    folder = ground.folder / "cases" / case.name
    planted, release = case.plant(ground, folder), None
    if planted.since_release:
        sound(ground, SOUND_SEED, suite)
        release = sound_folder(ground, SOUND_SEED) / AUDIT
    outcome = outcome_of(planted, folder, suite, release)
    return Row(case.name, case.about, outcome, tuple(outcome.shown_by(case.signs)))


def sound(ground: Ground, seed: int, suite: Path = SUITE) -> Outcome:
    """Audit the sound model of one training seed."""
    planted = Planted(ground.manifest(ground.weights(seed)), ground.listed)
    return outcome_of(planted, sound_folder(ground, seed), suite)


def sound_folder(ground: Ground, seed: int) -> Path:
    """Return where the sound model of one training seed is audited: as deep as a case, for clips go by their paths."""
    return ground.folder / "sound" / str(seed)


def line(row: Row) -> str:
    """Return a row of the table; of what was missed, why the audit did not pass, if it did not."""
    by = few(row.by)
    if not row.caught:
        by = "the audit passes" if row.outcome.exit_code == 0 else f"blocked by other gates: {told(row.outcome)}"
    return COLUMNS.format(row.name, row.about, "yes" if row.caught else "NO", by)


def told(outcome: Outcome) -> str:
    """Return what keeps an audit from passing."""
    return outcome.error or few([f"{name} {found}" for name, found, _ in outcome.blocking])


def document(rows: Sequence[Row], alarms: Sequence[tuple[int, Outcome]]) -> dict[str, object]:
    """Return everything as JSON."""
    return {
        "planted": len(rows),
        "caught": sum(row.caught for row in rows),
        "sound": len(alarms),
        "false_alarms": sum(outcome.exit_code != 0 for _, outcome in alarms),
        "defects": [
            {"defect": row.name, "about": row.about, "caught": row.caught, "by": list(row.by), **_plain(row.outcome)}
            for row in rows
        ],
        "models": [{"seed": seed, **_plain(outcome)} for seed, outcome in alarms],
    }


def _plain(outcome: Outcome) -> dict[str, object]:
    return {
        "exit_code": outcome.exit_code,
        "blocking": [{"verdict": name, "outcome": found} for name, found, _ in outcome.blocking],
        "findings": list(outcome.findings),
        "error": outcome.error,
        "seconds": round(outcome.seconds, 1),
    }


if __name__ == "__main__":
    sys.exit(main())
