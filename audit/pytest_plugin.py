"""Suites as pytest items, one per gate and emotion, and the `audit` fixture.

pytest imports this at every start, in every project that has it installed: nothing heavy is imported before a suite
is collected, and torch not before one is run.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from audit.answers import Answers
    from audit.gate_id import Due
    from audit.shared_audits import SharedAudits
    from audit.suite import Suite

SUFFIX = ".audit.yaml"
AUDITS: pytest.StashKey[SharedAudits] = pytest.StashKey()
SHARED: pytest.StashKey[Path] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer what stands in for a suite's own model and data, and where reports go."""
    group = parser.getgroup("audit", "audits of emotion-recognition models (*.audit.yaml)")
    group.addoption("--audit-model", metavar="M", help="the model's *.model.yaml, in place of the suites' own")
    group.addoption("--audit-data", metavar="ROOT", help="the data's folder, in place of the suites' own")
    group.addoption("--audit-out", metavar="DIR", help="where reports go, as SUITE/MODEL (default: reports in rootdir)")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect *.audit.yaml, and no other YAML."""
    return SuiteFile.from_parent(parent, path=file_path) if file_path.name.endswith(SUFFIX) else None


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give every pytest-xdist worker the folder in which they agree on who runs an audit."""
    config: pytest.Config = node.config
    if SHARED not in config.stash:
        config.stash[SHARED] = Path(tempfile.mkdtemp(prefix="audit-shared-"))
    node.workerinput["audit_shared"] = str(config.stash[SHARED])


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove that folder."""
    if SHARED in config.stash:
        shutil.rmtree(config.stash[SHARED], ignore_errors=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say where the reports lie, and what is unsure although it does not block."""
    found = [dict(report.user_properties) for reports in terminalreporter.stats.values() for report in reports
             if hasattr(report, "user_properties")]  # fmt: skip
    told = dict.fromkeys(f"report  {row['audit_report']}" for row in found if "audit_report" in row)
    told |= dict.fromkeys(row["audit_unsure"] for row in found if "audit_unsure" in row)
    if told:
        terminalreporter.section("audit")
        for line in told:
            terminalreporter.line(str(line))


class SuiteFile(pytest.File):
    """One suite; its children are checks."""

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        """Yield the suite's checks; only the suite and the model's manifest are read."""
        from audit.errors import AuditError
        from audit.gate_id import due
        from audit.grammar.suite_reader import check_emotions
        from audit.manifest import check_manifest

        try:
            suite = read(self.config, self.path)
            emotions = check_manifest(suite.model) if suite.model is not None else ("each-emotion",)
            if suite.model is not None:
                check_emotions(suite, emotions)
        except AuditError as error:
            raise self.CollectError(str(error)) from None
        yield from _children(self, suite, due(suite, emotions), 0)


class Part(pytest.Collector):
    """A check, or a gate of it that is judged per emotion or group."""

    def __init__(self, *, suite: Suite, asked: Sequence[Due], depth: int, **keys: Any) -> None:
        super().__init__(**keys)
        self.suite, self.asked, self.depth = suite, asked, depth

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        """Yield gates, or emotions."""
        yield from _children(self, self.suite, self.asked, self.depth)


