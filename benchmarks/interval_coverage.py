"""How often intervals hold the truth: `python benchmarks/interval_coverage.py [--json] [--repeats N]`.

Clips are drawn again and again from populations whose truth is known, of few speakers and many, alike and not, and
every way of making an interval is tried on the same draws. A cell reads `95.2 (2.1 3) .18`: in so many of 100 cases
the nominal 95 % interval held the truth, in so many it lay wholly above or below it, and its median width was that.
`audit` is what the audit gives; `figures/coverage.json` keeps the last.

Shares differ by speaker as beta-binomial ones do, with the given intra-class correlation (icc), of equal or unequal
numbers of clips; other metrics come from six emotions of unequal difficulty, and speakers that differ by `sd` logits.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audit import bounds, metrics
from audit.bootstrap import Resampled, jackknife, resampled
from audit.bounds import Sampled
from audit.intervals import Bounds, Interval, paired_difference, reach, wilson

Floats = NDArray[np.float64]
FIGURES = Path(__file__).parent / "figures" / "coverage.json"
NOMINAL, WANTED, DRAWS = 0.95, (0.93, 0.97), 1000
EMOTIONS = np.array([1.2, 0.6, 2.0, 1.0, 0.3, 3.0])
"""How easily every emotion is recognised, in logits, and what for each is taken where it is not."""
TAKEN_FOR = np.array([*"052111303211110521222022111106611110"], float).reshape(6, 6) / 10
SEVERITIES = (0.0, 0.5, 1.0, 2.0, 4.0)


@dataclass(frozen=True)
class Scenario:
    """A population, how a sample is drawn from it, and the metric with its `truth`."""

    name: str
    metric: str
    truth: float
    draw: Callable[[np.random.Generator], Sampled]


def of_cells(formula: Callable[[Floats], Floats], emotion: int | None = None) -> Callable[[Floats], Floats]:
    """Return a formula of confusion counts as one of flat cells."""

    def statistic(sums: Floats) -> Floats:
        found = formula(sums.reshape(*sums.shape[:-1], 6, 6))
        return found if emotion is None else found[..., emotion]

    return statistic


STATISTICS: Mapping[str, Callable[[Floats], Floats]] = {
    "share": lambda sums: sums[..., 1] / sums[..., 0],
    "mean score": lambda sums: sums[..., 1] / sums[..., 0],
    "drop": lambda sums: (sums[..., 1] - sums[..., 2]) / sums[..., 0],
    "critical epsilon": lambda sums: metrics.critical_severity(SEVERITIES, sums[..., 1:] / sums[..., :1]),
    "curve area": lambda sums: metrics.curve_area(SEVERITIES, sums[..., 1:] / sums[..., :1]),
    "ece": metrics.expected_calibration_error,
    "recall": of_cells(metrics.recall, 5),
    "precision": of_cells(metrics.precision, 5),
    "f1": of_cells(metrics.f1, 5),
    "uar": of_cells(metrics.uar),
    "macro F1": of_cells(metrics.macro_f1),
}
CELLS: Mapping[str, Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.bool_]]] = {
    "recall": lambda true, _: true == 5,
    "precision": lambda _, said: said == 5,
    "f1": lambda true, said: (true == 5) | (said == 5),
    "uar": lambda true, _: true >= 0,
    "macro F1": lambda true, _: true >= 0,
}


def sampled(rows: Floats, clustered: bool) -> Sampled:
    """Return speakers' clips (speakers, clips, d) as what was sampled; rows that are 0 stand for no clip."""
    flat = rows.reshape(-1, rows.shape[-1])
    clips = int(flat.any(axis=1).sum())
    if clustered:
        sums = rows.sum(axis=1)
        sums = sums[sums.any(axis=1)]
        return Sampled(sums, np.ones(len(sums)), clips, clustered=True)
    distinct, counts = np.unique(flat[flat.any(axis=1)], axis=0, return_counts=True)
    return Sampled(distinct, counts.astype(float), clips, clustered=False)


