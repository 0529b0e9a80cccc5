"""How many gates of the shipped suites a model that knows nothing would pass.

`python benchmarks/stand_ins.py [--data ROOT]` prints one row per suite; ROOT holds nemo/, ravdess/ and fer2013/ for the
suites on real recordings, which are named and left out where their data is not there. A suite that names no model is
judged on the clips of `planted.py`.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from planting.case import Ground, Planted
from planting.judging import written

from audit.errors import DataError, UsageError
from audit.stand_ins import ANSWERS
from audit.suite import Suite, read_suite
from audit.teeth import Teeth, teeth_of

REPOSITORY = Path(__file__).resolve().parent.parent
ROOTS = {"NEMO": "nemo", "RAVDESS": "ravdess", "FER2013": "fer2013"}


def found(data: Path | None) -> Iterator[tuple[str, Teeth | str]]:
    """Yield every shipped suite's teeth, or why they could not be looked at."""
    for name, folder in ROOTS.items():
        os.environ[name] = str((data or Path("nowhere")) / folder)
    for path in sorted((REPOSITORY / "suites").glob("*.audit.yaml")):
        suite = read_suite(path)
        try:
            yield suite.name, teeth_of(suite if suite.model else on_planted_clips(path))
        except (DataError, UsageError) as error:
            yield suite.name, str(error)


def on_planted_clips(path: Path) -> Suite:
    """Return a suite that names no model, on the sound clips of `planted.py`."""
    ground = Ground(Path(tempfile.gettempdir()) / "planted")
    weights = REPOSITORY / "models" / "weights" / "quickstart.safetensors"
    planted = Planted(ground.manifest(weights), ground.listed)
    return read_suite(written(planted, ground.folder / "stand_ins", path))


def lines(rows: Sequence[tuple[str, Teeth | str]]) -> Iterator[str]:
    """Yield a table: gates that count, those that each stand-in passes, and the best of them."""
    yield f"| suite | gates | informational | {' | '.join(ANSWERS)} | best |"
    yield f"|{'---|' * (len(ANSWERS) + 4)}"
    for name, teeth in rows:
        if isinstance(teeth, str):
            continue
        deciding = [bite for bite in teeth.gates if not bite.informational]
        passed = [sum(each in bite.passed_by for bite in deciding) for each in ANSWERS]
        counts = " | ".join(map(str, passed))
        share = max(passed) / len(deciding) if deciding else 0.0
        yield f"| {name} | {len(deciding)} | {len(teeth.gates) - len(deciding)} | {counts} | {share:.2f} |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; return 1 where a stand-in passes a gate that is meant to decide something."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="the folder that holds nemo/, ravdess/ and fer2013/")
    given = parser.parse_args(arguments)
    rows = list(found(given.data.resolve() if given.data else None))
    print("\n".join(lines(rows)))
    for name, teeth in rows:
        if isinstance(teeth, str):
            print(f"\n{name} was left out: {teeth}")
    return int(any(not isinstance(teeth, str) and teeth.toothless for _, teeth in rows))


if __name__ == "__main__":
    raise SystemExit(main())
