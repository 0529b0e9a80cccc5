"""YAML with a comment beside what was guessed."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from audit.probing.lines import flow
from audit.starter.written import comment, entries, from_folder


def test_every_value_reads_back_as_it_was() -> None:
    values = {
        "names": ["no", "null", "1e3", "a: b", "ä", "it's", "#x", ""],
        "numbers": [1, -1, 2.5, 1e-05, 0.0001],
        "nested": {"low": -1, "none": None, "flag": True},
    }
    text = "\n".join(entries(values, {"names": "a reason: with # marks\nand lines"}))
    assert YAML(typ="safe").load(text) == values
    assert "# guessed: a reason: with # marks and lines" in text


def test_a_long_line_has_its_reason_above() -> None:
    lines = list(entries({"key": "x" * 100}, {"key": "because of this and that and more"}, 2))
    assert lines == ["  # guessed: because of this and that and more", f"  key: {'x' * 100}"]
    assert all(len(line) <= 120 for line in comment("word " * 60, 4))


def test_paths_are_written_as_the_file_finds_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert from_folder(Path("a/b.pt"), Path()) == "a/b.pt"
    assert from_folder(Path("b.pt"), Path("out")) == "../b.pt"
    assert from_folder(Path("b.pt"), Path("x/y/z")) == (tmp_path / "b.pt").as_posix()
    assert from_folder(Path("b.pt"), None) == (tmp_path / "b.pt").as_posix()


def test_a_mapping_is_written_without_its_braces() -> None:
    assert flow({"scaling": {"low": -1, "high": 1}}) == "scaling: {low: -1, high: 1}"
    assert flow([1, "a"]) == "[1, a]"
    assert flow(0.001) == "0.001"
