"""The JSON Schemas: what the reader takes they take, what it refuses they mark."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from audit.grammar.extends import PRESETS
from audit.grammar.schema import manifest_schema, suite_schema

REPOSITORY = Path(__file__).resolve().parents[2]
SHIPPED = sorted([*(REPOSITORY / "suites").glob("*.audit.yaml"), *PRESETS.glob("*.audit.yaml")])
SUITE = Draft202012Validator(suite_schema())
MANIFEST = Draft202012Validator(manifest_schema())
GOOD: dict[str, Any] = {
    "version": 1,
    "suite": "s",
    "data": {"layout": "table", "root": "${CLIPS}", "split": {"random": "${SHARE:-0.2}"}, "path_column": "file"},
    "decide": {"seed": 7},
    "checks": [
        {"check": "clean", "gates": [{"metric": "uar", "min": 0.5}]},
        {"check": "corruption", "method": "white_noise", "sweep": {"snr_db": [10]}},
        {"check": "corruption", "method": "mine.py:wind", "sweep": {"speed": [10]}, "gusts": 4},
        {"check": "attack", "method": "fgsm", "sweep": {"epsilon": [0.1]}, "space": "waveform"},
        {"check": "saliency", "method": ["gradcam", {"lime": {"samples": 9}}], "faithfulness": "probability_drop"},
        {"id": "inherited", "gates": []},
    ],
}


def plain(path: Path) -> Any:
    return json.loads(json.dumps(YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))))


def test_both_schemas_are_schemas() -> None:
    Draft202012Validator.check_schema(suite_schema())
    Draft202012Validator.check_schema(manifest_schema())


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_every_suite_we_ship_meets_the_schema(path: Path) -> None:
    SUITE.validate(plain(path))


def test_every_manifest_we_ship_meets_the_schema() -> None:
    for path in (REPOSITORY / "models").glob("*.model.yaml"):
        MANIFEST.validate(plain(path))


def test_all_that_a_suite_may_hold_meets_the_schema() -> None:
    SUITE.validate(GOOD)


@pytest.mark.parametrize(
    ("place", "key", "value"),
    [
        ((), "cheks", []),
        ((), "version", 2),
        (("decide",), "sed", 7),
        (("decide",), "confidence", 95),
        (("data",), "layout", "tabel"),
        (("data",), "path_colum", "file"),
        (("data",), "split", {"rndom": 0.2}),
        (("checks", 0), "check", "cleen"),
        (("checks", 0), "gats", []),
        (("checks", 0, "gates", 0), "mim", 0.5),
        (("checks", 0, "gates", 0), "metric", "acuracy"),
        (("checks", 0, "gates", 0), "min", "a lot"),
        (("checks", 0, "gates", 0), "at", 0.5),
        (("checks", 1), "method", "white_nois"),
        (("checks", 1), "sweep", {"snr": [10]}),
        (("checks", 1), "sweep", {"snr_db": []}),
        (("checks", 3), "space", "mel"),
        (("checks", 4), "method", "gradcm"),
        (("checks", 4), "method", {"lime": {"sampels": 9}}),
        (("checks", 4), "random_masks", 0),
    ],
)
def test_a_typo_does_not_meet_the_schema(place: tuple[str | int, ...], key: str, value: object) -> None:
    wrong = copy.deepcopy(GOOD)
    part: Any = wrong
    for step in place:
        part = part[step]
    part[key] = value
    assert not SUITE.is_valid(wrong)


def test_a_file_that_extends_nothing_needs_a_name_and_checks() -> None:
    assert not SUITE.is_valid({"version": 1, "suite": "s"})
    assert SUITE.is_valid({"version": 1, "suite": "s", "extends": "base.yaml"})


def test_a_manifest_without_emotions_does_not_meet_the_schema() -> None:
    manifest = {"version": 1, "model": "m", "loader": "torch"}
    manifest |= {"input": {"sampling_rate": 16000, "seconds": 3, "representation": "waveform"}}
    assert not MANIFEST.is_valid(manifest)
    assert MANIFEST.is_valid(manifest | {"emotions": ["anger", "fear"]})
