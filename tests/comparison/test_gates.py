"""What became of gates from one audit to the next."""

from __future__ import annotations

from typing import Any

import pytest

from audit.comparison.gates import gates


def document(**outcomes: str) -> dict[str, Any]:
    limit = {"min": 0.5, "max": None}
    return {
        "verdicts": [
            {"id": name, "outcome": outcome, "limit": limit, "blocks": False} for name, outcome in outcomes.items()
        ]
    }


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ("PASS", "FAIL", "failing"),
        ("PASS", "ERROR", "failing"),
        ("UNSURE", "FAIL", "failing"),
        ("UNSURE", "ERROR", "failing"),
        ("ERROR", "FAIL", "failing"),
        ("FAIL", "PASS", "passing"),
        ("UNSURE", "PASS", "passing"),
        ("ERROR", "PASS", "passing"),
        ("PASS", "UNSURE", "changed"),
        ("FAIL", "UNSURE", "changed"),
        ("FAIL", "ERROR", "changed"),
        ("ERROR", "UNSURE", "changed"),
        ("PASS", "PASS", "alike"),
        ("FAIL", "FAIL", "alike"),
    ],
)
def test_a_gate_is_told_by_what_it_came_to_before_and_after(before: str, after: str, kind: str) -> None:
    found = gates(document(g=before), document(g=after))
    named = {name: len(getattr(found, name)) for name in ("failing", "passing", "changed", "alike")}
    assert named == {**dict.fromkeys(named, 0), kind: 1}


def test_the_worst_outcome_comes_first_and_gates_of_one_audit_are_apart() -> None:
    found = gates(document(a="PASS", b="PASS", gone="PASS"), document(a="FAIL", new="FAIL", b="ERROR"))
    assert [pair.b["id"] for pair in found.failing] == ["b", "a"]
    assert [row["id"] for row in found.only_a] == ["gone"]
    assert [row["id"] for row in found.only_b] == ["new"]


def test_a_limit_that_moved_is_told() -> None:
    before, after = document(g="PASS"), document(g="FAIL")
    assert not gates(before, after).failing[0].has_other_limit
    after["verdicts"][0]["limit"] = {"min": 0.9, "max": None}
    assert gates(before, after).failing[0].has_other_limit


def test_what_newly_blocks_is_newly_failing_and_what_is_now_waived_has_changed() -> None:
    lenient, strict = document(unsure="UNSURE", waived="FAIL"), document(unsure="UNSURE", waived="FAIL")
    for row in strict["verdicts"]:
        row["blocks"] = True
    assert [pair.b["id"] for pair in gates(lenient, strict).failing] == ["waived", "unsure"]
    assert [pair.b["id"] for pair in gates(strict, lenient).changed] == ["waived", "unsure"]
    assert not gates(strict, lenient).alike
