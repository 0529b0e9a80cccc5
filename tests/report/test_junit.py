"""JUnit XML: one test case per verdict, whatever the names in it."""

from __future__ import annotations

import copy
import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from audit.report import junit

HOSTILE = "]]><failure/>&\x00\x1b\ud800\ufffe\"'<b>"


@pytest.fixture
def document(repository: Path) -> dict[str, Any]:
    """An audit that failed: rows pass, fail, pass beyond what was tested, and are unsure."""
    found: dict[str, Any] = json.loads((repository / "tests/report/failed.audit.json").read_text(encoding="utf-8"))
    return found


def cases(document: dict[str, Any], folder: Path) -> list[ET.Element]:
    (folder / "audit.json").write_text(json.dumps(document), encoding="utf-8")
    return list(ET.parse(junit.write(folder)).getroot().iter("testcase"))


def test_every_verdict_is_a_case_with_its_outcome(document: dict[str, Any], tmp_path: Path) -> None:
    found = cases(document, tmp_path)
    assert [(case.get("classname"), case.get("name")) for case in found] == [
        ("nemo-release-gate.clean", "accuracy"),
        ("nemo-release-gate.gaussian-noise", "recall-at-0.05::sadness"),
        ("nemo-release-gate.fgsm", "critical-epsilon"),
        ("nemo-release-gate.saliency", "faithfulness-of-lime::fear"),
    ]
    assert [[child.tag for child in case] for case in found] == [[], ["failure"], [], ["failure"]]
    failure = found[1][0]
    assert failure.get("type") == "FAIL"
    assert failure.get("message") == (
        "recall at sigma 0.05, sadness: 0.56 (95% CI 0.48-0.64, n=86), limit at least 0.70"
    )
    assert '61 of 82 new errors are "neutral"' in str(failure.text)
    assert (found[1].get("file"), found[1].get("line")) == ("suites/nemo-release-gate.audit.yaml", "33")


def test_the_totals_count_the_cases(document: dict[str, Any], tmp_path: Path) -> None:
    document["verdicts"][0].update(outcome="ERROR", value=None, interval=None, reason="no clips", blocks=True)
    document["verdicts"][3]["blocks"] = False
    found = cases(document, tmp_path)
    root = ET.parse(tmp_path / "junit.xml").getroot()
    for element in (root, root[0]):
        counted = {key: element.get(key) for key in ("tests", "failures", "errors", "skipped")}
        assert counted == {"tests": "4", "failures": "1", "errors": "1", "skipped": "1"}
    assert [[child.tag for child in case] for case in found] == [["error"], ["failure"], [], ["skipped"]]


def test_hostile_names_leave_valid_xml_of_the_same_shape(document: dict[str, Any], tmp_path: Path) -> None:
    def shape(element: ET.Element) -> list[Any]:
        return [element.tag, sorted(element.attrib), [shape(child) for child in element]]

    cases(document, tmp_path)
    before = shape(ET.parse(tmp_path / "junit.xml").getroot())
    hostile = copy.deepcopy(document)
    hostile["suite"]["name"] = hostile["model"]["name"] = hostile["provenance"]["command"] = HOSTILE
    for row in hostile["verdicts"]:
        row["reason"] = row["next_step"] = HOSTILE
        row["emotion"] = row["emotion"] and HOSTILE
        row["place"] = HOSTILE + ":1"
    cases(hostile, tmp_path)
    assert shape(ET.parse(tmp_path / "junit.xml").getroot()) == before


def test_it_is_drawn_from_audit_json_alone(document: dict[str, Any], tmp_path: Path) -> None:
    cases(document, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["audit.json", "junit.xml"]
    assert str(tmp_path) not in (tmp_path / "junit.xml").read_text()
