"""The report of a model of faces in a real browser: pictures load, pixel by pixel, and stand side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from audit import read_suite, run
from audit.kinds import import_file
from audit.report import html

PAGE = import_file(Path(__file__).with_name("page.py"))
opened, every_page = PAGE.opened, PAGE.every_page
pytestmark = pytest.mark.browser
CONTRAST = Path(__file__).with_name("contrast.js")
METHODS = 4


@pytest.fixture(scope="module")
def faces_report(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a small network that learned drawn faces."""
    folder = tmp_path_factory.mktemp("faces")
    drawn = import_file(repository / "tests/faces/drawn.py")
    run(read_suite(drawn.suite(folder)), media=folder / "media").save(folder)
    html.write(folder)
    return folder


def test_every_page_of_faces_opens_without_a_request_beyond_files_and_without_an_error(
    chromium: Any, faces_report: Path
) -> None:
    for page in every_page(faces_report):
        urls = opened(chromium, page)
        assert page.as_uri() in urls
        assert [url for url in urls if not url.startswith("file:")] == []
        assert [entry["message"] for entry in chromium.get_log("browser")] == []
        assert chromium.execute_script("return document.querySelectorAll('audio').length") == 0


def test_every_picture_of_a_face_loads_and_is_enlarged_without_blur(chromium: Any, faces_report: Path) -> None:
    opened(chromium, faces_report / "emotion/happy.html")
    loaded = """
      const done = arguments[arguments.length - 1];
      Promise.all([...document.querySelectorAll('image')].map(image => {
        const copy = new Image();
        copy.src = image.href.baseVal;
        return copy.decode().then(() => [copy.naturalWidth, copy.naturalHeight,
          image.getBoundingClientRect().width, getComputedStyle(image).imageRendering]);
      })).then(done, error => done([String(error)]));
    """
    found = chromium.execute_async_script(loaded)
    assert len(found) == 6 * (4 + 2 * METHODS + 2 * 3)
    for natural_width, natural_height, width, rendering in found:
        assert (natural_width, natural_height, rendering) == (32, 32, "pixelated")
        assert width >= 3 * 32


@pytest.mark.parametrize(("width", "columns"), [(390, 2), (1280, 4)])
def test_faces_stand_side_by_side_square_and_within_the_window(
    chromium: Any, faces_report: Path, width: int, columns: int
) -> None:
    opened(chromium, faces_report / "emotion/happy.html", width=width)
    boxes = """
      const first = document.querySelector('.exhibit .maps');
      return [...first.querySelectorAll('image:last-of-type')].map(image => {
        const box = image.getBoundingClientRect();
        return [Math.round(box.top), box.left, box.width, box.height];
      });
    """
    maps = chromium.execute_script(boxes)
    assert len(maps) == METHODS
    assert len([top for top, *_ in maps if top == maps[0][0]]) == columns
    assert all(abs(across - down) < 1 for *_, across, down in maps)
    room = chromium.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
    assert room[0] <= room[1]


def test_what_was_hidden_of_a_face_shows_stripes(chromium: Any, faces_report: Path) -> None:
    opened(chromium, faces_report / "emotion/happy.html")
    striped = "return document.querySelectorAll('.exhibit rect[fill=\"url(#Stripes)\"]').length"
    assert chromium.execute_script(striped) == 2 * 6
    assert chromium.execute_script("return document.getElementById('Stripes').tagName") == "pattern"
    assert "(striped)" in chromium.find_element("css selector", ".exhibit").text


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_text_of_a_page_of_faces_has_the_contrast_of_wcag_aa(
    scheme: str, chromium: Any, faces_report: Path
) -> None:
    opened(chromium, faces_report / "emotion/sad.html", scheme=scheme)
    checked, poor = chromium.execute_script(CONTRAST.read_text(encoding="utf-8"))
    assert checked > 100
    assert poor == []