def shares() -> Iterator[Scenario]:
    """Yield shares of independent clips, and of clips of speakers."""
    for n, p in product((20, 80, 300), (0.5, 0.8, 0.95)):

        def clips(rng: np.random.Generator, n: int = n, p: float = p) -> Sampled:
            right = rng.binomial(n, p)
            return Sampled(np.array([[1.0, 0.0], [1.0, 1.0]]), np.array([n - right, right], float), n, False)

        yield Scenario(f"share, {n} clips, p {p}", "share", p, clips)
    sizes = ((5, False), (10, False), (10, True), (60, False))
    for speakers, (each, unequal), icc, p in product((6, 9, 12, 24, 60), sizes, (0.0, 0.05, 0.2), (0.5, 0.8, 0.95)):
        ramp = np.round(each * 2 * np.arange(1, speakers + 1) / (speakers + 1)).clip(1)
        counts = (ramp if unequal else np.full(speakers, each)).astype(int)

        def speech(
            rng: np.random.Generator, counts: NDArray[np.int64] = counts, icc: float = icc, p: float = p
        ) -> Sampled:
            spread = (1 - icc) / icc if icc else math.inf
            rates = rng.beta(p * spread, (1 - p) * spread, len(counts)) if icc else np.full(len(counts), p)
            rows = np.column_stack([counts, rng.binomial(counts, rates)]).astype(float)
            return Sampled(rows, np.ones(len(counts)), int(counts.sum()), clustered=True)

        name = f"share, {speakers} speakers x {each}{' unequal' * unequal}, icc {icc}, p {p}"
        yield Scenario(name, "share", p, speech)


def scores() -> Iterator[Scenario]:
    """Yield mean paired differences of skewed scores of 60 clips."""
    for speakers, icc in product((9, 12, None), (0.0, 0.05, 0.2)):
        if speakers is None and icc:
            continue

        def maps(rng: np.random.Generator, speakers: int | None = speakers, icc: float = icc) -> Sampled:
            of = np.arange(60) % (speakers or 60)
            noise = rng.gamma(1.5, 1 / math.sqrt(1.5), 60) - math.sqrt(1.5)
            values = 0.1 + 0.2 * (math.sqrt(icc) * rng.normal(size=60)[of] + math.sqrt(1 - icc) * noise)
            rows = np.zeros((speakers or 60, 60, 2))
            rows[of, np.arange(60)] = np.column_stack([np.ones(60), values])
            return sampled(rows, speakers is not None)

        of_what = f"{speakers} speakers, icc {icc}" if speakers else "no clusters"
        yield Scenario(f"mean score difference, 60 clips, {of_what}", "mean score", 0.1, maps)


def speech(rng: np.random.Generator, metric: str, speakers: int, each: int, sd: float, ease: float) -> Floats:
    """Return rows (speakers, 6 x each, d) of one metric: `each` clips of every emotion by every speaker."""
    voice = sd * rng.normal(size=(speakers, 1, 1))
    margin = EMOTIONS[None, :, None] + ease + voice + rng.logistic(size=(speakers, 6, each))
    right = margin > 0
    if metric == "drop":
        shift = 0.4 + 0.5 * sd * rng.normal(size=(speakers, 1, 1))
        after = margin + 0.6 * rng.normal(size=margin.shape) > shift
        rows = np.stack([np.ones(margin.shape), right & ~after, after & ~right], axis=-1)
    elif metric in ("critical epsilon", "curve area"):
        at = margin[..., None] - 0.9 * np.array(SEVERITIES) + 0.3 * rng.normal(size=(*margin.shape, len(SEVERITIES)))
        rows = np.concatenate([np.ones((*margin.shape, 1)), at > 0], axis=-1)
    elif metric == "ece":
        known = ease + 0.8 + 1.5 * rng.normal(size=margin.shape) + voice
        right = rng.random(margin.shape) < 1 / (1 + np.exp(-known))
        confidence = (1 / (1 + np.exp(-1.5 * known - 0.7))).clip(1 / 6)
        rows = metrics.calibration_bins(confidence.ravel(), right.ravel().astype(float))
    else:
        true = np.broadcast_to(np.arange(6)[None, :, None], margin.shape)
        chosen = (rng.random(margin.shape)[..., None] > TAKEN_FOR.cumsum(axis=1)[true]).sum(axis=-1).clip(max=5)
        said = np.where(right, true, chosen)
        rows = np.eye(36)[true * 6 + said] * CELLS[metric](true, said)[..., None]
    return np.asarray(rows, float).reshape(speakers, 6 * each, -1)


