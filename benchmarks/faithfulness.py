"""How faithful every saliency method's maps are: `python benchmarks/faithfulness.py --nemo ROOT --faces ROOT`.

Everything is measured by the audit itself, as `audit run` does it; this file asks for every method there is and prints
one table per reference model, in Markdown. `drop` is what the predicted emotion's probability loses when the most
salient fifth is masked (fill: mean), `elsewhere` what the same masks cost in another place; both differences are
paired. `figures/faithfulness.json` keeps what was printed last.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from audit.audit import Audit
from audit.kinds import known_methods
from audit.runner import run
from audit.suite import Check, Suite, Use, read_suite

HERE = Path(__file__).parent
FIGURES = HERE / "figures" / "faithfulness.json"
MODELS: Mapping[str, tuple[str, str]] = {
    "nemo-resnet18": ("nemo-release-gate", "nemo"),
    "nemo-attention": ("nemo-attention", "nemo"),
    "fer-cnn-lstm": ("fer-cnn-lstm", "faces"),
}
"""The suite that names a model, and which root its data is given by."""
PUBLISHED: Mapping[str, Mapping[str, float]] = {
    "nemo-resnet18": {"lrp": 0.4779, "gradcam": 0.2784, "lime": 0.1064, "smoothgrad": -0.0145}
}
"""Mean drops that were published for a ResNet-18 on this data, without intervals."""
MEASURE = "probability_drop/mean"
MASKS = ("energy", "random")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print one table per model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nemo", type=Path, help="root of nEMO")
    parser.add_argument("--faces", type=Path, help="FER2013's folder of test images, one folder per emotion")
    parser.add_argument("--clips", type=int, default=60, help="recordings per model (60)")
    parser.add_argument("--only", choices=sorted(MODELS), help="one model alone")
    options = parser.parse_args(arguments)
    for name, (suite, data) in MODELS.items():
        root = getattr(options, data)
        if options.only not in (None, name):
            continue
        if root is None:
            print(f"\n{name}: left out, for want of --{data}")
            continue
        audit = run(asked(read_suite(HERE.parent / "suites" / f"{suite}.audit.yaml", data=root), options.clips))
        measured = figures(audit)
        print("\n".join(table(name, measured)), flush=True)
        FIGURES.parent.mkdir(exist_ok=True)
        known = json.loads(FIGURES.read_text()) if FIGURES.is_file() else {}
        FIGURES.write_text(json.dumps({**known, name: measured}, indent=1) + "\n")
    return 0


def asked(suite: Suite, clips: int) -> Suite:
    """Return the suite with one check of every saliency method, and without gates."""
    methods = sorted(known_methods("saliency"))
    check = next(check for check in suite.checks if check.kind == "saliency")
    check = replace(
        check,
        uses=tuple(Use("saliency", method) for method in methods if method not in MASKS),
        faithfulness=(Use("faithfulness", "probability_drop", {"masked": 0.2, "fill": "mean"}),),
        samples=clips,
        regions=(),
        confined=None,
        gates=(),
    )
    return replace(suite, checks=(Check("clean", "clean"), check))


def figures(audit: Audit) -> dict[str, Any]:
    """Return the figures of every method, and of energy and random masks."""
    rows = {
        (row["method"], row["metric"]): row
        for row in audit.metrics
        if row["kind"] == "saliency" and row["measure"] == MEASURE and row["emotion"] is None
    }
    standing = {row["method"]: row for row in audit.standings}
    methods = dict.fromkeys(method for method, _ in rows)
    return {
        "n": next(iter(rows.values()))["n"],
        "methods": {
            method: {
                **{metric: _figure(rows.get((method, metric))) for metric in ("faithfulness", "chance")},
                "over_random": _figure(rows.get((method, "faithfulness_over_random"))),
                "over_energy": _figure(rows.get((method, "faithfulness_over_energy"))),
                "standing": standing[method]["outcome"] if method in standing else None,
                "reason": standing[method]["reason"] if method in standing else "",
            }
            for method in methods
        },
        "refused": {row["method"]: row["refused"] for row in audit.standings if row["refused"]},
    }


def _figure(row: Mapping[str, Any] | None) -> list[float] | None:
    """Return a value and the ends of its interval, to three places."""
    return None if row is None else [round(float(x), 3) for x in (row["value"], *(row["interval"] or ()))]


def table(name: str, found: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of one model's table, the most faithful over chance first."""
    published = PUBLISHED.get(name, {})
    yield f"\n{name}, {found['n']} recordings"
    yield ""
    more = bool(published)
    yield f"| method | drop | elsewhere | over elsewhere | over energy | earned its place |{' published |' * more}"
    yield f"|---|---|---|---|---|---|{'---|' * more}"
    ranked = sorted(
        found["methods"].items(), key=lambda entry: (entry[0] in MASKS, -(entry[1]["over_random"] or [0])[0])
    )
    for method, row in ranked:
        cells = [_shown(row[key]) for key in ("faithfulness", "chance", "over_random", "over_energy")]
        earned = {"PASS": "yes", "FAIL": "no", "UNSURE": "not shown", None: "baseline"}[row["standing"]]
        last = f" {published[method]:.4f} |" if method in published else " |" * bool(published)
        yield f"| {method} | {' | '.join(cells)} | {earned} |{last}"
    yield ""
    for method, row in ranked:
        if row["reason"]:
            yield f"- {method}: {row['reason']}"
    for method, reason in found["refused"].items():
        yield f"- {method} refused: {reason}"


def _shown(figure: Sequence[float] | None) -> str:
    if figure is None:
        return ""
    return f"{figure[0]:.3f}" if len(figure) == 1 else f"{figure[0]:.3f} ({figure[1]:.3f} to {figure[2]:.3f})"


if __name__ == "__main__":
    sys.exit(main())
