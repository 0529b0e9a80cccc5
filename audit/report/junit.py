"""The verdicts as JUnit XML, the form every CI server reads: one test case per verdict."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

from audit.audit import read_document
from audit.console import block
from audit.gate_id import slug
from audit.remarks import lenience
from audit.wording import Document, Row, finding, left_out, plain, title


def write(folder: Path) -> Path:
    """Write `junit.xml` beside the `audit.json` of `folder`, from it alone, and return its path."""
    path = folder / "junit.xml"
    tree = ET.ElementTree(element(read_document(folder)))
    ET.indent(tree)
    tree.write(path, encoding="utf-8", xml_declaration=True)
    return path


def element(document: Document) -> ET.Element:
    """Return the `<testsuites>` element; a verdict that is no PASS and does not block is skipped."""
    rows = document["verdicts"]
    name = plain(document["suite"]["name"])
    failures = sum(row["outcome"] != "ERROR" and row["blocks"] for row in rows)
    errors = sum(row["outcome"] == "ERROR" and row["blocks"] for row in rows)
    left = [(row, name) for row in document.get("left_out", ()) for name in row["gates"]]
    skipped = sum(row["outcome"] != "PASS" and not row["blocks"] for row in rows) + len(left)
    totals = {
        "tests": str(len(rows) + len(left)),
        "failures": str(failures),
        "errors": str(errors),
        "skipped": str(skipped),
        "time": f"{document['cost']['wall_seconds']:.3f}",
    }
    root = ET.Element("testsuites", {"name": "audit", **totals})
    suite = ET.SubElement(root, "testsuite", {"name": name, "timestamp": document["provenance"]["started"], **totals})
    properties = ET.SubElement(suite, "properties")
    for key, value in (
        ("model", document["model"]["name"]),
        ("model.sha256", document["model"]["sha256"]),
        ("data.sha256", document["data"]["sha256"]),
        ("suite.sha256", document["suite"]["sha256"]),
        ("command", document["provenance"]["command"]),
    ):
        ET.SubElement(properties, "property", {"name": key, "value": plain(value)})
    for row in rows:
        suite.append(_case(row, document))
    for row, gate in left:
        check, _, gate = gate.partition("::")
        names = {"classname": f"{slug(document['suite']['name'])}.{check}", "name": gate, "time": "0"}
        ET.SubElement(ET.SubElement(suite, "testcase", names), "skipped", {"message": left_out(row)})
    return root


def _case(row: Row, document: Document) -> ET.Element:
    check, _, gate = row["id"].partition("::")
    path, _, line = str(row["place"]).rpartition(":")
    where = {"file": plain(path), "line": line} if path else {}
    case = ET.Element(
        "testcase", {"classname": f"{slug(document['suite']['name'])}.{check}", "name": gate, "time": "0", **where}
    )
    if row["outcome"] == "PASS":
        return case
    tag = "skipped" if not row["blocks"] else "error" if row["outcome"] == "ERROR" else "failure"
    told = finding(row, document) if row["outcome"] != "ERROR" else plain(row["reason"])
    why = f"{lenience(row)}; " if lenience(row) else ""
    note = ET.SubElement(case, tag, {"message": f"{why}{title(row, document)}: {told}"})
    if tag != "skipped":
        note.set("type", row["outcome"])
    note.text = "\n".join(block(row, document, None))
    return case