@cache
def truth_of(metric: str, sd: float, ease: float) -> float:
    """Return a metric over 400,000 speakers."""
    rng = np.random.default_rng(1)
    sums = sum(speech(rng, metric, 20_000, 1, sd, ease).sum(axis=(0, 1)) for _ in range(20))
    return float(STATISTICS[metric](np.asarray(sums)))


def of_speakers(metric: str, speakers: int, each: int, sd: float, ease: float = 0.0) -> Scenario:
    """Return a scenario of `each` clips of every emotion by every speaker, or, where it is one, of clips alone."""

    def draw(rng: np.random.Generator) -> Sampled:
        return sampled(speech(rng, metric, speakers, each, sd, ease), each > 1)

    of_what = f"{speakers} speakers x 6 x {each}, sd {sd}" if each > 1 else f"{6 * speakers} clips"
    return Scenario(f"{metric}, {of_what}, ease {ease}", metric, truth_of(metric, sd, ease), draw)


def recognition() -> Iterator[Scenario]:
    """Yield the other metrics, of clips of speakers and of clips alone."""
    worlds = [(s, each, sd) for s, each in ((9, 5), (12, 5), (9, 10), (24, 5)) for sd in (0.0, 0.7)]
    for metric, ease in product(list(STATISTICS)[2:], (0.0, 1.0)):
        for world in [*worlds, (60, 1, 0.0), (300, 1, 0.0)]:
            yield of_speakers(metric, *world, ease)


def audits(scenario: Scenario, found: Sampled, seed: int) -> Bounds | None:
    """Return the intervals that the audit gives."""
    statistic = STATISTICS[scenario.metric]
    if scenario.metric == "mean score":
        return bounds.of_score(found, statistic, draws=DRAWS, seed=seed)
    if scenario.metric == "critical epsilon":
        return bounds.of_crossing(found, statistic, SEVERITIES, draws=DRAWS, seed=seed)
    kinds = {"drop": bounds.of_drop, "ece": bounds.of_calibration}
    return kinds.get(scenario.metric, bounds.of_share)(found, statistic)


def candidates(scenario: Scenario, found: Sampled, seed: int) -> Iterator[tuple[str, Interval]]:
    """Yield every interval there is for a sample, the audit's first."""
    if (own := audits(scenario, found, seed)) is None:
        return
    yield "audit", own(NOMINAL)
    statistic, metric, sums = STATISTICS[scenario.metric], scenario.metric, found.repeats @ found.rows
    value, z = float(statistic(sums)), reach(NOMINAL)
    if metric == "drop":
        yield "independent", paired_difference(sums[1] / sums[0], sums[2] / sums[0], sums[0], NOMINAL)
    elif metric not in ("mean score", "critical epsilon", "ece"):
        yield "independent", wilson(min(max(value, 0.0), 1.0), found.clips, NOMINAL)
    drawn = resampled(found.rows, found.repeats, statistic, units=found.units, draws=DRAWS, seed=seed)
    assert drawn is not None
    plain = Resampled(drawn.values, drawn.units, 0.0, 0.0)
    yield "percentile", (plain.at(-z), plain.at(z))
    yield "expanded", plain.bounds(NOMINAL)
    yield "BCa", (drawn.at(-z), drawn.at(z))
    yield "BCa expanded", drawn.bounds(NOMINAL)
    half = reach(NOMINAL, found.units - 1) * math.sqrt(jackknife(found.rows, found.repeats, statistic).variance)
    yield "jackknife t", (value - half, value + half)
    if metric == "share":
        inside = min(max(value, 0.5 / found.clips), 1 - 0.5 / found.clips)
        logit, slope = math.log(inside / (1 - inside)), inside * (1 - inside)
        yield "logit t", tuple(1 / (1 + math.exp(-logit - side * half / slope)) for side in (-1, 1))  # type: ignore[misc]


