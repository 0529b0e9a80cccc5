"""The pages: what they say, in which order, and that they need nothing but the folder they stand in."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from html import unescape
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote

import pytest

from audit.errors import AuditError, UsageError
from audit.kinds import import_file
from audit.report import html

PAGES = import_file(Path(__file__).with_name("pages.py"))
KNOWN_TAGS, Page, pages = PAGES.KNOWN_TAGS, PAGES.Page, PAGES.pages
document, redrawn = PAGES.document, PAGES.redrawn


@pytest.mark.parametrize("report", ["failed_report", "passed_report", "hostile_report"])
def test_every_link_leads_to_a_file_and_an_anchor_of_the_folder(report: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(report)
    found = pages(folder)
    ids = {page.path.resolve(): set(page.ids) for page in found}
    for page in found:
        for link in page.links:
            name, _, fragment = link.partition("#")
            target = (page.path.parent / unquote(name)).resolve() if name else page.path.resolve()
            assert target.is_file(), f"{page.path.name} links to {link}"
            assert target.is_relative_to(folder.resolve())
            if fragment:
                assert unquote(fragment) in ids[target], f"{page.path.name} links to {link}"


@pytest.mark.parametrize("report", ["failed_report", "passed_report", "hostile_report"])
def test_no_id_stands_twice_on_a_page(report: str, request: pytest.FixtureRequest) -> None:
    for page in pages(request.getfixturevalue(report)):
        assert len(page.ids) == len(set(page.ids)), page.path.name


@pytest.mark.parametrize("report", ["failed_report", "hostile_report"])
def test_no_page_carries_an_inline_style_script_or_handler(report: str, request: pytest.FixtureRequest) -> None:
    for page in pages(request.getfixturevalue(report)):
        for tag, attributes in page.tags:
            assert tag != "style"
            assert not [name for name in attributes if name == "style" or name.startswith("on")], attributes
            assert tag != "script" or "src" in attributes or attributes.get("type") == "application/json"
        policy = next(a["content"] for t, a in page.tags if t == "meta" and "http-equiv" in a)
        assert "unsafe" not in policy
        assert policy.startswith("default-src 'none';")


def test_the_index_tells_the_verdict_first_and_its_parts_in_order(failed_report: Path) -> None:
    page = Page(failed_report / "index.html")
    order = ["Failures", "Gates", "Grid", "Curves", "Saliency", "Confusion", "Cost", "Provenance", "Limits"]
    assert [name for name in page.ids if name in order] == order
    heading = re.search("<h1>(.*?)</h1>", page.path.read_text(encoding="utf-8"), re.DOTALL)
    assert heading is not None
    assert " gates" in heading[1]


def test_every_failure_stands_on_the_index_with_its_next_step(failed_report: Path) -> None:
    text = Page(failed_report / "index.html").text
    rows = [row for row in document(failed_report)["verdicts"] if row["outcome"] != "PASS"]
    assert {row["outcome"] for row in rows} >= {"UNSURE", "ERROR"}
    for row in rows:
        assert row["next_step"] in text
        assert row["reason"] in text


def test_an_emotion_page_has_its_parts_in_order(failed_report: Path) -> None:
    page = Page(failed_report / "emotion/surprised.html")
    order = ["Failures", "clean", "Confusion", "gaussian_noise", "fgsm", "Worst", "Gallery", "saliency", "Groups"]
    assert [name for name in page.ids if name in order] == order


def test_an_outcome_is_glyph_and_word_wherever_it_stands(failed_report: Path) -> None:
    for page in pages(failed_report):
        marked = re.findall(
            r'class="outcome (\w+)"[^>]*><span aria-hidden="true">(.)</span> (\w+)<', page.path.read_text()
        )
        assert marked
        for name, glyph, word in marked:
            assert (name.upper(), glyph) == (word, html.GLYPHS[word])


def test_every_curve_has_its_numbers_in_a_table(failed_report: Path) -> None:
    for page in pages(failed_report):
        text = page.path.read_text(encoding="utf-8")
        plots = [json.loads(plot) for plot in re.findall(r'<script type="application/json">(.*?)</script>', text)]
        lines = [trace for plot in plots for trace in plot["data"] if trace.get("line", {}).get("color") == "--blue"]
        assert len(lines) == text.count("<summary>Data of this curve</summary>") == 2
        assert len(plots) - len(lines) == text.count("<summary>Data of this diagram</summary>") == 3
        for line in lines:
            for at, value in zip(line["x"], line["y"], strict=True):
                assert f'scope="row" class="num">{at:g}</th><td class="num">{value:.3f}' in text


def test_what_the_engine_says_of_data_and_limits_is_on_the_index(failed_report: Path) -> None:
    text = Page(failed_report / "index.html").text
    audit = document(failed_report)
    assert "3 problems with the data" in text
    assert "3 clips of emotions the suite does not judge left out: 3 <i>calm</i>." in text
    for problem in audit["data"]["problems"]:
        assert problem["path"] in text
        assert problem["reason"] in text
    for limit in audit["limits"]:
        assert limit in text
    assert audit["provenance"]["command"] in text
    assert audit["data"]["sha256"] in text


def test_a_report_says_whether_voices_are_inside(failed_report: Path, passed_report: Path) -> None:
    assert "recordings of people’s voices" in Page(failed_report / "index.html").text
    assert "recordings of people’s voices" not in Page(passed_report / "index.html").text
    assert "No recordings are in this report." in Page(passed_report / "emotion/fear.html").text


def test_an_audit_that_passes_says_so(passed_report: Path) -> None:
    audit = document(passed_report)
    page = Page(passed_report / "index.html")
    assert "Nothing stands in the way" in page.text
    assert f"{len(audit['verdicts'])} of {len(audit['verdicts'])} gates" in page.text
    assert "FAIL" not in page.text.split("What the audit cost")[0].replace("0 fail", "")


def test_names_that_are_markup_are_shown_as_text(hostile_report: Path, fake: ModuleType) -> None:
    for page in pages(hostile_report):
        assert [tag for tag, _ in page.tags if tag == "img"] == []
        assert {tag for tag, _ in page.tags} <= KNOWN_TAGS
    index = Page(hostile_report / "index.html")
    for name in fake.HOSTILE[:5]:
        assert name in index.text
    assert "\u202e" not in index.text


def test_two_emotions_that_read_alike_get_a_page_each(hostile_report: Path, fake: ModuleType) -> None:
    names = [path.name for path in (hostile_report / "emotion").glob("*.html")]
    assert len(names) == len(fake.HOSTILE)
    assert {"sad-ness.html", "sad-ness-2.html"} <= set(names)
    assert all(re.fullmatch("[a-z0-9.-]{1,120}", name) for name in names)


def test_a_clip_whose_files_were_deleted_is_told_of_and_not_linked(failed_report: Path, tmp_path: Path) -> None:
    redrawn(failed_report, tmp_path / "bare")
    page = Page(tmp_path / "bare/emotion/fear.html")
    assert "not in this folder" in page.text
    assert not [link for link in page.links if "media" in link]


def test_pages_of_emotions_no_longer_there_are_removed(passed_report: Path, tmp_path: Path) -> None:
    shutil.copytree(passed_report, tmp_path / "old")
    (tmp_path / "old/emotion/boredom.html").write_text("stale")
    html.write(tmp_path / "old")
    assert not (tmp_path / "old/emotion/boredom.html").exists()


def test_the_same_audit_is_drawn_the_same_to_the_last_byte(passed_report: Path, tmp_path: Path) -> None:
    before = {page.path.name: page.path.read_bytes() for page in pages(passed_report)}
    redrawn(passed_report, tmp_path / "again")
    assert {page.path.name: page.path.read_bytes() for page in pages(tmp_path / "again")} == before


def test_an_audit_with_no_gate_says_that_nothing_was_decided(passed_report: Path, tmp_path: Path) -> None:
    page = redrawn(passed_report, tmp_path / "free", verdicts=[], passed=False, exit_code=3)
    assert "The suite asked for no gate, so nothing was decided." in page.text


def test_an_audit_of_a_part_says_which(passed_report: Path, tmp_path: Path) -> None:
    provenance = {**document(passed_report)["provenance"], "command": "audit run x.audit.yaml --limit 50"}
    assert "Judged in part: limit 50." in redrawn(passed_report, tmp_path / "part", provenance=provenance).text
    assert "Judged in part" not in Page(passed_report / "index.html").text


def test_media_outside_the_folder_are_refused(failed_report: Path, tmp_path: Path) -> None:
    exhibit = document(failed_report)["exhibits"][0]
    exhibits = [{**exhibit, "spectrogram": "media/../../secret.png"}]
    with pytest.raises(AuditError, match=r"exhibits\[0\]\.spectrogram"):
        redrawn(failed_report, tmp_path / "outside", exhibits=exhibits)


def test_an_audit_that_breaks_its_schema_is_named_with_the_place(passed_report: Path, tmp_path: Path) -> None:
    verdicts: list[Mapping[str, Any]] = document(passed_report)["verdicts"]
    broken = [{**verdicts[0], "outcome": "MAYBE"}, *verdicts[1:]]
    with pytest.raises(AuditError, match=r"audit\.json: \$\.verdicts\[0\]\.outcome: 'MAYBE' is not one of"):
        redrawn(passed_report, tmp_path / "broken", verdicts=broken)


def test_a_folder_without_records_is_refused_with_the_file_that_is_missing(passed_report: Path, tmp_path: Path) -> None:
    shutil.copyfile(passed_report / "audit.json", tmp_path / "audit.json")
    with pytest.raises(AuditError, match=r"records\.parquet: no such file"):
        html.write(tmp_path)
    (tmp_path / "records.parquet").write_bytes(b"not parquet")
    with pytest.raises(AuditError, match=r"records\.parquet: not readable"):
        html.write(tmp_path)


def test_a_folder_without_an_audit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no audit\.json"):
        html.write(tmp_path)


def test_a_report_is_drawn_without_torch(passed_report: Path, tmp_path: Path) -> None:
    shutil.copytree(passed_report, tmp_path / "copy")
    program = (
        "import sys; from pathlib import Path; from audit.report import html; html.write(Path(sys.argv[1])); "
        "print([name for name in sys.modules if name.partition('.')[0] in ('torch', 'librosa', 'captum')])"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "copy")], capture_output=True, text=True)
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr


def test_nothing_shown_is_escaped_twice(failed_report: Path) -> None:
    for page in pages(failed_report):
        assert unescape(page.text) == page.text
