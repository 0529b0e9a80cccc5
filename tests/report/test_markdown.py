"""The Markdown summary: decision, what to do, gates, provenance, and nothing that data could break."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from audit.report import markdown

HOSTILE = "a|b\n\n# no `x` <script>alert(1)</script> [l](http://e) ![i](x) @me **b** \x1b[31m www.evil.com \\| ~~s~~"
GFM = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


@pytest.fixture
def document(repository: Path) -> dict[str, Any]:
    """An audit that failed: rows pass, fail, pass beyond what was tested, and are unsure."""
    found: dict[str, Any] = json.loads((repository / "tests/report/failed.audit.json").read_text(encoding="utf-8"))
    return found


def tags(text: str) -> list[str]:
    return re.findall(r"<[^>]*>", GFM.render(text))


def test_it_begins_with_the_decision_in_one_sentence(document: dict[str, Any]) -> None:
    lines = markdown.page(document).splitlines()
    assert lines[0] == "# GATE FAILED: nemo-resnet18 on nemo-release-gate"
    assert lines[2] == ("**FAIL: 1 of 4 gates: recall at sigma 0.05, sadness.** 1 fail, 1 unsure, 2 pass (exit 1).")


def test_failures_come_with_their_next_step_and_the_command(document: dict[str, Any]) -> None:
    text = markdown.page(document)
    assert "- **✘ FAIL recall at sigma 0.05, sadness**: 0.56 (95% CI 0.48-0.64, n=86), limit at least 0.70" in text
    assert "  - add gaussian_noise at this severity to the training, and audit again" in text
    assert "  - `audit run suites/nemo-release-gate.audit.yaml --only gaussian_noise/sadness`" in text


def test_every_gate_is_a_row(document: dict[str, Any]) -> None:
    rendered = GFM.render(markdown.page(document))
    gates = rendered.split("<table>")[1]
    assert gates.count("<tr>") == 1 + len(document["verdicts"])
    assert "<td>✔ PASS</td>\n<td>clean</td>\n<td>clean accuracy</td>\n<td>0.90 (95% CI 0.87-0.92, n=501)</td>" in gates


def test_provenance_holds_the_digests_and_the_command(document: dict[str, Any]) -> None:
    text = markdown.page(document)
    for part in ("model", "data", "suite"):
        assert f"`sha256:{document[part]['sha256']}`" in text
    assert "| command | `audit run suites/nemo-release-gate.audit.yaml` |" in text


def test_hostile_names_change_no_structure(document: dict[str, Any]) -> None:
    before = tags(markdown.page(document))
    for row in document["verdicts"]:
        row["emotion"] = row["emotion"] and HOSTILE
        for key in ("reason", "next_step"):
            row[key] = row[key] and HOSTILE
    for part in ("suite", "model"):
        document[part]["name"] = HOSTILE
    assert tags(markdown.page(document)) == before
    assert "evil.com" in GFM.render(markdown.page(document))


@given(st.text(max_size=60))
def test_any_text_at_all_stays_one_cell_that_reads_as_it_is(text: str) -> None:
    cell = markdown.escape(text)
    rendered = GFM.render(f"| a | b |\n|---|---|\n| {cell} | {markdown.code(text)} |")
    cells = re.findall(r"<td>(.*?)</td>", rendered, re.DOTALL)
    assert len(cells) == 2
    assert html.unescape(cells[0]).strip() == markdown.plain(text).strip()
    assert html.unescape(re.sub("</?code>", "", cells[1])).strip() == markdown.plain(text).strip()


def test_an_audit_that_passed_lists_no_failures(document: dict[str, Any]) -> None:
    document["verdicts"] = document["verdicts"][:1]
    document.update(passed=True, exit_code=0)
    text = markdown.page(document)
    assert text.startswith("# GATE PASSED")
    assert "What failed" not in text


def test_an_audit_without_a_gate_says_that_nothing_was_decided(document: dict[str, Any]) -> None:
    document.update(verdicts=[], passed=False, exit_code=3)
    text = markdown.page(document)
    assert text.startswith("# GATE NOT JUDGED")
    assert "nothing was decided" in text


def test_it_is_written_beside_audit_json(document: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "audit.json").write_text(json.dumps(document), encoding="utf-8")
    assert markdown.write(tmp_path).read_text(encoding="utf-8") == markdown.page(document)
