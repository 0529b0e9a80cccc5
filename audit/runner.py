"""The whole story: load, predict, check, decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from audit import gate_id, shortcuts, soundness, stand_ins, standing, summary, wording
from audit.audit import LIMITS, Audit, storable
from audit.baseline import Baseline, Compared
from audit.checking import Findings, check_all
from audit.clock import now
from audit.errors import UsageError, did_you_mean
from audit.estimator import Estimator
from audit.exhibits import show
from audit.facts import cost, data_facts, model_facts, provenance, recordings, suite_facts
from audit.grammar.suite_reader import check_emotions
from audit.intake import check_device, open_session
from audit.judging import judge
from audit.ledger import Ledger
from audit.manifest import load_model
from audit.model import Model, as_found
from audit.progress import Progress, Unwatched
from audit.record import table
from audit.reliability import reliability_rows
from audit.stability import examine
from audit.suite import Check, Suite
from audit.unjudged import unjudged_row, why_unjudged


def run(
    suite: Suite,
    *,
    model: Model | None = None,
    only: str | None = None,
    limit: int | None = None,
    device: str = "cpu",
    batch_size: int = 32,
    media: Path | None = None,
    baseline: Baseline | None = None,
    progress: Progress | None = None,
    command: Sequence[str] | None = None,
) -> Audit:
    """Run a suite and return the audit.

    `model` takes the place of the suite's own (it is left as it came); `only` is `check` or `check/emotion`;
    `limit` judges that many clips; clips and pictures go into `media` (None for none); gates on changes compare with
    the `baseline`.
    Raises UsageError, ModelError or DataError where nothing could be judged at all.
    """
    started = now()
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
        assert suite.data is not None
        findings = check_all(checks, session, dataset, suite.data)
        records = table(findings.records, recordings(session))
        estimator = Estimator(records, judged.emotions, suite.groups, suite.decide)
        kept = findings.judged(checks)
        rows = summary.metric_rows(kept, estimator, findings.running)
        stands = findings.standings(kept, estimator)
        sound = findings.soundness(kept, estimator)
        best = summary.best_saliency(kept, estimator, stands)
        with judged.ledger.during("exhibits"):
            exhibits = show(kept, session, estimator, findings.explained, best["method"], media) if media else []
    asked = _asked(suite, checks, judged.emotions, only_emotion)
    left_out = _left_out(asked, findings)
    asked = [due for due in asked if due.method not in findings.left_out.get(due.check.id, ())]
    standing_caps, soundness_caps = standing.caps_of(stands), soundness.caps_of(sound)
    unjudged = [*([unjudged_row(None, None, unstable.reason)] if unstable else ()), *findings.unjudged()]
    verdicts = judge(
        asked,
        estimator,
        suite.decide,
        today=started.date(),
        error_of=lambda due: why_unjudged(unjudged, due.check.id, due.method),
        caps_of=lambda due: (*standing_caps(due), *soundness_caps(due)),
        compared=Compared(baseline, storable(suite.resolved), storable(model_row)) if baseline is not None else None,
        running=findings.running,
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
        reliability=reliability_rows(kept, estimator),
        best_saliency=best,
        cost=cost(judged.ledger),
        exhibits=exhibits,
        provenance=provenance(suite, started, device, batch_size, command),
        limits=(*LIMITS, *(wording.left_out(row) for row in left_out)),
        records=records,
        left_out=left_out,
        unjudged=unjudged,
        stand_ins=[asdict(each) for each in useless],
        soundness=[{**asdict(each), "outcome": each.outcome, "reason": each.reason} for each in sound],
        screens=[{"check": check, **run.summary} for check, run in findings.screened.items()],
        running_costs=[asdict(each) for each in findings.running.values()],
        baseline=baseline.row if baseline is not None else None,
        standings=[{**asdict(each), "outcome": each.outcome, "reason": each.reason} for each in stands],
        findings=[
            {**asdict(each), "told": str(each)}
            for each in (*([unstable] if unstable else ()), *shortcuts.found(kept, estimator, stands))
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
    # The clean predictions come along, without their gates: drops and new errors are counted from them. So do screens
    # whose findings a gate does not count.
    screened = any(gate.without for check in suite.checks if check.id == wanted for gate in check.gates)
    along = ["clean", *(check.id for check in suite.checks if check.kind == "data" and screened)]
    kept = [c if c.id == wanted else replace(c, gates=()) for c in suite.checks if c.id in (wanted, *along)]
    return tuple(kept), emotion or None


def _given(value: Path | None, what: str) -> Path:
    if value is None:
        raise UsageError(f"the suite names no {what}; give one with --{what}")
    return value


def _asked(
    suite: Suite, checks: Sequence[Check], emotions: Sequence[str], only_emotion: str | None
) -> list[gate_id.Due]:
    gated = {check.id for check in checks if check.gates}
    everything = gate_id.due(suite, emotions)
    return [due for due in everything if due.check.id in gated and only_emotion in (None, due.emotion)]


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
