"""Verdict ids follow from the suite alone, are unique, and hold only what node ids can carry."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from audit.gate_id import due, gate_slug, slug, unique
from audit.suite import Check, Decide, Gate, Suite


def _suite(*checks: Check) -> Suite:
    return Suite("s", Path("s.audit.yaml"), None, None, Decide(), {"simple": ("joy",)}, checks, {})


def test_an_id_names_check_gate_severity_and_emotion() -> None:
    gate = Gate("recall", 0.5, None, per="emotion", at=0.01)
    assert [d.id for d in due(_suite(Check("fgsm", "attack", gates=(gate,))), ["sadness"])] == [
        "fgsm::recall-at-0.01::sadness"
    ]


def test_a_saliency_gate_names_its_method_and_underscores_become_hyphens() -> None:
    gate = Gate("faithfulness_over_random", 0.05, None, per="emotion", of="grad_cam")
    assert gate_slug(gate) == "faithfulness-over-random-of-grad-cam"


def test_a_negative_severity_keeps_its_sign() -> None:
    assert gate_slug(Gate("recall", 0.5, None, at=-5.0)) != gate_slug(Gate("recall", 0.5, None, at=5.0))


def test_two_gates_of_one_name_are_numbered() -> None:
    gates = (Gate("accuracy", 0.5, None), Gate("accuracy", None, 0.9))
    ids = [d.id for d in due(_suite(Check("clean", "clean", gates=gates)), ["joy"])]
    assert ids == ["clean::accuracy", "clean::accuracy-2"]


def test_names_that_fall_together_still_give_unique_ids() -> None:
    gates = (
        Gate("recall", 0.5, None, per="emotion"),
        Gate("recall", None, 0.9, per="emotion"),
        Gate("recall", 0.5, None, per="group"),
        Gate("accuracy", 0.5, None),
    )
    suite = _suite(Check("a_b", "attack", gates=gates), Check("a-b", "attack", gates=gates))
    asked = due(suite, ["Joy", "joy", "fear"])
    assert len({d.id for d in asked}) == len(asked) == 16
    assert [d.id for d in asked[:3]] == ["a-b::recall::joy", "a-b::recall::joy-2", "a-b::recall::fear"]
    assert (asked[6].group, asked[6].id) == ("simple", "a-b::recall-3::simple")


@given(st.lists(st.text(max_size=12), max_size=6))
def test_any_names_at_all_give_unique_parts_of_plain_characters(names: list[str]) -> None:
    parts = unique(map(slug, names))
    assert len(set(parts)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9.-]+", part) for part in parts)


def test_accents_are_dropped_and_other_alphabets_get_a_hash_of_their_own() -> None:
    assert slug("Überraschung") == "uberraschung"
    assert slug("радость") != slug("грусть")
    assert slug("../../etc") == "etc"
