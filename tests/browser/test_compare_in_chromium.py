"""The page that sets two audits beside each other, in a real browser."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from audit.comparison.compare import compare
from audit.comparison.opened import opened as audit_in
from audit.kinds import import_file
from audit.report.compare import write

opened = import_file(Path(__file__).with_name("page.py")).opened
PAIR = import_file(Path(__file__).parent.parent / "report/fake_pair.py")
CONTRAST = Path(__file__).with_name("contrast.js")
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(fake: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A comparison in a folder of its own."""
    a, b = (audit_in(folder) for folder in PAIR.write(tmp_path_factory.mktemp("pair"), fake, clips=12, saliency=False))
    return write(compare(a, b), tmp_path_factory.mktemp("comparison"), has_report=False)


def test_it_opens_and_draws_without_a_request_beyond_files_and_without_an_error(chromium: Any, page: Path) -> None:
    urls = opened(chromium, page)
    assert page.as_uri() in urls
    assert [url for url in urls if not url.startswith("file:")] == []
    assert [entry["message"] for entry in chromium.get_log("browser")] == []
    drawn = "return [...document.querySelectorAll('.plot')].map(p => p.querySelectorAll('.trace.scatter').length)"
    assert chromium.execute_script(drawn) == [6, 6, 6]


@pytest.mark.parametrize("width", [390, 1280])
def test_it_is_not_wider_than_the_window(width: int, chromium: Any, page: Path) -> None:
    opened(chromium, page, width=width)
    chromium.execute_script("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    room = chromium.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
    assert room[0] <= room[1]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_its_text_has_the_contrast_of_wcag_aa(scheme: str, chromium: Any, page: Path) -> None:
    opened(chromium, page, scheme=scheme)
    chromium.execute_script("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    checked, poor = chromium.execute_script(CONTRAST.read_text(encoding="utf-8"))
    assert checked > 200
    assert poor == []


def test_without_javascript_the_numbers_of_every_curve_can_be_read(chromium: Any, page: Path) -> None:
    chromium.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        opened(chromium, page, drawn=False)
        folds = chromium.find_elements("css selector", "#Curves details")
        assert len(folds) == 3
        for fold in folds:
            fold.find_element("css selector", "summary").send_keys("\n")
            assert fold.find_element("css selector", "tbody tr").is_displayed()
        assert not any(plot.is_displayed() for plot in chromium.find_elements("css selector", ".plot"))
    finally:
        chromium.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