class GateItem(pytest.Item):
    """One gate, for one emotion or group where it is judged for each."""

    def __init__(self, *, suite: Suite, asked: Due, **keys: Any) -> None:
        super().__init__(**keys)
        self.suite, self.asked = suite, asked
        self._row: Mapping[str, Any] = {}

    def setup(self) -> None:
        """Run the suite's audit, unless it has been; what could not be judged is an error here, and no failure."""
        from audit.console import block
        from audit.wording import left_out, near, sentence

        for what in ("model", "data"):
            if getattr(self.suite, what) is None:
                pytest.fail(f"{self.path.name} names no {what}; give one with --audit-{what}", pytrace=False)
        answers = audits(self.config).of(self.suite, self._only())
        if isinstance(answers, str):
            pytest.fail(answers, pytrace=False)
        assert answers.folder is not None
        self._document, self._folder = answers.document, answers.folder
        self.user_properties.append(("audit_report", near(answers.folder / "index.html")))
        rows = [row for row in self._document["verdicts"] if row["id"] == self.asked.id]
        left = [row for row in self._document["left_out"] if self.asked.id in row["gates"]]
        if left and not self._document["verdicts"]:
            # Skipped alone, pytest would end well: but nothing was decided.
            pytest.fail(f"{sentence(self._document)}: {left_out(left[0])}", pytrace=False)
        if left:
            pytest.skip(left_out(left[0]))
        if not rows:
            pytest.fail(f"the audit gave no verdict on {self.asked.id}: the data holds no clip of it", pytrace=False)
        self._row = rows[0]
        if self._row["outcome"] == "ERROR" and self._row["blocks"]:
            pytest.fail("\n".join(block(self._row, self._document, self._folder)), pytrace=False)

    def runtest(self) -> None:
        """Fail with what a console shows; unsure fails where the suite says so."""
        from audit.console import block

        lines = block(self._row, self._document, self._folder)
        if self._row["blocks"]:
            pytest.fail("\n".join(lines), pytrace=False)
        if self._row["outcome"] != "PASS":
            self.user_properties.append(("audit_unsure", "\n".join(lines)))

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return where the gate is written."""
        place = self.asked.gate.place
        # pytest takes dots in a name that ends the node id for those of a Python path.
        name = self.nodeid.partition("::")[2].replace("::", " > ")
        return self.path, place.line - 1 if place else None, name

    def _only(self) -> str | None:
        """Return the one check that is asked of this suite, or None where there are several."""
        asked = {
            item.asked.check.id for item in self.session.items if isinstance(item, GateItem) and item.path == self.path
        }
        return asked.pop() if len(asked) == 1 and len(self.suite.checks) > 1 else None


def _children(
    parent: pytest.Collector, suite: Suite, asked: Sequence[Due], depth: int
) -> Iterator[pytest.Item | pytest.Collector]:
    for name, group in itertools.groupby(asked, key=lambda one: one.parts[depth]):
        members = tuple(group)
        if len(members[0].parts) == depth + 1 or (suite.model is None and depth == 1):
            yield GateItem.from_parent(parent, name=name, suite=suite, asked=members[0])
        else:
            yield Part.from_parent(parent, name=name, suite=suite, asked=members, depth=depth + 1)


@pytest.fixture
def audit(request: pytest.FixtureRequest) -> Callable[[str | Path], Answers]:
    """Run a suite, once per session, and ask for its numbers.

    `audit("suites/x.audit.yaml").recall("sadness", check="fgsm", at=0.01)`; the path is relative to the test's file,
    or to pytest's rootdir.
    """

    def judged(path: str | Path) -> Answers:
        __tracebackhide__ = True
        from audit.errors import AuditError

        beside = request.path.parent / path
        suite = read(request.config, beside if beside.exists() else request.config.rootpath / path)
        found = audits(request.config).of(suite, None)
        if isinstance(found, str):
            raise AuditError(found)
        return found

    return judged


def read(config: pytest.Config, path: Path) -> Suite:
    """Return a suite with the model and data of the command line, relative to where pytest was started."""
    from audit.suite import read_suite

    here = config.invocation_params.dir
    model, data = config.getoption("--audit-model"), config.getoption("--audit-data")
    return read_suite(path, model=here / model if model else None, data=here / data if data else None)


def audits(config: pytest.Config) -> SharedAudits:
    """Return the session's audits."""
    if AUDITS not in config.stash:
        from audit.runner import run
        from audit.shared_audits import SharedAudits

        out = config.getoption("--audit-out")
        shared = getattr(config, "workerinput", {}).get("audit_shared")
        config.stash[AUDITS] = SharedAudits(
            run,
            reports=config.invocation_params.dir / out if out else config.rootpath / "reports",
            options=[
                word
                for what in ("model", "data")
                if config.getoption(f"--audit-{what}")
                for word in (f"--{what}", str(config.getoption(f"--audit-{what}")))
            ],
            shared=Path(shared) if shared else None,
        )
    return config.stash[AUDITS]
