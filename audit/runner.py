"""The whole story: load, predict, check, decide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from audit import gate_id, shortcuts, stand_ins, summary, wording
from audit.audit import LIMITS, Audit
from audit.checks import attack, change, clean, corruption, gradients
from audit.checks.saliency import SaliencyRun
from audit.checks.session import Session
from audit.data import Dataset
from audit.errors import AuditError, MethodError, UsageError, did_you_mean
from audit.estimate import Estimator
from audit.exhibits import show
from audit.facts import cost, data_facts, model_facts, provenance, suite_facts
from audit.grammar.suite_reader import check_emotions
from audit.intake import check_device, open_session
from audit.judging import judge
from audit.ledger import Ledger
from audit.manifest import load_model
from audit.model import Model, as_found
from audit.progress import Progress, Unwatched
from audit.record import Record, table
from audit.stability import examine
from audit.standing import Standing, caps_of, standings
from audit.suite import Check, Suite


@dataclass
class Findings:
    """What the checks brought together: records, saliency maps by check, what could not be judged, what was left out.

    `errors` holds a reason by check, `left_out` by check and method.
    """

    records: list[Record] = field(default_factory=list)
    explained: dict[str, SaliencyRun] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, dict[str, str]] = field(default_factory=dict)

    def error_of(self, due: gate_id.Due) -> str | None:
        """Return why a verdict cannot be given: the check ended in an error, or a saliency method refused."""
        explained = self.explained.get(due.check.id)
        refused = explained.refused.get(due.method) if explained else None
        return self.errors.get(due.check.id) or refused

    def judged(self, checks: Iterable[Check]) -> list[Check]:
        """Return the checks of which at least one method was tried."""
        skipped = [c.id for c in checks if len(self.left_out.get(c.id, ())) == len(c.uses) and c.uses]
        return [check for check in checks if check.id not in (*self.errors, *skipped)]


def run(
    suite: Suite,
    *,
    model: Model | None = None,
    only: str | None = None,
    limit: int | None = None,
    device: str = "cpu",
    batch_size: int = 32,
    media: Path | None = None,
    progress: Progress | None = None,
    command: Sequence[str] | None = None,
) -> Audit:
    """Run a suite and return the audit.

    `model` takes the place of the suite's own (it is left as it came); `only` is `check` or `check/emotion`;
    `limit` judges that many clips; clips and pictures go into `media` (None for none).
    Raises UsageError, ModelError or DataError where nothing could be judged at all.
    """
    started = datetime.now(UTC)
    bar = progress or Unwatched()
    checks, only_emotion = _selected(suite, only)
    judged = model or load_model(_given(suite.model, "model"))
    check_emotions(suite, judged.emotions)
    judged.ledger = Ledger()
    check_device(device)
    with as_found(judged, device):
        with judged.ledger.during("clean"):
            dataset, session = open_session(suite, judged, limit, batch_size, bar)
        model_row, data_row = model_facts(suite, judged, session), data_facts(suite, dataset, session)
        bar.announce(wording.header(model_row, data_row, suite.decide.cluster))
        with judged.ledger.during("stability"):
            unstable = examine(session)
        findings = _check_all(checks, session, dataset)
        records = table(findings.records)
        estimator = Estimator(records, judged.emotions, suite.groups, suite.decide)
        kept = findings.judged(checks)
        rows = summary.metric_rows(kept, estimator)
        standing = _standings(kept, estimator, findings)
        best = summary.best_saliency(kept, estimator, standing)
        with judged.ledger.during("exhibits"):
            exhibits = show(kept, session, estimator, findings.explained, best["method"], media) if media else []
    asked = _asked(suite, checks, judged.emotions, only_emotion)
    left_out = _left_out(asked, findings)
    asked = [due for due in asked if due.method not in findings.left_out.get(due.check.id, ())]
    verdicts = judge(
        asked,
        estimator,
        suite.decide,
        today=started.date(),
        error_of=lambda due: unstable.reason if unstable else findings.error_of(due),
        caps_of=caps_of(standing),
    )
    # Gates as a whole, also where one emotion is judged: a stand-in that says it of everything knows nothing yet.
    whole = _asked(suite, checks, judged.emotions, None)
    useless = stand_ins.judged(suite, whole, session.samples, judged.emotions, started.date())
    return Audit(
        suite=suite_facts(suite),
        model=model_row,
        data=data_row,
        decide={
            "confidence": suite.decide.confidence,
            "cluster": suite.decide.cluster,
            "when_unsure": suite.decide.when_unsure,
            "seed": suite.decide.seed,
        },
        verdicts=tuple(replace(v, toothless=stand_ins.passed_by(useless, v.id)) for v in verdicts),
        kinds={check.id: check.kind for check in checks},
        metrics=rows,
        confusions=summary.confusions(kept, estimator),
        best_saliency=best,
        cost=cost(judged.ledger),
        exhibits=exhibits,
        provenance=provenance(suite, started, device, batch_size, command),
        limits=(*LIMITS, *(wording.left_out(row) for row in left_out)),
        records=records,
        left_out=left_out,
        stand_ins=[asdict(each) for each in useless],
        standings=[{**asdict(each), "outcome": each.outcome, "reason": each.reason} for each in standing],
        findings=[
            {**asdict(each), "told": str(each)}
            for each in (*([unstable] if unstable else ()), *shortcuts.found(kept, estimator, standing))
        ],
    )


def _selected(suite: Suite, only: str | None) -> tuple[tuple[Check, ...], str | None]:
    if only is None:
        return suite.checks, None
    wanted, _, emotion = only.partition("/")
    ids = [check.id for check in suite.checks]
    if wanted not in ids:
        raise UsageError(
            f"--only: the suite has no check {wanted!r}{did_you_mean(wanted, ids)} (it has: {', '.join(ids)})"
        )
    # The clean predictions come along, without their gates: drops and new errors are counted from them.
    kept = [c if c.id == wanted else replace(c, gates=()) for c in suite.checks if c.id in (wanted, "clean")]
    return tuple(kept), emotion or None


def _given(value: Path | None, what: str) -> Path:
    if value is None:
        raise UsageError(f"the suite names no {what}; give one with --{what}")
    return value


def _check_all(checks: Sequence[Check], session: Session, dataset: Dataset) -> Findings:
    findings = Findings()
    if "clean" not in [check.id for check in checks]:
        findings.records.extend(clean.run(Check("clean", "clean"), session))
    for check in checks:
        with session.model.ledger.during(check.id):
            try:
                findings.records.extend(_records(check, session, dataset, findings))
            except AuditError as error:
                findings.errors[check.id] = str(error)
            finally:
                session.progress.end()
    return findings


def _records(check: Check, session: Session, dataset: Dataset, findings: Findings) -> list[Record]:
    if check.kind == "clean":
        session.progress.begin(check.id, clean.total(check, session))
        return list(clean.run(check, session))
    if check.kind == "saliency":
        truth, lacking = dataset.truth, _lacking(check, session, findings)
        explained = SaliencyRun(check, session, (lambda i: truth(session.samples[i])) if truth else None, lacking)
        findings.explained[check.id] = explained
        session.progress.begin(check.id, explained.total())
        return list(explained.records())
    session.progress.begin(check.id, change.total(check, session))
    if lacking := _lacking(check, session, findings):
        if check.id in findings.left_out:
            return []
        raise MethodError(*lacking.values())
    changes = corruption.changes if check.kind == "corruption" else attack.changes
    return list(change.judged(check, session, changes))


def _lacking(check: Check, session: Session, findings: Findings) -> dict[str, str]:
    lacking = gradients.lacking(check, session.model)
    if lacking and check.without_gradients == "leave_out":
        findings.left_out[check.id] = lacking
    return lacking


def _asked(
    suite: Suite, checks: Sequence[Check], emotions: Sequence[str], only_emotion: str | None
) -> list[gate_id.Due]:
    gated = {check.id for check in checks if check.gates}
    everything = gate_id.due(suite, emotions)
    return [due for due in everything if due.check.id in gated and only_emotion in (None, due.emotion)]


def _standings(checks: Sequence[Check], estimator: Estimator, findings: Findings) -> list[Standing]:
    return [
        standing
        for check in checks
        if (explained := findings.explained.get(check.id)) is not None
        for standing in standings(check, estimator, explained.refused, explained.untested)
        if standing.method not in findings.left_out.get(check.id, ())
    ]


def _left_out(asked: Sequence[gate_id.Due], findings: Findings) -> list[dict[str, Any]]:
    return [
        {
            "check": check,
            "method": method,
            "gates": [due.id for due in asked if due.check.id == check and due.method == method],
            "reason": reason,
        }
        for check, methods in findings.left_out.items()
        for method, reason in methods.items()
    ]
