"""Intervals hold the truth as often as they say: by simulation, over the functions that every audit calls."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from audit import bounds
from audit.bootstrap import Resampled, resampled
from audit.estimate import Estimate
from audit.estimator import Estimator
from audit.intervals import Interval, wilson
from audit.kinds import import_file
from audit.suite import Decide

REPEATS = 5000
"""So that the share of intervals that hold is known to a third of a point (one standard error)."""


@pytest.fixture(scope="module")
def benchmark(repository: Path) -> Any:
    return import_file(repository / "benchmarks/interval_coverage.py")


def held(scenario: Any, interval: Callable[[bounds.Sampled, int], Interval], repeats: int = REPEATS) -> float:
    """Return the share of samples whose interval holds the truth."""
    rng = np.random.default_rng(11)
    hits = 0
    for turn in range(repeats):
        low, high = interval(scenario.draw(rng), turn)
        hits += low <= scenario.truth <= high
    return hits / repeats


def of_audit(benchmark: Any, scenario: Any) -> Callable[[bounds.Sampled, int], Interval]:
    return lambda found, turn: benchmark.audits(scenario, found, turn)(0.95)


def share(benchmark: Any, name: str) -> Any:
    return next(scenario for scenario in benchmark.shares() if scenario.name == f"share, {name}")


@pytest.mark.parametrize(
    "name",
    [
        "6 speakers x 60, icc 0.2, p 0.5",
        "9 speakers x 10, icc 0.05, p 0.8",
        "9 speakers x 60, icc 0.05, p 0.8",
        "9 speakers x 10, icc 0.2, p 0.8",
        "12 speakers x 5, icc 0.0, p 0.8",
        "12 speakers x 10 unequal, icc 0.05, p 0.8",
        "24 speakers x 10, icc 0.2, p 0.8",
        "60 speakers x 5, icc 0.2, p 0.95",
    ],
)
def test_intervals_of_shares_hold_in_93_to_97_of_100_cases(benchmark: Any, name: str) -> None:
    scenario = share(benchmark, name)
    assert 0.93 <= held(scenario, of_audit(benchmark, scenario)) <= 0.97


@pytest.mark.parametrize(("n", "p"), [(20, 0.5), (20, 0.8), (80, 0.5), (80, 0.8), (80, 0.95), (300, 0.8), (300, 0.95)])
def test_intervals_of_shares_of_independent_clips_hold_in_93_to_97_of_100_cases(n: int, p: float) -> None:
    """Exactly: over every number of clips that can be right, by its probability."""
    holds = 0.0
    for right in range(n + 1):
        found = bounds.Sampled(np.array([[1.0, 0.0], [1.0, 1.0]]), np.array([n - right, right], float), n, False)
        low, high = bounds.of_share(found, lambda sums: sums[..., 1] / sums[..., 0])(0.95)
        holds += binom.pmf(right, n, p) * (low <= p <= high)
    assert 0.93 <= holds <= 0.97


@pytest.mark.parametrize(
    ("metric", "speakers", "each", "sd"),
    [
        ("uar", 9, 10, 0.7),
        ("macro F1", 12, 5, 0.7),
        ("precision", 12, 5, 0.7),
        ("drop", 60, 1, 0.0),
        ("drop", 12, 5, 0.7),
        ("curve area", 9, 5, 0.7),
        ("critical epsilon", 12, 5, 0.7),
    ],
)
def test_intervals_of_other_metrics_hold_in_93_to_97_of_100_cases(
    benchmark: Any, metric: str, speakers: int, each: int, sd: float
) -> None:
    scenario = benchmark.of_speakers(metric, speakers, each, sd)
    assert 0.93 <= held(scenario, of_audit(benchmark, scenario), 3000) <= 0.97


@pytest.mark.parametrize("name", ["9 speakers, icc 0.2", "12 speakers, icc 0.0"])
def test_intervals_of_paired_scores_hold_in_93_to_97_of_100_cases(benchmark: Any, name: str) -> None:
    scenario = next(each for each in benchmark.scores() if each.name.endswith(name))
    assert 0.93 <= held(scenario, of_audit(benchmark, scenario)) <= 0.97


@pytest.mark.parametrize(("speakers", "each", "sd"), [(60, 1, 0.0), (12, 5, 0.7)])
def test_intervals_of_the_calibration_error_err_on_the_wide_side_alone(
    benchmark: Any, speakers: int, each: int, sd: float
) -> None:
    scenario = benchmark.of_speakers("ece", speakers, each, sd)
    assert 0.94 <= held(scenario, of_audit(benchmark, scenario), 1000) <= 0.99


def test_where_most_speakers_are_perfect_and_few_are_not_intervals_fall_short_by_as_much_as_is_told(
    benchmark: Any,
) -> None:
    scenario = share(benchmark, "9 speakers x 60, icc 0.2, p 0.95")
    assert 0.84 <= held(scenario, of_audit(benchmark, scenario)) <= 0.90


def test_it_would_be_noticed_if_clips_of_one_speaker_were_taken_for_independent(benchmark: Any) -> None:
    scenario = share(benchmark, "9 speakers x 10, icc 0.2, p 0.8")

    def naive(found: bounds.Sampled, _: int) -> Interval:
        clips, right = found.repeats @ found.rows
        return wilson(right / clips, clips, 0.95)

    assert held(scenario, naive, 1000) < 0.82


@pytest.mark.parametrize("corrected", [False, True])
def test_it_would_be_noticed_if_bootstrap_percentiles_were_not_widened_for_few_speakers(
    benchmark: Any, corrected: bool
) -> None:
    scenario = next(each for each in benchmark.scores() if each.name.endswith("9 speakers, icc 0.05"))
    statistic = benchmark.STATISTICS["mean score"]

    def plain(found: bounds.Sampled, turn: int) -> Interval:
        drawn = resampled(found.rows, found.repeats, statistic, units=found.units, draws=1000, seed=turn)
        assert drawn is not None
        if not corrected:
            drawn = Resampled(drawn.values, drawn.units, 0.0, 0.0)
        return drawn.at(-1.96), drawn.at(1.96)

    assert held(scenario, plain, 2000) < 0.92


def records(rng: np.random.Generator, speakers: int = 9, clips: int = 20) -> pd.DataFrame:
    """Return clean and noisy predictions, and maps' scores, of speakers who are recognised unequally well."""
    n = speakers * clips
    of, true = np.arange(n) % speakers, rng.integers(0, 3, n)
    ease = np.clip(rng.normal(0.8, 0.1, speakers), 0, 1)[of]
    parts = []
    for check, measure, at, worse in (
        ("clean", "", math.nan, 0.0),
        ("noise", "", 0.1, 0.2),
        ("noise", "", 0.5, 0.7),
        ("maps", "drop", 0.2, 0.0),
    ):
        said = np.where(rng.random(n) < ease - worse, true, (true + 1) % 3)
        top = rng.uniform(0.5, 1.0, n)
        part = {"check": check, "method": "m", "measure": measure, "severity": at, "sample": [f"{i}" for i in range(n)]}
        said_of = {"emotion": np.array(["a", "b", "c"])[true], "predicted": np.array(["a", "b", "c"])[said]}
        scores = {"probabilities": [[x, 1 - x, 0.0] for x in top], "score": rng.normal(0.1, 0.2, n)}
        parts.append(pd.DataFrame({**part, **said_of, **scores, "group.speaker": [f"s{i}" for i in of]}))
    return pd.concat(parts, ignore_index=True)


