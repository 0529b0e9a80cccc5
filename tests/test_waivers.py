"""What blocks: waivers and their last day, gates that only inform, and unsure verdicts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from audit.audit import exit_code
from audit.judging import settled
from audit.outcome import Outcome
from audit.remarks import lenience
from audit.suite import Gate, Waiver
from audit.verdict import Verdict
from audit.verdict_row import verdict_row

UNTIL = date(2027, 1, 31)
WAIVED = Gate("accuracy", 0.8, None, waive=Waiver(UNTIL, "retraining is under way"))


def verdict(outcome: Outcome, gate: Gate) -> Verdict:
    return Verdict(
        "clean::accuracy", "clean", "clean", gate, None, None, 0.7, (0.6, 0.75), 90, None, outcome, "because", "mend it"
    )


@pytest.mark.parametrize("outcome", ["FAIL", "UNSURE"])
def test_a_waived_verdict_stays_what_it_is_and_does_not_block(outcome: Outcome) -> None:
    found = settled(verdict(outcome, WAIVED), "fail", UNTIL)
    assert (found.outcome, found.blocks, found.reason) == (outcome, False, "because")


@pytest.mark.parametrize("day", [UNTIL, date(2030, 1, 1)])
def test_no_waiver_is_good_for_what_was_not_judged(day: date) -> None:
    found = settled(verdict("ERROR", WAIVED), "pass", day)
    assert (found.outcome, found.blocks, found.reason) == ("ERROR", True, "because")


@pytest.mark.parametrize("outcome", ["FAIL", "UNSURE"])
def test_the_day_after_its_last_a_waived_verdict_fails(outcome: Outcome) -> None:
    found = settled(verdict(outcome, WAIVED), "pass", date(2027, 2, 1))
    assert (found.outcome, found.blocks) == ("FAIL", True)
    assert found.reason == f"waived until 2027-01-31 (retraining is under way), and that is over; {outcome}: because"
    assert found.next_step


@pytest.mark.parametrize("informational", [False, True])
@pytest.mark.parametrize("outcome", ["PASS", "FAIL", "UNSURE", "ERROR"])
def test_to_settle_a_verdict_twice_is_to_settle_it_once(outcome: Outcome, informational: bool) -> None:
    once = settled(verdict(outcome, replace(WAIVED, informational=informational)), "fail", date(2027, 2, 1))
    assert settled(once, "fail", date(2027, 2, 2)) == once


@pytest.mark.parametrize("today", [UNTIL, date(2027, 2, 1)])
def test_a_waiver_is_not_told_of_what_only_informs_anyway(today: date) -> None:
    """It may be over, and a row of `audit.json` does not say on which day it was decided."""
    found = settled(verdict("FAIL", replace(WAIVED, informational=True)), "fail", today)
    assert lenience(verdict_row(found, "clean")) == "does not block: informational"


def test_a_waiver_that_holds_is_told_and_one_that_is_over_blocks() -> None:
    rows = [verdict_row(settled(verdict("FAIL", WAIVED), "fail", day), "clean") for day in (UNTIL, date(2027, 2, 1))]
    assert [lenience(row) for row in rows] == ["waived until 2027-01-31: retraining is under way", ""]


def test_a_waiver_that_is_over_does_not_hurt_what_passes() -> None:
    found = settled(verdict("PASS", WAIVED), "fail", date(2030, 1, 1))
    assert (found.outcome, found.blocks) == ("PASS", False)


@pytest.mark.parametrize("outcome", ["PASS", "FAIL", "UNSURE", "ERROR"])
def test_what_informs_never_blocks(outcome: Outcome) -> None:
    found = settled(verdict(outcome, replace(WAIVED, waive=None, informational=True)), "fail", UNTIL)
    assert (found.outcome, found.blocks) == (outcome, False)


@pytest.mark.parametrize(
    ("outcome", "when_unsure", "blocks"),
    [
        ("PASS", "fail", False),
        ("UNSURE", "fail", True),
        ("UNSURE", "pass", False),
        ("FAIL", "pass", True),
        ("ERROR", "pass", True),
    ],
)
def test_without_a_waiver_the_outcome_decides(outcome: Outcome, when_unsure: str, blocks: bool) -> None:
    assert settled(verdict(outcome, replace(WAIVED, waive=None)), when_unsure, UNTIL).blocks is blocks


@pytest.mark.parametrize("gate", [WAIVED, replace(WAIVED, waive=None, informational=True)])
def test_where_nothing_was_judged_nothing_passes(gate: Gate) -> None:
    lost, held = (settled(verdict(outcome, gate), "fail", UNTIL) for outcome in ("ERROR", "PASS"))
    assert exit_code([lost, lost]) == 3
    assert exit_code([lost, held]) == (0 if gate.informational else 3)
    assert exit_code([]) == 3
