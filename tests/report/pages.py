"""The pages of a report, read: what they link to, their ids, tags and visible text."""

from __future__ import annotations

import json
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from audit.report import html

# fmt: off
KNOWN_TAGS = {
    "a", "article", "audio", "b", "body", "br", "caption", "circle", "code", "dd", "defs", "details", "div", "dl",
    "dt", "figcaption", "figure", "g", "h1", "h2", "h3", "h4", "head", "header", "html", "i", "image", "li",
    "lineargradient", "link", "main", "meta", "nav", "noscript", "p", "path", "pre", "rect", "s", "script", "section",
    "span", "stop", "summary", "svg", "table", "tbody", "td", "text", "tfoot", "th", "thead", "time", "title",
    "tr", "ul",
}
# fmt: on


class Page(HTMLParser):
    """What a page links to, its ids, tags and visible text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path, self.ids, self.links, self.tags = path, [], [], []
        self.text, self._data = "", False
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        self.ids += [found["id"]] if "id" in found else []
        self.links += [found[key] for key in ("href", "src") if key in found]
        self._data = tag == "script"

    def handle_endtag(self, tag: str) -> None:
        self._data = False

    def handle_data(self, data: str) -> None:
        self.text += "" if self._data else data


def pages(folder: Path) -> list[Page]:
    return [Page(path) for path in (folder / "index.html", *sorted((folder / "emotion").glob("*.html")))]


def document(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "audit.json").read_text(encoding="utf-8"))


def redrawn(folder: Path, to: Path, **changes: Any) -> Page:
    shutil.copytree(folder, to, ignore=shutil.ignore_patterns("*.html", "media"))
    (to / "audit.json").write_text(json.dumps({**document(folder), **changes}), encoding="utf-8")
    return Page(html.write(to))
