"""The shipped JSON Schema meets every audit the engine writes, and notices when one drifts."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from audit.report.valid import SCHEMA_FILE


@pytest.fixture
def validator() -> Draft202012Validator:
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.fixture
def audit(failed_report: Path) -> dict[str, Any]:
    document = json.loads((failed_report / "audit.json").read_text(encoding="utf-8"))
    # Of many rows that are alike one is enough.
    return {**document, "reliability": document["reliability"][:1]}


@pytest.mark.parametrize("report", ["failed_report", "passed_report", "hostile_report"])
def test_an_audit_of_the_engine_meets_the_schema(
    report: str, request: pytest.FixtureRequest, validator: Draft202012Validator
) -> None:
    text = (request.getfixturevalue(report) / "audit.json").read_text(encoding="utf-8")
    assert [error.message for error in validator.iter_errors(json.loads(text))] == []


def mappings(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    return ([path] if isinstance(value, dict) else []) + [
        p for key, each in inner for p in mappings(each, (*path, key))
    ]


FREE = ("resolved", "parameters", "split", "emotions", "groups", "by_check", "versions", "maps", "drops")


def test_a_key_more_or_less_is_noticed_wherever_keys_are_fixed(audit: dict[str, Any], validator: Any) -> None:
    tried = 0
    for path in mappings(audit):
        if any(name in FREE for name in path) or path in (("data", "left_out"), ("data", "undersampled")):
            continue
        for change in ("more", "less"):
            drifted = copy.deepcopy(audit)
            place = drifted
            for key in path:
                place = place[key]
            if change == "more":
                place["drifted"] = 1
            else:
                place.pop(next(iter(place)))
            tried += 1
            assert not validator.is_valid(drifted), (path, change)
    assert tried > 20


def test_every_key_of_the_schema_is_documented(repository: Path) -> None:
    text = (repository / "docs/audit-json.md").read_text(encoding="utf-8")
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    for part in (schema, *(schema["$defs"][name] for name in ("verdict", "metric", "exhibit"))):
        for key in part["properties"]:
            assert f"`{key}`" in text, key
