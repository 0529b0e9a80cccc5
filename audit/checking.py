"""Every check carried out on a session: the records, and what could not be judged and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from audit.checks import attack, change, clean, corruption, cost, gradients, soundness
from audit.checks.data import DataRun
from audit.checks.saliency import SaliencyRun
from audit.checks.session import Session
from audit.data import Dataset
from audit.dataset import open_train
from audit.errors import AuditError, MethodError
from audit.estimator import Estimator
from audit.record import SOUNDNESS, Record
from audit.running_cost import RunningCost
from audit.soundness import Soundness, soundness_of
from audit.standing import Standing, standings
from audit.suite import Check, DataSource
from audit.unjudged import unjudged_row

UNRECOGNISED = "no input is recognised when clean, and what is wrong already cannot be attacked"


@dataclass
class Findings:
    """What the checks brought together: records, saliency maps and screens by check, what could not be judged.

    What the model costs to run is no record, by check too: no two runs measure the same, and records repeat.
    `errors` holds a reason by check, `left_out` by check and method, `untested` why the soundness of an attack check
    could not be tested.
    """

    records: list[Record] = field(default_factory=list)
    explained: dict[str, SaliencyRun] = field(default_factory=dict)
    screened: dict[str, DataRun] = field(default_factory=dict)
    running: dict[str, RunningCost] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, dict[str, str]] = field(default_factory=dict)
    untested: dict[str, str] = field(default_factory=dict)

    def unjudged(self) -> Iterator[dict[str, Any]]:
        """Yield why verdicts cannot be given: the checks that ended in an error, then the methods that refused."""
        for check, reason in self.errors.items():
            yield unjudged_row(check, None, reason)
        refused = {check: run.refused for check, run in self.explained.items()}
        refused |= {check: run.refused for check, run in self.screened.items()}
        for check, methods in refused.items():
            for method, reason in methods.items():
                yield unjudged_row(check, method, reason)

    def judged(self, checks: Iterable[Check]) -> list[Check]:
        """Return the checks of which at least one method was tried."""
        skipped = [c.id for c in checks if len(self.left_out.get(c.id, ())) == len(c.uses) and c.uses]
        return [check for check in checks if check.id not in (*self.errors, *skipped)]

    def standings(self, checks: Iterable[Check], estimator: Estimator) -> list[Standing]:
        """Return the standing of every saliency method that was not left out."""
        return [
            standing
            for check in checks
            if (explained := self.explained.get(check.id)) is not None
            for standing in standings(check, estimator, explained.refused, explained.untested)
            if standing.method not in self.left_out.get(check.id, ())
        ]

    def soundness(self, checks: Iterable[Check], estimator: Estimator) -> list[Soundness]:
        """Return what the tests of every attack check say."""
        return [
            soundness_of(check, estimator, self.untested.get(check.id, ""))
            for check in checks
            if check.kind == "attack"
        ]


def check_all(checks: Sequence[Check], session: Session, dataset: Dataset, source: DataSource) -> Findings:
    """Carry the checks out, in their order; clean predictions are always among the records.

    A check that cannot be carried out ends in `errors`, and the next begins.
    """
    findings = Findings()
    if "clean" not in [check.id for check in checks]:
        findings.records.extend(clean.run(Check("clean", "clean"), session))
    for check in checks:
        with session.model.ledger.during(check.id):
            try:
                findings.records.extend(_records(check, session, dataset, source, findings))
            except AuditError as error:
                findings.errors[check.id] = str(error)
            finally:
                session.progress.end()
    return findings


def _records(check: Check, session: Session, dataset: Dataset, source: DataSource, findings: Findings) -> list[Record]:
    if check.kind == "clean":
        session.progress.begin(check.id, clean.total(check, session))
        return list(clean.run(check, session))
    if check.kind == "data":
        screened = DataRun(check, session, dataset, open_train(source, session.model.emotions))
        findings.screened[check.id] = screened
        session.progress.begin(check.id, screened.total())
        return list(screened.records())
    if check.kind == "cost":
        session.progress.begin(check.id, cost.total(check))
        findings.running[check.id] = cost.timed(check, session)
        return []
    if check.kind == "saliency":
        truth, lacking = dataset.truth, _lacking(check, session, findings)
        explained = SaliencyRun(check, session, (lambda i: truth(session.samples[i])) if truth else None, lacking)
        findings.explained[check.id] = explained
        session.progress.begin(check.id, explained.total())
        return list(explained.records())
    session.progress.begin(check.id, change.total(check, session))
    if check.kind == "corruption":
        return list(change.judged(check, session, corruption.changes))
    return _attacked(check, session, findings)


def _attacked(check: Check, session: Session, findings: Findings) -> list[Record]:
    lacking = _lacking(check, session, findings)
    if lacking and check.id not in findings.left_out:
        raise MethodError("; ".join(lacking.values()))
    if len(lacking) == len(check.uses):
        return []
    records = list(change.judged(check, session, partial(attack.changes, without=lacking)))
    try:
        with session.model.ledger.during(f"{check.id}/{SOUNDNESS}"):
            tests = list(soundness.probed(check, session))
    except MethodError as error:
        findings.untested[check.id] = str(error)
        return records
    if not tests:
        findings.untested[check.id] = UNRECOGNISED
    return [*records, *tests]


def _lacking(check: Check, session: Session, findings: Findings) -> dict[str, str]:
    lacking = gradients.lacking(check, session.model)
    if lacking and check.without_gradients == "leave_out":
        findings.left_out[check.id] = lacking
    return lacking
