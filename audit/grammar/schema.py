"""JSON Schemas of suites and manifests for editors, drawn from the tables that read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from audit.grammar.gates import gate_table
from audit.grammar.keys import Key, Table, method_keys
from audit.grammar.manifest_keys import MANIFEST
from audit.grammar.suite_keys import (
    CHECK_KINDS,
    COMMON,
    DATA,
    REST,
    SUITE,
    SWEEP,
    attacks_table,
    check_table,
    data_table,
    train_table,
)
from audit.grammar.uses import OWN_FILE, MethodName, MethodUse
from audit.grammar.values import Choice, ListOf
from audit.kinds import Method, known_methods

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]


def suite_schema() -> Schema:
    """Return the schema of *.audit.yaml files; a file that extends others may leave out what they hold."""
    schema = SUITE.schema()
    train = {"properties": {"train": {"anyOf": [Choice((REST,)).schema(), {"$ref": "#/$defs/train"}]}}}
    schema["properties"]["data"] = {"type": "object", "allOf": [*_data_forms(data_table), train]}
    schema["$defs"] = {"train": {"type": "object", "required": ["layout"], "allOf": _data_forms(train_table)}}
    schema["properties"]["checks"] = {"type": "array", "minItems": 1, "items": _check()}
    return {
        "$schema": DIALECT,
        "title": "A suite of emotion-audit",
        **schema,
        "required": ["version"],
        "anyOf": [{"required": ["extends"]}, {"required": ["suite", "checks"]}],
    }


def manifest_schema() -> Schema:
    """Return the schema of *.model.yaml files."""
    return {"$schema": DIALECT, "title": "A model manifest of emotion-audit", **MANIFEST.schema()}


def _data_forms(table_of: Callable[[Method], Table]) -> list[Schema]:
    known = known_methods("layout")
    tables = {name: table_of(method) for name, method in sorted(known.items())}
    every = {key.name: key for table in tables.values() for key in (*table.keys, *DATA)}
    return [
        *(_when({"layout": {"const": name}}, table.schema()) for name, table in tables.items()),
        _unless("layout", _closed(every.values())),
        {"properties": {"layout": MethodName("layout").schema()}},
    ]


def _check() -> Schema:
    forms = [_when({"check": {"const": kind}}, _plain_check(kind)) for kind in ("clean", "saliency", "data", "cost")]
    for kind in ("corruption", "attack"):
        own = {"method": {"type": "string", "pattern": f"^{OWN_FILE}$"}}
        named = {"properties": {"method": MethodName(kind).schema()}}
        one = {"method": {"type": "string"}} if kind == "attack" else {}
        forms.append(_when({"check": {"const": kind}, **one}, named))
        forms.append(_when({"check": {"const": kind}, **own}, {"properties": {"gates": _gates(kind)}}))
        forms += [
            _when({"check": {"const": kind}, "method": {"const": name}}, _swept(kind, method))
            for name, method in sorted(known_methods(kind).items())
        ]
    forms.append(_when({"check": {"const": "attack"}, "method": {"not": {"type": "string"}}}, _several()))
    # A check that only changes one of an earlier file's is known by its id alone.
    forms.append(_unless("check", {"required": ["id"]}))
    return {
        "type": "object",
        "properties": {"check": Choice(CHECK_KINDS).schema(), **_properties(COMMON[1:])},
        "allOf": forms,
    }


def _plain_check(kind: str) -> Schema:
    schema = check_table(kind, None).schema()
    schema["properties"]["gates"] = _gates(kind)
    return {**schema, "required": ["check"]}


def _swept(kind: str, method: Method) -> Schema:
    table = check_table(kind, method)
    properties = _properties(table.keys)
    swept = {key.name: ListOf(key.kind, least=1).schema() for key in method_keys(method)}
    if kind == "attack":
        swept = {key.name: key.kind.schema() for key in method_keys(method)}
    properties["sweep"] = {**SWEEP.kind.schema(), "properties": swept, "additionalProperties": False}
    properties["gates"] = _gates(kind)
    return {"properties": properties, "required": ["check"], "additionalProperties": False}


def _several() -> Schema:
    """Return the form of a check of several attacks, each with its own keys but the swept one under its name."""
    each = MethodUse("attack", without=("epsilon", "snr_db")).schema()
    schema = attacks_table().schema()
    schema["properties"]["method"] = {"anyOf": [each, {"type": "array", "items": each, "minItems": 1}]}
    schema["properties"]["gates"] = _gates("attack")
    return {**schema, "required": ["check"]}


def _gates(kind: str) -> Schema:
    gate = gate_table(kind).schema()
    return {"type": "array", "items": {**gate, "anyOf": [{"required": ["min"]}, {"required": ["max"]}]}}


def _properties(keys: Sequence[Key]) -> Schema:
    return {key.name: {**key.kind.schema(), **({"description": key.about} if key.about else {})} for key in keys}


def _closed(keys: Any) -> Schema:
    return {"properties": _properties(tuple(keys)), "additionalProperties": False}


def _when(properties: Mapping[str, Schema], then: Schema) -> Schema:
    return {"if": {"properties": dict(properties), "required": list(properties)}, "then": then}


def _unless(key: str, then: Schema) -> Schema:
    return {"if": {"not": {"required": [key]}}, "then": then}
