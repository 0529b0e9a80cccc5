"""One model under every attack: `python benchmarks/attacks.py [--clips N] [--queries N] [--again]`.

Accuracy over epsilon under FGSM, PGD, APGD, Square and random noise of the same size, and the strongest: per clip the
worst that any of them found in that ball or a smaller one. The check is one of several attacks, as any suite may have
it; APGD is the union of its two losses. `figures/attacks.svg` and `.txt` are drawn from `figures/attacks.json`, which
holds what was measured, with what, and on which weights; it is measured again where any of that differs.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from audit.attacks.apgd import apgd
from audit.audit import Audit
from audit.estimator import Estimator
from audit.kinds import attack
from audit.manifest import load_model
from audit.model import Model
from audit.randomness import SampleRng
from audit.record import ALONE
from audit.runner import run
from audit.suite import Check, Suite, Use, read_suite

HERE = Path(__file__).resolve().parent
FIGURES = HERE / "figures"
SUITE = HERE.parent / "suites" / "nemo-release-gate.audit.yaml"
EPSILONS = (0.0, 0.0005, 0.001, 0.0025, 0.005, 0.01)
PASSES = ("forward_samples", "backward_samples")
NAMES = {
    "uniform_noise": "noise, worst of 10",
    "square": "Square",
    "fgsm": "FGSM",
    "pgd": "PGD, 20 steps",
    "union": "APGD, both losses",
    "strongest": "strongest of all",
}
STYLES: Mapping[str, tuple[str, str, str]] = {
    "uniform_noise": ("faint", "2 4", "circle"),
    "square": ("ochre", "9 4 2 4", "triangle"),
    "fgsm": ("orange", "8 4", "diamond"),
    "pgd": ("plum", "3 3", "square"),
    "union": ("green", "9 7", "circle"),
    "strongest": ("blue", "", "circle"),
}
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 860, 470, 62, 178, 58, 56


@attack(norm="linf")
def apgd_dlr(
    model: Model, inputs: Tensor, targets: Tensor, rng: SampleRng, *, epsilon: Sequence[float], steps: int = 20
) -> Iterator[Tensor]:
    """Yield what Auto-PGD finds along the difference of logits ratio."""
    return apgd(model, inputs, targets, rng, epsilon=epsilon, steps=steps, loss="dlr")


def suite_of(clips: int, queries: int) -> Suite:
    """Return the model's own suite with all attacks in one check; the data's root is `${NEMO}`."""
    os.environ.setdefault("NEMO", str(HERE.parent.parent / "shared" / "data" / "nemo"))
    uses = (
        Use("attack", "fgsm"),
        Use("attack", "pgd"),
        Use("attack", "apgd"),
        Use("attack", "attacks.py:apgd_dlr", {}, HERE),
        Use("attack", "square", {"queries": queries}),
        Use("attack", "uniform_noise"),
    )
    check = Check("attacks", "attack", uses, ("epsilon", EPSILONS), samples=clips)
    return replace(read_suite(SUITE), checks=(check,))


def measured(suite: Suite) -> dict[str, Any]:
    """Return the curves of all attacks, each a list of (value, low, high) over EPSILONS, and what they are of."""
    audit = run(suite)
    assert audit.records is not None
    records = pd.concat([audit.records, _union(audit.records)], ignore_index=True)
    emotions = audit.model["emotions"]
    estimator = Estimator(records, emotions, {}, suite.decide)
    curves: dict[str, list[list[float]]] = {}
    for name in NAMES:
        found = [estimator.predicted("attacks", "accuracy", at=at, of=name) for at in EPSILONS]
        curves[name] = [[each.value or 0.0, *(each.interval or (0.0, 1.0))] for each in found]
    return {"curves": curves, "clips": found[0].n, "speakers": found[0].clusters, **_told(audit)}


def _union(records: pd.DataFrame) -> pd.DataFrame:
    """Return one prediction per clip and epsilon: that after either loss of APGD which is wrong, if one is."""
    one, other = (
        records[(records["method"] == name) & (records["measure"] == ALONE)].set_index(["severity", "sample"])
        for name in ("apgd", "apgd_dlr")
    )
    wrong = other["predicted"] != other["emotion"]
    both = one.copy()
    both.loc[wrong, "predicted"] = other.loc[wrong, "predicted"]
    return both.reset_index().assign(method="union")


def _told(audit: Audit) -> dict[str, Any]:
    cost = {name: row for name, row in audit.cost["by_check"].items() if name.startswith("attacks")}
    tests = [{key: row[key] for key in ("outcome", "reason")} for row in audit.soundness]
    return {"soundness": tests, "cost": {name: {key: row[key] for key in PASSES} for name, row in cost.items()}}


def settings(suite: Suite) -> dict[str, Any]:
    """Return what the figures rest on."""
    assert suite.model is not None
    check, decide = suite.checks[0], suite.decide
    return {
        "model": suite.model.name.removesuffix(".model.yaml"),
        "weights": load_model(suite.model).digest()[:16],
        "epsilons": list(EPSILONS),
        "attacks": {use.name: dict(use.parameters) for use in check.uses},
        "samples": check.samples,
        "seed": decide.seed,
        "confidence": decide.confidence,
        "cluster": decide.cluster,
    }


def table(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield the curves as a Markdown table."""
    model, level = found["settings"]["model"], round(100 * found["settings"]["confidence"])
    yield f"{model}, {found['clips']} clips of {found['speakers']} speakers: accuracy with its {level} % interval\n"
    yield f"| epsilon | {' | '.join(f'{at:g}' for at in found['settings']['epsilons'])} |"
    yield f"|---|{'---|' * len(found['settings']['epsilons'])}"
    for name, told in NAMES.items():
        cells = [f"{value:.2f} ({low:.2f} to {high:.2f})" for value, low, high in found["curves"][name]]
        yield f"| {told} | {' | '.join(cells)} |"
    for test in found["soundness"]:
        told = f": {test['reason']}" if test["reason"] else ""
        yield f"\nThe tests of the attacks themselves: {test['outcome']}{told}"
    for name, row in found["cost"].items():
        passes = f"{row['forward_samples']:,} forward, {row['backward_samples']:,} backward"
        yield f"{name}: {passes}"


