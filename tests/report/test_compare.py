"""The page that sets two audits beside each other: what it says, in which order, and that it needs nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote

import pytest

from audit.comparison.compare import compare
from audit.comparison.opened import opened
from audit.kinds import import_file
from audit.report import html
from audit.report.compare import context_of, write

PAGES = import_file(Path(__file__).with_name("pages.py"))
PAIR = import_file(Path(__file__).with_name("fake_pair.py"))
Page = PAGES.Page


@pytest.fixture(scope="module")
def pair(fake: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    a, b = PAIR.write(tmp_path_factory.mktemp("pair"), fake, clips=24)
    html.write(b)
    write(compare(opened(a), opened(b)), b, has_report=True)
    html.write(b)
    return a, b


@pytest.fixture(scope="module")
def hostile(fake: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    named = {
        "emotions": fake.HOSTILE,
        "clips": 12,
        "name": '"<b onclick=alert(3)>x</b>"',
        "region": fake.HOSTILE_REGION,
    }
    a, b = PAIR.write(tmp_path_factory.mktemp("hostile-pair"), fake, **named)
    for folder in (a, b):
        path = folder / "audit.json"
        document = json.loads(path.read_text(encoding="utf-8"))
        document["model"]["name"] = "</td><script>alert(5)</script>{{7*7}}"
        path.write_text(json.dumps(document), encoding="utf-8")
    write(compare(opened(a), opened(b)), b, has_report=False)
    return a, b


@pytest.fixture(params=["pair", "hostile"])
def page(request: pytest.FixtureRequest) -> Any:
    return Page(request.getfixturevalue(request.param)[1] / "compare.html")


def test_every_link_leads_to_a_file_and_an_anchor(page: Any) -> None:
    ids = {page.path.resolve(): set(page.ids)}
    for link in page.links:
        name, _, fragment = link.partition("#")
        target = (page.path.parent / unquote(name)).resolve() if name else page.path.resolve()
        assert target.is_file(), link
        if fragment:
            assert unquote(fragment) in ids.setdefault(target, set(Page(target).ids)), link
    assert len(page.ids) == len(set(page.ids))


def test_it_keeps_the_rules_of_every_page(page: Any) -> None:
    """No inline style, script or handler, no unknown tag, 300 kB at most."""
    assert {tag for tag, _ in page.tags} <= PAGES.KNOWN_TAGS
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name == "style" or name.startswith("on")], attributes
        assert tag != "script" or "src" in attributes or attributes.get("type") == "application/json"
    assert page.path.stat().st_size <= 300e3


def test_hostile_names_read_as_they_are(hostile: tuple[Path, Path]) -> None:
    page = Page(hostile[1] / "compare.html")
    assert "</td><script>alert(5)</script>{{7*7}}" in page.text
    assert "recall, <img src=x onerror=alert(1)>" in page.text
    assert "img" not in {tag for tag, _ in page.tags}


def test_the_first_sentence_comes_first_and_newly_failing_before_newly_passing(pair: tuple[Path, Path]) -> None:
    a, b = pair
    found = compare(opened(a), opened(b))
    page = Page(b / "compare.html")
    heading = re.search("<h1[^>]*>(.*?)</h1>", page.path.read_text(encoding="utf-8"), re.DOTALL)
    assert heading is not None
    assert heading[1].startswith("B is not shown to be right more often than A, or less: ")
    assert "; under gaussian_noise at sigma 0.01 on " in heading[1]
    order = [
        "Gates",
        "Failing",
        "Passing",
        "Changed",
        "Differences",
        "clean",
        "Curves",
        "Saliency",
        "Figures",
        "Reading",
    ]
    assert [name for name in page.ids if name in order] == order
    context = context_of(found, has_report=True)
    newly, passing = (context["moves"][kind] for kind in ("failing", "passing"))
    assert "clean accuracy" in [move.b.title for move in newly]
    assert passing
    assert all(move.b.blocks or move.b.outcome in ("FAIL", "ERROR") for move in newly)
    assert all(move.b.title in page.text and move.b.next_step in page.text for move in newly)
    assert "in A ≥" in page.text


def test_every_curve_has_both_audits_with_bands_and_its_numbers_in_a_table(pair: tuple[Path, Path]) -> None:
    text = (pair[1] / "compare.html").read_text(encoding="utf-8")
    plots = [json.loads(plot) for plot in re.findall(r'<script type="application/json">(.*?)</script>', text)]
    assert len(plots) == text.count("<summary>Data of these curves") == 3
    for plot in plots:
        names = [trace["name"] for trace in plot["data"] if "name" in trace]
        assert names == ["A, 95% interval", "B, 95% interval", "A, accuracy", "B, accuracy"]
        a, b = plot["data"][-2:]
        for at, in_a, in_b in zip(a["x"], a["y"], b["y"], strict=True):
            cells = rf'{at:g}</th><td class="num">{in_a:.3f} \([^)]*\)</td><td class="num">{in_b:.3f} \('
            assert re.search(f'scope="row" class="num">{cells}', text), (at, in_a, in_b)


def test_a_difference_that_holds_is_told_by_word_and_mark(pair: tuple[Path, Path]) -> None:
    text = (pair[1] / "compare.html").read_text(encoding="utf-8")
    assert re.search(r'aria-hidden="true">▼ </span><span class="hidden">fewer, and holds over all: </span>−\d', text)


def test_methods_and_costs_stand_side_by_side(pair: tuple[Path, Path]) -> None:
    page = Page(pair[1] / "compare.html")
    assert "A over chance" in page.text
    assert "gradcam" in page.text
    text = page.path.read_text(encoding="utf-8")
    assert re.search(
        r'latency[^<]*</th><td class="num">8\.0+</td><td class="num">2\.0+</td><td class="num">0\.25 ×<', text
    )


def test_the_index_leads_to_the_comparison_where_there_is_one(pair: tuple[Path, Path], failed_report: Path) -> None:
    assert "compare.html" in Page(pair[1] / "index.html").links
    assert "compare.html" not in Page(failed_report / "index.html").links


def test_a_page_of_its_own_folder_needs_nothing_of_the_audits(pair: tuple[Path, Path], tmp_path: Path) -> None:
    a, b = pair
    page = Page(write(compare(opened(a), opened(b)), tmp_path / "new" / "folder", has_report=False))
    assert {link for link in page.links if not link.startswith("#")} == {"style.css", "app.js"}
    assert (page.path.parent / "plotly.min.js").is_file()


def test_what_is_not_comparable_is_told_with_both_digests(pair: tuple[Path, Path], tmp_path: Path) -> None:
    a, b = (opened(folder) for folder in pair)
    resolved = json.loads(json.dumps(a.document["suite"]["resolved"]))
    next(entry for entry in resolved["checks"] if entry["id"] == "fgsm")["sweep"] = {"epsilon": [0.5]}
    a.document["suite"]["resolved"] = resolved
    page = Page(write(compare(a, b), tmp_path, has_report=False))
    assert re.search(r"fgsm: other settings, [0-9a-f]{12} in A and [0-9a-f]{12} in B", page.text)
    assert "fgsm" not in page.ids
    assert "gaussian_noise" in page.ids
