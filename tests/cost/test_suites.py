"""A cost check in a suite: what it takes, what is said of a mistake, and how it is decided beside other gates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from audit.data import Sample
from audit.errors import SuiteError
from audit.estimator import Estimator
from audit.gate_id import due
from audit.grammar.schema import suite_schema
from audit.judging import judge
from audit.preflight import describe
from audit.record import Record, table
from audit.running_cost import RunningCost
from audit.stand_ins import judged
from audit.suite import Suite, read_suite
from audit.verdict import Verdict

GATES = "{metric: latency, max: 40}, {metric: throughput, min: 100}, {metric: parameters, max: 5e6}"
EMOTIONS = ("anger", "joy")
TODAY = date(2026, 11, 21)
MACHINE = {"device": "cpu", "processor": "A", "processors": 2, "load": 1.0, "threads": 1, "torch": "2"}


def read(folder: Path, checks: str) -> Suite:
    file = folder / "x.audit.yaml"
    file.write_text(f"version: 1\nsuite: s\ndecide: {{bootstrap: 200}}\nchecks:\n{checks}\n")
    return read_suite(file)


def marked(folder: Path) -> list[str]:
    document = YAML(typ="safe", pure=True).load((folder / "x.audit.yaml").read_text())
    return [error.message for error in Draft202012Validator(suite_schema()).iter_errors(document)]


def test_a_cost_check_has_defaults_that_the_resolved_suite_writes_out(tmp_path: Path) -> None:
    (check,) = read(tmp_path, f"  - {{check: cost, gates: [{GATES}]}}").checks
    assert (check.id, check.warm, check.timed, check.batch, check.batches) == ("cost", 10, 100, 32, 20)
    suite = read(tmp_path, "  - {check: cost, id: edge, timed: 30, warm: 0, batch: 1}")
    (entry,) = suite.resolved["checks"]
    assert entry == {"check": "cost", "id": "edge", "warm": 0, "timed": 30, "batch": 1, "batches": 20, "gates": []}
    assert not marked(tmp_path)


@pytest.mark.parametrize(
    ("check", "place", "told"),
    [
        ("{check: cots}", "5:13", "did you mean 'cost'"),
        ("{check: cost, tmied: 9}", "5:19", "did you mean 'timed'"),
        ("{check: cost, batch: 0}", "5:26", "batch must be"),
        ("{check: cost, timed: 2.5}", "5:26", "timed must be"),
        ("{check: cost, method: clock}", "5:19", "unknown key 'method'"),
        ("{check: cost, gates: [{metric: latancy, max: 4}]}", "5:36", "did you mean 'latency'"),
        ("{check: cost, gates: [{metric: latency, mxa: 4}]}", "5:45", "did you mean 'max'"),
        ("{check: cost, gates: [{metric: latency}]}", "5:27", "needs a limit"),
        ("{check: cost, gates: [{metric: size, max: -1}]}", "5:47", "size lies at least 0"),
        ("{check: cost, gates: [{metric: size, per: emotion, max: 1}]}", "5:42", "about the model as a whole"),
        ("{check: cost, gates: [{metric: accuracy, min: 0.5}]}", "5:36", "one of kind cost has: latency, latency_p95"),
        ("{check: cost, gates: [{metric: latency, floor: 0.5, max: 1}]}", "5:45", "unknown key 'floor'"),
        ("{check: clean, gates: [{metric: latency, max: 40}]}", "5:37", "measured by checks of kind cost"),
    ],
)
def test_a_mistake_is_told_at_its_place_and_marked_by_the_schema(
    tmp_path: Path, check: str, place: str, told: str
) -> None:
    with pytest.raises(SuiteError) as caught:
        read(tmp_path, f"  - {check}")
    assert f"x.audit.yaml:{place}: " in str(caught.value)
    assert told in str(caught.value)
    # What a schema does not say is how large a metric can be.
    assert marked(tmp_path) or "at least 0" in told


def test_a_check_says_beforehand_where_so_few_calls_give_no_interval(tmp_path: Path) -> None:
    gates = "{metric: latency, max: 9}, {metric: latency_p95, max: 9}, {metric: throughput, min: 1}"
    found = describe(read(tmp_path, f"  - {{check: cost, timed: 20, batches: 5, gates: [{gates}]}}"))
    assert [problem for problem in found.problems if problem.startswith("check cost")] == [
        "check cost: latency_p95 has no whole interval with `timed: 20`; 72 give one",
        "check cost: throughput has no whole interval with `batches: 5`; 6 give one",
    ]


def verdicts(folder: Path, calls: Mapping[str, float], right: int) -> dict[str, Verdict]:
    """Judge thirty clips, so many of them right, and a model of these milliseconds a call."""
    gates = ", ".join(f"{{metric: latency, max: {most}}}" for most in (39, 40, 41, 42, 43, 44))
    suite = read(
        folder, f"  - {{check: clean, gates: [{{metric: accuracy, min: 0.8}}]}}\n  - {{check: cost, gates: [{gates}]}}"
    )
    samples = [Sample(str(i), None, EMOTIONS[i % 2], {}) for i in range(30)]
    records = table(
        Record("clean", "clean", "", float("nan"), each, EMOTIONS[(i + (i >= right)) % 2], [0.5, 0.5], float("nan"))
        for i, each in enumerate(samples)
    )
    values = [calls["first"], calls["second"]] * 50
    cost = RunningCost("cost", MACHINE, values, values, 1, values, 1, 1, 1, {})
    estimator = Estimator(records, EMOTIONS, {}, suite.decide)
    found = judge(due(suite, EMOTIONS), estimator, suite.decide, today=TODAY, running={"cost": cost})
    return {verdict.id: verdict for verdict in found}


def test_how_long_calls_took_decides_nothing_about_the_gates_on_answers(tmp_path: Path) -> None:
    """Nineteen of thirty fail at .8 by themselves; as one of seven gates that may fail they would not."""
    slow, fast, undecided = (
        verdicts(tmp_path, calls, right=19)
        for calls in ({"first": 90, "second": 90}, {"first": 1, "second": 1}, {"first": 30, "second": 50})
    )
    for found in (slow, fast, undecided):
        assert found["clean::accuracy"].outcome == "FAIL"
        assert found["clean::accuracy"].reason == fast["clean::accuracy"].reason
    for found, outcome in ((slow, "FAIL"), (fast, "PASS"), (undecided, "UNSURE")):
        assert {each.outcome for name, each in found.items() if name != "clean::accuracy"} == {outcome}


def test_a_verdict_on_cost_says_where_it_was_measured_and_what_to_do(tmp_path: Path) -> None:
    slow = verdicts(tmp_path, {"first": 90, "second": 90}, right=19)["cost::latency"]
    assert slow.reason.startswith("median of 100 calls of one recording on A (cpu), 1 thread")
    assert "time it where it will serve" in slow.next_step
    unsure = verdicts(tmp_path, {"first": 30, "second": 50}, right=19)["cost::latency"]
    assert "timed calls would" in unsure.next_step


def test_a_gate_that_so_few_calls_cannot_decide_asks_for_more_of_them(tmp_path: Path) -> None:
    suite = read(tmp_path, "  - {check: cost, batches: 3, gates: [{metric: throughput, min: 10}]}")
    cost = RunningCost("cost", MACHINE, [1.0], [1.0], 4, [3.0, 4.0, 5.0], 1, 1, 1, {})
    (found,) = judge(
        due(suite, EMOTIONS), Estimator(table([]), EMOTIONS, {}, suite.decide), suite.decide, today=TODAY,
        running={"cost": cost},
    )  # fmt: skip
    assert (found.outcome, found.value, found.n) == ("UNSURE", 1000, 3)
    assert found.next_step == "add timed batches: so few give no interval with both ends"


def test_who_knows_nothing_is_not_asked_how_fast_it_is(tmp_path: Path) -> None:
    """A guesser is fast and small, which makes no gate on cost toothless."""
    clean = "  - {check: clean, gates: [{metric: accuracy, min: 0.9}]}"
    suite = read(tmp_path, f"{clean}\n  - {{check: cost, gates: [{GATES}]}}")
    samples = [Sample(str(i), None, EMOTIONS[i % 2], {}) for i in range(30)]
    found = judged(suite, due(suite, EMOTIONS), samples, EMOTIONS, TODAY)
    assert [(each.gates, each.passed) for each in found] == [(1, ())] * 4
