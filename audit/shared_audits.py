"""Audits that many tests ask for and that run once, in one process or agreed on among several."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from filelock import FileLock

from audit import landing
from audit.answers import Answers
from audit.audit import Audit, read_document
from audit.defect import explain
from audit.errors import AuditError
from audit.suite import Suite
from audit.wording import near


class SharedAudits:
    """Runs suites through `run`, each once, with their reports in `reports`.

    Processes that are given the same folder `shared` run each audit once between them. `options` are the
    command-line words that, with the suite, would run the same audit.
    """

    def __init__(
        self, run: Callable[..., Audit], *, reports: Path, options: Sequence[str], shared: Path | None
    ) -> None:
        self._run, self._reports, self._options, self._shared = run, reports, options, shared
        self._found: dict[tuple[Path, str | None], Answers | str] = {}

    def of(self, suite: Suite, only: str | None) -> Answers | str:
        """Return the audit of a suite, or of one check of it, or the reason why there is none."""
        whole = self._found.get((suite.path, None))
        if isinstance(whole, Answers):
            return whole
        key = (suite.path, only)
        if key not in self._found:
            self._found[key] = self._agreed(suite, only)
        return self._found[key]

    def _agreed(self, suite: Suite, only: str | None) -> Answers | str:
        if self._shared is None:
            return self._result(self._once(suite, only))
        name = hashlib.sha256(f"{suite.path}\0{only}".encode()).hexdigest()[:16]
        told = self._shared / f"{name}.json"
        # A process that dies gives its lock up, and the next one runs the audit.
        with FileLock(self._shared / f"{name}.lock"):
            if not told.exists():
                told.write_text(json.dumps(self._once(suite, only)), encoding="utf-8")
            return self._result(json.loads(told.read_text(encoding="utf-8")))

    @staticmethod
    def _result(outcome: dict[str, str]) -> Answers | str:
        if "error" in outcome:
            return outcome["error"]
        folder = Path(outcome["folder"])
        return Answers(read_document(folder), folder)

    def _once(self, suite: Suite, only: str | None) -> dict[str, str]:
        """Return the folder of a finished audit, or the error that kept it from one; both can be told to others."""
        try:
            # The warnings of libraries are shown, and never errors here, whatever the project's tests are set to.
            with warnings.catch_warnings():
                warnings.simplefilter("default")
                return {"folder": str(self._landed(suite, only))}
        except AuditError as error:
            return {"error": str(error)}
        except Exception as error:
            return {"error": explain(error)}

    def _landed(self, suite: Suite, only: str | None) -> Path:
        command = ["audit", "run", near(suite.path), *self._options, *(["--only", only] if only else [])]
        beside = self._reports / landing.folder_for(suite.name, "x").parent
        with landing.staged(beside) as staging:
            audit = self._run(suite, only=only, media=staging / "media", command=command)
            folder = self._reports / landing.folder_for(suite.name, str(audit.model["name"]), only=only)
            landing.land(audit, staging, folder)
        return folder
