"""A headless Chromium that opens reports from file://, and the reports it opens."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from audit.kinds import import_file
from audit.report import html

QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def fake() -> ModuleType:
    """The module that writes fake audits."""
    return import_file(Path(__file__).parent.parent / "report/fake_audit.py")


@pytest.fixture(scope="session")
def full_report(fake: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight emotions with six cases each: the size the budgets are for."""
    story = fake.Story(emotions=fake.EIGHT, exhibits=6, problems=3)
    folder: Path = fake.write(tmp_path_factory.mktemp("full"), story)
    html.write(folder)
    return folder


@pytest.fixture(scope="session")
def hostile_report(fake: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report whose emotions and suite are named to break out of a page."""
    story = fake.Story(
        emotions=fake.HOSTILE, clips=12, exhibits=1, name='"<b onclick=alert(3)>x</b>"', region=fake.HOSTILE_REGION
    )
    folder: Path = fake.write(tmp_path_factory.mktemp("hostile"), story)
    html.write(folder)
    return folder


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A browser that logs its console and requests; the test skips, and says so, where there is none."""
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if browser is None or driver is None:
        pytest.skip("no chromium and chromedriver on PATH; `apt-get install chromium chromium-driver` brings both")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in (*QUIET, f"--user-data-dir={tmp_path_factory.mktemp('profile')}", "--window-size=1280,900"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    opened = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        yield opened
    finally:
        opened.quit()
