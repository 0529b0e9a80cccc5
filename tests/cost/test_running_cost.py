"""Quantiles of timed calls and their intervals: against a literal version, by simulation, and by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from audit.intervals import order_statistics
from audit.running_cost import RunningCost, fewest_calls

MACHINE = {"device": "cpu", "processor": "A", "processors": 2, "load": 1.0, "threads": 1, "torch": "2"}
COST = RunningCost(
    check="cost",
    machine=MACHINE,
    calls=[float(i) for i in range(100, 0, -1)],
    calls_with_representation=[float(i) + 0.5 for i in range(100, 0, -1)],
    batch=8,
    batch_calls=[40.0, 10.0, 20.0, 30.0, 50.0, 60.0],
    parameters=46_934,
    size=1_500_000,
    files=2,
    uncounted={},
)


def literal(n: int, share: float, confidence: float) -> tuple[int, int]:
    """Go through all ranks: from how many values below the quantile each follows, and how often there are so many."""
    weights = [math.comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(n + 1)]
    tail = (1 - confidence) / 2
    low, high = 0, n + 1
    for rank in range(1, n + 1):
        # The value of this rank lies above the quantile where fewer values than that lie below it.
        if sum(weights[:rank]) <= tail:
            low = max(low, rank)
        if sum(weights[rank:]) <= tail:
            high = min(high, rank)
    return low, high


@pytest.mark.parametrize("confidence", [0.5, 0.8, 0.95, 0.999])
@pytest.mark.parametrize(("n", "share"), [(1, 0.5), (5, 0.5), (6, 0.5), (20, 0.5), (37, 0.5), (72, 0.95), (100, 0.95)])
def test_the_ranks_are_those_of_the_literal_version(n: int, share: float, confidence: float) -> None:
    assert order_statistics(n, share, confidence) == literal(n, share, confidence)


def test_the_median_of_a_hundred_lies_between_the_fortieth_and_the_sixty_first() -> None:
    """As tables of the sign test have it."""
    assert order_statistics(100, 0.5, 0.95) == (40, 61)


@pytest.mark.parametrize(("share", "n"), [(0.5, 20), (0.5, 100), (0.95, 100)])
@pytest.mark.parametrize("draw", [stats.lognorm(1.0), stats.uniform(), stats.pareto(1.5)], ids=["log", "flat", "tail"])
def test_the_interval_holds_the_true_quantile_as_often_as_it_says(share: float, n: int, draw: stats.rv_frozen) -> None:
    values = np.sort(draw.rvs((4000, n), random_state=np.random.default_rng(3)), axis=1)
    low, high = order_statistics(n, share, 0.95)
    truth = draw.ppf(share)
    below, above = (values[:, low - 1] > truth).mean(), (values[:, high - 1] < truth).mean()
    # Four standard errors of a simulation of 4,000.
    most = 0.025 + 4 * math.sqrt(0.025 * 0.975 / 4000)
    assert below < most
    assert above < most
    assert 1 - below - above > 0.94


def test_latency_is_the_median_of_its_calls_between_two_of_them() -> None:
    found = COST.estimate("latency", 0.95)
    assert (found.value, found.interval, found.n) == (50.5, (40.0, 61.0), 100)
    assert found.why == "median of 100 calls of one recording on A (cpu), 1 thread, load 1.0 on 2 processors, torch 2"


def test_latency_with_the_representation_says_what_of_it_lies_outside_the_model() -> None:
    found = COST.estimate("latency_with_representation", 0.95)
    assert (found.value, found.interval) == (51.0, (40.5, 61.5))
    assert found.why.endswith("; 0.5 ms of it outside the model")


def test_throughput_is_a_batch_over_its_median_time_and_its_ends_change_places() -> None:
    found = COST.estimate("throughput", 0.95)
    assert found.value == pytest.approx(8 / 0.035)
    assert found.interval == pytest.approx((8 / 0.060, 8 / 0.010))
    assert found.n == 6


def test_an_interval_has_no_end_where_so_few_calls_show_none() -> None:
    few = replace(COST, calls=[3.0, 1.0, 2.0], batch_calls=[10.0])
    assert few.estimate("latency", 0.95).interval == (0.0, math.inf)
    assert few.estimate("throughput", 0.95).interval == (0.0, math.inf)
    assert few.estimate("latency", 0.5).interval == (1.0, 3.0)


@pytest.mark.parametrize(("metric", "calls"), [("latency", 6), ("throughput", 6), ("latency_p95", 72)])
def test_so_many_calls_are_the_fewest_that_give_both_ends(metric: str, calls: int) -> None:
    assert fewest_calls(metric, 0.95) == calls


def test_a_wider_interval_is_given_for_more_confidence_and_tells_how_sure_a_failure_is() -> None:
    found = COST.estimate("latency", 0.95)
    assert found.bounds is not None
    ends = [found.bounds(confidence) for confidence in (0.1, 0.5, 0.9, 0.99, 0.9999)]
    assert all(b[0] <= a[0] <= a[1] <= b[1] for a, b in pairwise(ends))
    # Under 30 lie 29 of 100 values: as improbable of a fair coin as 29 heads or fewer.
    assert found.errors(None, 29.5)[1] == pytest.approx(stats.binom.cdf(29, 100, 0.5), rel=0.01)


def test_what_was_counted_is_exact_and_what_could_not_be_has_its_reason() -> None:
    assert COST.estimate("parameters", 0.95).interval == (46_934.0, 46_934.0)
    size = COST.estimate("size", 0.95)
    assert (size.value, size.interval, size.why) == (1.5, (1.5, 1.5), "1,500,000 bytes in 2 files")
    unknown = replace(COST, parameters=None, size=None, uncounted={"parameters": "black", "size": "box"})
    for metric, why in (("parameters", "black"), ("size", "box")):
        found = unknown.estimate(metric, 0.95)
        assert (found.value, found.interval, found.why) == (None, None, why)
