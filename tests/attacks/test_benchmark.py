"""The figure of one model under all attacks: what it holds is what was measured, and it can be read."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest

from audit.kinds import import_file
from audit.record import ALONE

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def benchmark(repository: Path) -> ModuleType:
    return import_file(repository / "benchmarks/attacks.py")


@pytest.fixture
def found(repository: Path) -> dict[str, Any]:
    return json.loads((repository / "benchmarks/figures/attacks.json").read_text(encoding="utf-8"))


def test_the_strongest_is_nowhere_above_another_and_never_rises(found: dict[str, Any]) -> None:
    strongest = [value for value, _, _ in found["curves"]["strongest"]]
    for curve in found["curves"].values():
        assert all(low <= value <= high for value, low, high in curve)
        assert all(worst <= value for worst, (value, _, _) in zip(strongest, curve, strict=True))
    assert all(later <= earlier for earlier, later in pairwise(strongest))


def test_the_figures_are_drawn_from_what_was_measured(
    benchmark: ModuleType, found: dict[str, Any], repository: Path
) -> None:
    figures = repository / "benchmarks/figures"
    assert (figures / "attacks.svg").read_text(encoding="utf-8") == benchmark.drawing(found)
    assert (figures / "attacks.txt").read_text(encoding="utf-8") == "\n".join(benchmark.table(found)) + "\n"


def test_the_picture_is_well_formed_and_names_every_curve_at_a_place_of_its_own(
    benchmark: ModuleType, found: dict[str, Any]
) -> None:
    root = ET.fromstring(benchmark.drawing(found))
    assert len(root.findall(f"{SVG}polyline")) == len(benchmark.NAMES)
    labels = {
        each.text: float(each.attrib["y"])
        for each in root.findall(f"{SVG}text")
        if each.get("class", "").startswith("label")
    }
    assert set(labels) == set(benchmark.NAMES.values())
    assert all(second - first >= 15 for first, second in pairwise(sorted(labels.values())))
    assert max(labels.values()) < benchmark.HEIGHT - benchmark.BOTTOM + 15
    assert "prefers-color-scheme:dark" in root.find(f"{SVG}style").text


def test_of_two_losses_a_clip_is_right_where_it_is_under_both(benchmark: ModuleType) -> None:
    rows = [
        {"method": method, "measure": ALONE, "severity": 0.1, "sample": str(clip), "emotion": "joy", "predicted": said}
        for method, answers in {"apgd": ("joy", "joy", "fear"), "apgd_dlr": ("joy", "fear", "joy")}.items()
        for clip, said in enumerate(answers)
    ]
    union = benchmark._union(pd.DataFrame(rows))
    assert union["predicted"].tolist() == ["joy", "fear", "fear"]
    assert set(union["method"]) == {"union"}
