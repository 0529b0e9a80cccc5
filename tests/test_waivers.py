"""What blocks: waivers and their last day, gates that only inform, and unsure verdicts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from audit.judging import settled
from audit.outcome import Outcome
from audit.suite import Gate, Waiver
from audit.verdict import Verdict

UNTIL = date(2027, 1, 31)
WAIVED = Gate("accuracy", 0.8, None, waive=Waiver(UNTIL, "retraining is under way"))


def verdict(outcome: Outcome, gate: Gate) -> Verdict:
    return Verdict(
        "clean::accuracy", "clean", "clean", gate, None, None, 0.7, (0.6, 0.75), 90, None, outcome, "because", "mend it"
    )


@pytest.mark.parametrize("outcome", ["FAIL", "UNSURE", "ERROR"])
def test_a_waived_verdict_stays_what_it_is_and_does_not_block(outcome: Outcome) -> None:
    found = settled(verdict(outcome, WAIVED), "fail", UNTIL)
    assert (found.outcome, found.blocks, found.reason) == (outcome, False, "because")


@pytest.mark.parametrize("outcome", ["FAIL", "UNSURE", "ERROR"])
def test_the_day_after_its_last_a_waived_verdict_fails(outcome: Outcome) -> None:
    found = settled(verdict(outcome, WAIVED), "pass", date(2027, 2, 1))
    assert (found.outcome, found.blocks) == ("FAIL", True)
    assert found.reason == f"waived until 2027-01-31 (retraining is under way), and that is over; {outcome}: because"
    assert found.next_step


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
