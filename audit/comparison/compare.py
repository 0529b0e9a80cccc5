"""Two finished audits beside each other: what changed from A to B on the clips that both judged, pair by pair."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pandas as pd

from audit.baseline import SHOWN, Baseline, Compared, NotComparableError, gained, settings
from audit.estimate import Estimate
from audit.estimator import Estimator
from audit.multiplicity import holm
from audit.record import GROUP_PREFIX
from audit.suite import STRONGEST, Decide
from audit.unjudged import why_unjudged

Row = Mapping[str, Any]
CLEAN = "clean"
SWEPT = ("corruption", "attack")


@dataclass(frozen=True)
class Difference:
    """What B's accuracy, UAR or recall is more than A's: `found`, in pairs of the same clips.

    `a` and `b` are the values on these clips. `error` is that of calling them different, `held` the same as one of all
    differences of the comparison (Holm 1979).
    """

    check: str
    kind: str
    at: float | None
    metric: str
    emotion: str | None
    a: Estimate
    b: Estimate
    found: Estimate
    error: float = 1.0
    held: float = 1.0

    @property
    def gain(self) -> float:
        """What B has more."""
        return self.found.value or 0.0

    @property
    def excludes_none(self) -> bool:
        """Whether its own interval excludes that nothing changed."""
        return self.found.interval is not None and not self.found.interval[0] <= 0.0 <= self.found.interval[1]

    @property
    def of(self) -> tuple[str, float | None, str, str | None]:
        """What it is of: (check, severity, metric, emotion)."""
        return self.check, self.at, self.metric, self.emotion


@dataclass(frozen=True)
class Refused:
    """A check that cannot be compared: `what` differs (emotions, settings, data; "" for another reason), and how."""

    check: str
    kind: str
    what: str
    a: str
    b: str
    reason: str


@dataclass(frozen=True)
class Comparison:
    """Two audits, and what can be said of both: `decide` is how intervals are made, `refused` what is not comparable.

    `only_a` and `only_b` are the checks that only one of them has.
    """

    a: Baseline
    b: Baseline
    decide: Decide
    differences: tuple[Difference, ...]
    refused: tuple[Refused, ...]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]

    @property
    def alpha(self) -> float:
        """The chance that even one of the differences that hold is none."""
        return 1.0 - self.decide.confidence

    @cached_property
    def apart(self) -> tuple[Difference, ...]:
        """The differences whose own interval excludes 0."""
        return tuple(each for each in self.differences if each.excludes_none)

    @cached_property
    def holding(self) -> tuple[Difference, ...]:
        """The differences that hold over all of them together, the largest first."""
        found = [each for each in self.differences if self.holds(each)]
        return tuple(sorted(found, key=lambda each: -abs(each.gain)))

    def holds(self, difference: Difference) -> bool:
        """Return whether a difference holds over all of them together."""
        return difference.excludes_none and difference.held <= self.alpha

    def all(self, check: str, *, metric: str | None = None, at: float | None = None) -> list[Difference]:
        """Return the differences of a check, or of a metric of it, or those at one severity."""
        return [
            each
            for each in self.differences
            if each.check == check and metric in (None, each.metric) and at in (None, each.at)
        ]

    @cached_property
    def checks(self) -> tuple[str, ...]:
        """The checks of predictions that could be compared, in the order of B."""
        return tuple(dict.fromkeys(each.check for each in self.differences))

    @property
    def clean(self) -> Difference | None:
        """What changed of accuracy on clean clips; None where that cannot be compared."""
        return next(iter(self.all(CLEAN, metric="accuracy")), None)

    def is_refused(self, check: str) -> bool:
        """Return whether a check cannot be compared."""
        return any(each.check == check for each in self.refused) or check in (*self.only_a, *self.only_b)


def compare(a: Baseline, b: Baseline) -> Comparison:
    """Return what changed from `a` to `b`: accuracy, UAR and recalls in pairs, clean and at every severity.

    Intervals are of the confidence that B's suite asks for, and clustered where either suite's are and B knows the
    clusters. A check with other emotions, settings or recordings is `refused`; nothing is raised.
    """
    resolved = b.document["suite"]["resolved"]
    decide = _decide(a, b)
    now = Estimator(b.records, b.document["model"]["emotions"], resolved.get("groups", {}), decide)
    of_a, of_b = _checks(a), _checks(b)
    differences: list[Difference] = []
    refused: list[Refused] = []
    for check, kind in of_b.items():
        if check not in of_a:
            continue
        try:
            _both_judged(a, b, check)
            if kind in (CLEAN, *SWEPT):
                differences += _of_check(now, Compared(a, resolved, b.document["model"]), check, kind)
        except NotComparableError as error:
            refused.append(_refused(error, check, kind, a, b))
    return Comparison(
        a=a,
        b=b,
        decide=decide,
        differences=tuple(_held(differences)),
        refused=tuple(refused),
        only_a=tuple(check for check in of_a if check not in of_b),
        only_b=tuple(check for check in of_b if check not in of_a),
    )


def _decide(a: Baseline, b: Baseline) -> Decide:
    own, other = (Decide(**each.document["suite"]["resolved"]["decide"]) for each in (b, a))
    column = GROUP_PREFIX + str(other.cluster)
    # A clip without a speaker would be counted to another's.
    if own.cluster is None and column in b.records.columns and bool(b.records[column].notna().all()):
        return replace(own, cluster=other.cluster)
    return own


def _checks(audit: Baseline) -> dict[str, str]:
    """Return the checks of an audit that were run, and the kind of each; its clean answers always are."""
    entries = audit.document["suite"]["resolved"].get("checks", ())
    run = {row["check"] for part in ("verdicts", "metrics", "unjudged") for row in audit.document.get(part, ())}
    return {CLEAN: CLEAN, **{entry["id"]: entry["check"] for entry in entries if entry["id"] in run}}


def _both_judged(a: Baseline, b: Baseline, check: str) -> None:
    """Raise NotComparableError where two checks are not alike, or one of them was not judged."""
    theirs, ours = (tuple(sorted(each.document["model"]["emotions"])) for each in (a, b))
    if theirs != ours:
        names = [", ".join(each) for each in (theirs, ours)]
        raise NotComparableError("other emotions", "emotions", *names)
    there, here = (settings(each.document["suite"]["resolved"], check) for each in (a, b))
    if there != here:
        raise NotComparableError("other settings", "settings", there, here)
    for name, audit in (("A", a), ("B", b)):
        unjudged = why_unjudged(audit.document.get("unjudged", ()), check, _method(audit, check))
        if unjudged is not None:
            raise NotComparableError(f"{name} could not be judged: {unjudged}")


def _of_check(now: Estimator, compared: Compared, check: str, kind: str) -> Iterator[Difference]:
    severities: Sequence[float | None] = [None] if kind == CLEAN else now.severities(check)
    for at in severities:
        method = _method(compared.baseline, check)
        before = compared.baseline.before(now, compared.resolved, check, method, at=at, of=None)
        after = now.predictions(check, at).loc[before.index]
        same = compared.same(after, before)
        before, after = (_answers(table, now.decide.cluster) for table in (before, after))
        asked: list[tuple[str, str | None]] = [("accuracy", None), ("uar", None)]
        counts = after["emotion"].value_counts()
        asked += [("recall", emotion) for emotion in now.emotions if emotion in counts.index]
        for metric, emotion in asked:
            # Of as many clips of every emotion UAR is accuracy, and must not come with another interval.
            gains = "accuracy" if metric == "uar" and counts.nunique() == 1 else metric
            found = gained(now, before, after, f"{gains}_change", emotion=emotion, same=same)
            a, b = (now.recognised(table, metric, emotion=emotion) for table in (before, after))
            yield Difference(check, kind, at, metric, emotion, a, b, found)


def _answers(table: pd.DataFrame, cluster: str | None) -> pd.DataFrame:
    """Return what is counted of predictions; plain objects, which are taken by the hundred faster than Arrow's."""
    wanted = ["emotion", "predicted", *([] if cluster is None else [GROUP_PREFIX + cluster])]
    return table[wanted].astype(object)


def _method(audit: Baseline, check: str) -> str:
    """Return what a check's predictions are after: its method, of several the strongest."""
    entries = audit.document["suite"]["resolved"].get("checks", ())
    method = next((entry.get("method", check) for entry in entries if entry["id"] == check), check)
    return method.rpartition(":")[2] if isinstance(method, str) else STRONGEST


def _held(differences: Sequence[Difference]) -> Iterator[Difference]:
    # Of either sign: twice the smaller error of calling it more, or less.
    errors = [
        min(1.0, 2 * min(each.found.errors(None, 0.0)[1], each.found.errors(0.0, None)[1])) for each in differences
    ]
    for each, error, held in zip(differences, errors, holm(errors), strict=True):
        yield replace(each, error=error, held=held)


def _refused(error: NotComparableError, check: str, kind: str, a: Baseline, b: Baseline) -> Refused:
    if error.what == "data":
        theirs, ours = (f"sha256 {str(each.document['data']['sha256'])[:SHOWN]}" for each in (a, b))
    else:
        theirs, ours = error.theirs or "", error.ours or ""
    return Refused(check, kind, error.what, theirs, ours, error.told)
