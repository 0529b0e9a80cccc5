"""Reports drawn from audits that were never run, shared by the tests of a session."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from audit.kinds import import_file
from audit.report import html


@pytest.fixture(scope="session")
def fake() -> ModuleType:
    """The module that writes fake audits: `fake.write(folder, fake.Story(...))`."""
    return import_file(Path(__file__).with_name("fake_audit.py"))


@pytest.fixture(scope="session")
def failed_report(fake: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of an audit with FAIL, UNSURE, ERROR and PASS, media, and recordings that could not be used."""
    folder = fake.write(tmp_path_factory.mktemp("failed"), fake.Story(unjudged="white_noise", problems=3, exhibits=1))
    html.write(folder)
    return folder


@pytest.fixture(scope="session")
def passed_report(fake: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of an audit that passes every gate, without media and without a saliency check."""
    story = fake.Story(limits="lenient", saliency=False, exhibits=0)
    folder = fake.write(tmp_path_factory.mktemp("passed"), story)
    html.write(folder)
    return folder


@pytest.fixture(scope="session")
def hostile_report(fake: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report in which emotions and suite are named to break out of a page."""
    story = fake.Story(
        emotions=fake.HOSTILE, clips=12, exhibits=1, name='"<b onclick=alert(3)>x</b>"', region=fake.HOSTILE_REGION
    )
    folder = fake.write(tmp_path_factory.mktemp("hostile"), story)
    html.write(folder)
    return folder