def measured(scenario: Scenario, repeats: int) -> dict[str, dict[str, float]]:
    """Return by method how often the interval held the truth, lay above or below it, and its median width."""
    rng = np.random.default_rng(7)
    tally: dict[str, list[tuple[bool, bool, float]]] = {}
    for turn in range(repeats):
        for name, (low, high) in candidates(scenario, scenario.draw(rng), turn):
            above, below = low > scenario.truth + 1e-9, high < scenario.truth - 1e-9
            tally.setdefault(name, []).append((above, below, high - low))
    return {
        name: {
            "held": 1 - float(np.mean([above or below for above, below, _ in turns])),
            "above": float(np.mean([above for above, _, _ in turns])),
            "below": float(np.mean([below for _, below, _ in turns])),
            "width": float(np.median([width for _, _, width in turns])),
        }
        for name, turns in tally.items()
    }


def lines(found: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Iterator[str]:
    """Yield one Markdown table per metric, and what each method came to over all its scenarios."""
    for metric in STATISTICS:
        rows = {name: row for name, row in found.items() if name.startswith(metric)}
        methods = list(dict.fromkeys(method for row in rows.values() for method in row))
        if not rows:
            continue
        yield f"\n| {metric} | {' | '.join(methods)} |\n|---|{'---|' * len(methods)}"
        for name, row in rows.items():
            cells = [_cell(row[method]) if method in row else "" for method in methods]
            yield f"| {name.removeprefix(metric).lstrip(', ')} | {' | '.join(cells)} |"
        for told, counts in (
            ("in 93 to 97 %", [_count(rows, method, *WANTED) for method in methods]),
            ("in fewer", [_count(rows, method, 0.0, WANTED[0] - 1e-9) for method in methods]),
            ("fewest", [f"{min(row[m]['held'] for row in rows.values() if m in row):.1%}" for m in methods]),
        ):
            yield f"| **{told}** | {' | '.join(counts)} |"


def _cell(found: Mapping[str, float]) -> str:
    held, above, below = (f"{100 * found[name]:.1f}" for name in ("held", "above", "below"))
    width = f"{found['width']:.3f}".lstrip("0")
    return f"{held} ({above} {below}) {width}"


def _count(rows: Mapping[str, Mapping[str, Mapping[str, float]]], method: str, least: float, most: float) -> str:
    held = [row[method]["held"] for row in rows.values() if method in row]
    return f"{sum(least <= share <= most for share in held)} of {len(held)}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every scenario and print the tables, or the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=1000, help="samples drawn per scenario (1000)")
    parser.add_argument("--only", default="", help="scenarios whose name begins so")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    found: dict[str, dict[str, dict[str, float]]] = {}
    for scenario in (each for make in (shares, scores, recognition) for each in make()):
        if scenario.name.startswith(options.only):
            found[scenario.name] = measured(scenario, options.repeats)
            print(".", end="", file=sys.stderr, flush=True)
    rounded = {
        name: {method: [round(x, 4) for x in cell.values()] for method, cell in row.items()}
        for name, row in found.items()
    }
    told = ",\n".join(f"{json.dumps(name)}: {json.dumps(row)}" for name, row in rounded.items())
    if not options.only:
        FIGURES.write_text(f"{{{told}}}\n")
    print(f"{{{told}}}" if options.json else "\n".join(lines(found)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