def drawing(found: Mapping[str, Any]) -> str:
    """Return the curves as an SVG that reads in light and in dark."""
    epsilons = found["settings"]["epsilons"]
    across = [LEFT + (at / epsilons[-1]) ** 0.5 * (WIDTH - LEFT - RIGHT) for at in epsilons]
    curves = {name: [[_down(v) for v in point] for point in found["curves"][name]] for name in NAMES}
    parts = [_frame(found, epsilons, across)]
    for name, points in curves.items():
        color = STYLES[name][0]
        edge = [f"{x:.1f},{p[2]:.1f}" for x, p in zip(across, points, strict=True)]
        edge += [f"{x:.1f},{p[1]:.1f}" for x, p in zip(reversed(across), reversed(points), strict=True)]
        parts.append(f'<polygon class="band fill-{color}" points="{" ".join(edge)}"/>')
    # The strongest lies below, so that the dashed lines it is made of are seen on it.
    for name, points in reversed(curves.items()):
        parts.append(_line(name, [(x, point[0]) for x, point in zip(across, points, strict=True)]))
    parts += _labels({name: points[-1][0] for name, points in curves.items()})
    return "\n".join([*parts, "</svg>\n"])


def _frame(found: Mapping[str, Any], epsilons: Sequence[float], across: Sequence[float]) -> str:
    settings_, right = found["settings"], WIDTH - RIGHT
    level = round(100 * settings_["confidence"])
    title = f"{settings_['model']}: accuracy under attack"
    about = f"{found['clips']} clips of {found['speakers']} speakers, {level} % intervals; epsilon is of the scaled mel"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" aria-label="{title}">',
        _STYLE,
        f'<rect class="ground" width="{WIDTH}" height="{HEIGHT}"/>',
        f'<text class="title" x="{LEFT}" y="24">{title}</text>',
        f'<text class="about" x="{LEFT}" y="43">{about}</text>',
    ]
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = _down(share)
        lines.append(f'<line class="grid" x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        lines.append(f'<text class="tick" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{share:g}</text>')
    for at, x in zip(epsilons, across, strict=True):
        lines.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_down(1):.1f}" y2="{_down(0):.1f}"/>')
        lines.append(f'<text class="tick" x="{x:.1f}" y="{_down(0) + 18:.1f}" text-anchor="middle">{at:g}</text>')
    middle = (LEFT + right) / 2
    lines.append(
        f'<text class="tick" x="{middle:.0f}" y="{HEIGHT - 12}" text-anchor="middle">epsilon (square-root scale)</text>'
    )
    return "\n".join(lines)