def asked(estimator: Estimator) -> dict[str, Estimate]:
    """Return one estimate of every kind there is."""
    found = {m: estimator.predicted("clean", m) for m in ("accuracy", "uar", "macro_f1", "ece")}
    found |= {m: estimator.predicted("clean", m, emotion="a") for m in ("recall", "precision", "f1")}
    found |= {m: estimator.curve("noise", m) for m in ("curve_area", "critical_epsilon")}
    return {**found, "drop": estimator.predicted("noise", "drop"), "score": estimator.mean_score("maps", "m", "drop")}


@pytest.fixture(scope="module", params=["speaker", None])
def estimates(request: pytest.FixtureRequest) -> dict[str, Estimate]:
    table = records(np.random.default_rng(5))
    return asked(Estimator(table, ("a", "b", "c"), {}, Decide(cluster=request.param)))


def test_every_estimate_has_the_interval_of_its_own_confidence(estimates: dict[str, Estimate]) -> None:
    for name, found in estimates.items():
        assert found.value is not None
        assert found.interval is not None
        assert found.bounds is not None
        assert found.bounds(0.95) == found.interval, name
        assert found.interval[0] <= found.value <= found.interval[1], name
        wider, narrower = found.bounds(0.999), found.bounds(0.5)
        assert wider[0] <= found.interval[0] < narrower[0] < narrower[1] < found.interval[1] <= wider[1], name


def test_the_error_of_a_limit_is_small_enough_just_where_the_interval_is_inside(estimates: dict[str, Estimate]) -> None:
    for name, found in estimates.items():
        assert found.interval is not None
        low, high = found.interval
        for step, inside in ((-1e-6, True), (1e-6, False)):
            # Inside a limit short of the one end, and beyond one past the other.
            assert (found.errors(low + step, None)[0] <= 0.025) == inside, name
            assert (found.errors(None, high - step)[0] <= 0.025) == inside, name
            assert (found.errors(None, low + step)[1] <= 0.025) == inside, name
            assert (found.errors(high - step, None)[1] <= 0.025) == inside, name


def test_an_error_shrinks_as_the_limit_recedes_and_is_never_nothing(estimates: dict[str, Estimate]) -> None:
    found = estimates["score"]
    assert found.value is not None
    errors = [found.errors(None, found.value - gap)[1] for gap in (0.0, 0.03, 0.06, 0.1, 0.15)]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 0.4
    assert 0 < errors[-1] < 1e-3


@pytest.mark.parametrize("cluster", ["speaker", None])
def test_where_all_clips_agree_every_interval_still_has_a_width(cluster: str | None) -> None:
    table = records(np.random.default_rng(5)).assign(predicted=lambda t: t["emotion"], score=0.3)
    table["probabilities"] = [[1.0, 0.0, 0.0]] * len(table)
    estimator = Estimator(table, ("a", "b", "c"), {}, Decide(cluster=cluster))
    found = asked(estimator)
    tested = estimator.severities("noise")[-1]
    assert found.pop("critical_epsilon").interval == (tested, math.inf)
    for name, each in found.items():
        assert each.interval is not None
        assert each.interval[1] - each.interval[0] > 0.002, name


def test_an_estimate_without_an_interval_errs_for_sure() -> None:
    assert Estimate(0.9, None, 1, None).errors(0.5, None) == (1, 1)


def test_a_value_known_without_error_errs_never_or_for_sure() -> None:
    assert Estimate(0.9, (0.9, 0.9), 5, None).errors(0.5, None) == (0, 1)
    assert Estimate(0.9, (0.9, 0.9), 5, None).errors(None, 0.5) == (1, 0)
