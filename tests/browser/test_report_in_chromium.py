"""The report in a real browser, opened from its folder: budgets, policy, drawing, width, contrast."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

import pytest

from audit.kinds import import_file
from audit.report import html

PAGE = import_file(Path(__file__).with_name("page.py"))
opened, every_page = PAGE.opened, PAGE.every_page
pytestmark = pytest.mark.browser
WIDTHS = (390, 1280)
CONTRAST = Path(__file__).with_name("contrast.js")


def test_the_report_keeps_its_budgets(full_report: Path) -> None:
    size = sum(path.stat().st_size for path in full_report.rglob("*") if path.is_file())
    assert size <= 20e6
    assert len(list((full_report / "media").glob("*.flac"))) == 8 * 6 * 4
    assert max(page.stat().st_size for page in every_page(full_report)) <= 300e3
    assert sum((full_report / name).stat().st_size for name in ("style.css", "app.js")) <= 60e3


def test_the_first_paint_is_within_half_a_second(chromium: Any, full_report: Path) -> None:
    script = "return performance.getEntriesByName('first-contentful-paint').map(e => e.startTime)[0]"
    for page in (full_report / "index.html", full_report / "emotion/sadness.html"):
        paints = []
        for _ in range(5):
            opened(chromium, page)
            paints.append(chromium.execute_script(script))
        assert statistics.median(paints) <= 500, paints


@pytest.mark.parametrize("report", ["full_report", "hostile_report"])
def test_every_page_opens_without_a_request_beyond_files_and_without_an_error(
    report: str, chromium: Any, request: pytest.FixtureRequest
) -> None:
    for page in every_page(request.getfixturevalue(report)):
        urls = opened(chromium, page)
        assert {page.as_uri(), (page.parents[page.parent.name == "emotion"] / "style.css").as_uri()} <= set(urls)
        # Chromium draws the buttons of its players from data: images of its own; the policy lets the page load none.
        assert [url for url in urls if not url.startswith(("file:", "data:image/svg+xml;base64,"))] == []
        assert [entry["message"] for entry in chromium.get_log("browser")] == []
        assert not alerted(chromium)


def alerted(chromium: Any) -> bool:
    from selenium.common.exceptions import NoAlertPresentException

    try:
        return bool(chromium.switch_to.alert)
    except NoAlertPresentException:
        return False


def test_names_that_are_markup_make_no_element(chromium: Any, hostile_report: Path) -> None:
    for page in every_page(hostile_report):
        opened(chromium, page)
        made = "return document.querySelectorAll('img, [onclick], [onerror], b:not(article b, figure b, p b)').length"
        assert chromium.execute_script(made) == 0
    opened(chromium, hostile_report / "index.html")
    shown = chromium.execute_script("return document.querySelector('.pills').innerText")
    assert "<img src=x onerror=alert(1)>" in shown


@pytest.mark.parametrize("report", ["full_report", "hostile_report"])
@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_is_wider_than_the_window(
    report: str, width: int, chromium: Any, request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue(report)
    for page in (folder / "index.html", next((folder / "emotion").glob("*.html"))):
        opened(chromium, page, width=width)
        chromium.execute_script("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        room = chromium.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
        assert room[0] <= room[1], page.name


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_the_contrast_of_wcag_aa(scheme: str, chromium: Any, full_report: Path) -> None:
    for page in (full_report / "index.html", full_report / "emotion/sadness.html"):
        opened(chromium, page, scheme=scheme)
        chromium.execute_script("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        checked, poor = chromium.execute_script(CONTRAST.read_text(encoding="utf-8"))
        assert checked > 200
        assert poor == []


def test_curves_take_the_colours_of_the_scheme_while_the_page_is_open(chromium: Any, full_report: Path) -> None:
    colour = "return document.querySelector('.plot .xtitle').style.fill"
    opened(chromium, full_report / "index.html")
    light = chromium.execute_script(colour)
    feature = {"name": "prefers-color-scheme", "value": "dark"}
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    deadline = time.monotonic() + 5
    while chromium.execute_script(colour) == light:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_curve_is_drawn_with_its_legend_inside_its_own_box(chromium: Any, full_report: Path) -> None:
    opened(chromium, full_report / "index.html", width=390)
    inside = """
      return [...document.querySelectorAll('.plot')].map(plot => {
        const box = plot.getBoundingClientRect();
        const parts = [...plot.querySelectorAll('.legend, .xtitle, .annotation, .xtick')];
        return [parts.length, parts.every(part => {
          const own = part.getBoundingClientRect();
          return own.top >= box.top - 1 && own.bottom <= box.bottom + 1 && own.left >= box.left - 1;
        })];
      });
    """
    for count, contained in chromium.execute_script(inside):
        assert count > 4
        assert contained


def test_players_play_and_pictures_load(chromium: Any, full_report: Path) -> None:
    opened(chromium, full_report / "emotion/sadness.html")
    loaded = """
      const done = arguments[arguments.length - 1];
      const clip = document.querySelector('audio');
      clip.preload = 'auto';
      clip.addEventListener('loadedmetadata', () => done(clip.duration));
      clip.addEventListener('error', () => done(-1));
      clip.load();
    """
    assert chromium.execute_async_script(loaded) == pytest.approx(3.0, abs=0.01)
    pictures = """
      const done = arguments[arguments.length - 1];
      Promise.all([...document.querySelectorAll('image')].map(image => {
        const copy = new Image();
        copy.src = image.href.baseVal;
        return copy.decode().then(() => copy.naturalWidth);
      })).then(done, error => done([String(error)]));
    """
    widths = chromium.execute_async_script(pictures)
    # Two spectrograms, four maps over one, and a map before and after with the difference.
    assert len(widths) == 6 * (2 + 2 * 4 + 2 * 3)
    assert set(widths) == {94}


def test_a_map_that_has_not_earned_its_place_is_dimmed_and_crossed_out(chromium: Any, full_report: Path) -> None:
    opened(chromium, full_report / "emotion/sadness.html")
    drawn = """
      const crossed = name => !!name && getComputedStyle(name).textDecorationLine === 'line-through';
      return [...document.querySelectorAll('.picture')].map(figure => [
        figure.querySelector('figcaption').innerText.includes('has not earned its place'),
        crossed(figure.querySelector('s')),
        [...figure.querySelectorAll('image')].every(image => getComputedStyle(image).opacity < 0.5),
      ]);
    """
    found = chromium.execute_script(drawn)
    # Two of the four methods, for each of six cases.
    assert found.count([True, True, True]) == 12
    assert found.count([False, False, False]) == len(found) - 12


@pytest.mark.parametrize("width", WIDTHS)
def test_where_to_harden_is_drawn_with_a_bar_for_each_part_inside_its_figure(
    width: int, chromium: Any, full_report: Path
) -> None:
    opened(chromium, full_report / "emotion/sadness.html", width=width)
    inside = """
      const figure = document.querySelector('.falls'), box = figure.getBoundingClientRect();
      return [...figure.querySelectorAll('rect, text, .range')].map(part => {
        const own = part.getBoundingClientRect();
        return [part.tagName, own.width > 0, own.left >= box.left - 1 && own.right <= box.right + 1,
          part.tagName === 'text' ? own.height : 20];
      });
    """
    parts = chromium.execute_script(inside)
    assert [tag for tag, *_ in parts].count("rect") == 2 * 4
    for tag, has_width, contained, height in parts:
        assert has_width, tag
        assert contained, tag
        assert height >= 11, tag


def test_a_deep_link_brings_the_check_into_view(chromium: Any, full_report: Path) -> None:
    opened(chromium, full_report / "emotion/sadness.html")
    chromium.get(f"{(full_report / 'emotion/sadness.html').as_uri()}#fgsm")
    deadline = time.monotonic() + 5
    while not 0 <= chromium.execute_script("return document.getElementById('fgsm').getBoundingClientRect().top") < 450:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_skip_link_is_the_first_stop_and_is_seen(chromium: Any, full_report: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    opened(chromium, full_report / "index.html")
    chromium.switch_to.active_element.send_keys(Keys.TAB)
    first = chromium.switch_to.active_element
    assert first.get_attribute("href").endswith("#Main")
    assert first.rect["y"] >= 0
    assert chromium.execute_script("return getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_without_javascript_everything_but_the_curves_reads(chromium: Any, full_report: Path) -> None:
    chromium.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        opened(chromium, full_report / "index.html", drawn=False)
        text = chromium.find_element("tag name", "main").text
        assert "The curve is drawn by JavaScript" in text
        assert "What this audit does not say" in text
        assert not chromium.find_element("css selector", ".plot").is_displayed()
        assert chromium.find_element("css selector", "figure details summary").is_displayed()
    finally:
        chromium.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_print_is_light_whatever_the_screen_is(chromium: Any, full_report: Path) -> None:
    opened(chromium, full_report / "index.html", scheme="dark")
    paper = "return getComputedStyle(document.body).backgroundColor"
    dark = chromium.execute_script(paper)
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert chromium.execute_script(paper) != dark
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_the_glyphs_of_outcomes_differ() -> None:
    assert len(set(html.GLYPHS.values())) == len(html.GLYPHS) == 4