def _line(name: str, points: Sequence[tuple[float, float]]) -> str:
    color, dash, symbol = STYLES[name]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    below = " below" if name == "strongest" else ""
    width = 7 if name == "strongest" else 2
    marks = "".join(_mark(symbol, color, x, y) for x, y in points)
    return f'<polyline class="line{below} stroke-{color}" stroke-width="{width}"{dashed} points="{path}"/>{marks}'


def _mark(symbol: str, color: str, x: float, y: float) -> str:
    if symbol == "circle":
        return f'<circle class="fill-{color}" cx="{x:.1f}" cy="{y:.1f}" r="3.6"/>'
    corners = {
        "square": ((-3.4, -3.4), (3.4, -3.4), (3.4, 3.4), (-3.4, 3.4)),
        "diamond": ((0, -5), (5, 0), (0, 5), (-5, 0)),
        "triangle": ((0, -5), (4.6, 3.6), (-4.6, 3.6)),
    }[symbol]
    return f'<polygon class="fill-{color}" points="{" ".join(f"{x + a:.1f},{y + b:.1f}" for a, b in corners)}"/>'


def _labels(ends: Mapping[str, float]) -> list[str]:
    """Return a name at every curve's end, none over another."""
    right, apart, at = WIDTH - RIGHT, 17.0, -1e9
    names = sorted(ends, key=lambda name: (ends[name], list(NAMES).index(name)))
    places: dict[str, float] = {}
    for name in names:
        at = places[name] = max(ends[name], at + apart)
    over = max(places.values()) - _down(0) - 2
    # What was pushed below the axis goes up again, and what it then meets.
    limit = 1e9
    for name in reversed(names):
        limit = places[name] = min(places[name], limit - apart, _down(0) + 2) if over > 0 else places[name]
    lines = []
    for name, place in places.items():
        color = STYLES[name][0]
        lines.append(f'<path class="lead stroke-{color}" d="M{right + 6} {ends[name]:.1f}L{right + 18} {place:.1f}"/>')
        lines.append(f'<text class="label fill-{color}" x="{right + 23}" y="{place + 4:.1f}">{NAMES[name]}</text>')
    return lines


def _down(share: float) -> float:
    return TOP + (1 - share) * (HEIGHT - TOP - BOTTOM)


_LIGHT = {"blue": "#0072b2", "orange": "#b34700", "ochre": "#6e5a00", "plum": "#8a2d6b", "green": "#00694a"}
_DARK = {"blue": "#56b4e9", "orange": "#e69f00", "ochre": "#e5d567", "plum": "#e59cc8", "green": "#4fcfa4"}


def _colors(colors: Mapping[str, str]) -> str:
    return "".join(f".fill-{name}{{fill:{value}}}.stroke-{name}{{stroke:{value}}}" for name, value in colors.items())


_STYLE = (
    "<style>text{font:13px system-ui,sans-serif;fill:#1b1b1b}.title{font-size:17px;font-weight:600}"
    ".about,.tick{fill:#555}.label{font-weight:600}.ground{fill:#fff}.grid{stroke:#ddd}.line,.lead{fill:none}"
    ".lead{stroke-width:1}.band{opacity:.1}.below{opacity:.5}"
    + _colors({**_LIGHT, "faint": "#5f5f5f"})
    + "@media(prefers-color-scheme:dark){text{fill:#eee}.about,.tick{fill:#b5b5b5}"
    ".ground{fill:#16181c}.grid{stroke:#33373d}" + _colors({**_DARK, "faint": "#a8a8a8"}) + "}</style>"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure where nothing fitting was measured yet, write the figures, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=60, help="clips that are attacked (60)")
    parser.add_argument("--queries", type=int, default=200, help="what Square may ask per clip and epsilon (200)")
    parser.add_argument("--again", action="store_true", help="measure again, though nothing differs")
    options = parser.parse_args(arguments)
    suite = suite_of(options.clips, options.queries)
    asked = json.loads(json.dumps(settings(suite)))
    path = FIGURES / "attacks.json"
    found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    if options.again or found.get("settings") != asked:
        found = {"settings": asked, "torch": torch.__version__, **measured(suite)}
        path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    told = "\n".join(table(found))
    (FIGURES / "attacks.txt").write_text(f"{told}\n", encoding="utf-8")
    (FIGURES / "attacks.svg").write_text(drawing(found), encoding="utf-8")
    print(told)
    return 0


if __name__ == "__main__":
    sys.exit(main())
