"""Pages of a report, opened in a browser."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

UNDRAWN = "return [...document.querySelectorAll('.plot')].some(p => !p.querySelector('.main-svg .trace'))"


def opened(chromium: Any, page: Path, *, width: int = 1280, scheme: str = "light", drawn: bool = True) -> list[str]:
    """Open a page, wait until its curves are drawn, and return the URLs it asked for."""
    chromium.get("about:blank")
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    feature = {"name": "prefers-color-scheme", "value": scheme}
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    for log in ("browser", "performance"):
        chromium.get_log(log)
    chromium.get(page.as_uri())
    deadline = time.monotonic() + 30
    while drawn and chromium.execute_script(UNDRAWN):
        assert time.monotonic() < deadline, f"the curves of {page.name} were not drawn within 30 s"
        time.sleep(0.05)
    events = [json.loads(entry["message"])["message"] for entry in chromium.get_log("performance")]
    return [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]


def every_page(folder: Path) -> list[Path]:
    """Return the pages of a report, the index first."""
    return [folder / "index.html", *sorted((folder / "emotion").glob("*.html"))]
