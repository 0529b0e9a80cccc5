"""The numbers of one audit, asked for by name: `recall("sadness", check="fgsm", at=0.01)`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from audit.errors import AuditError, UsageError, did_you_mean

ASKED: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "check": lambda row: row["check"],
    "emotion": lambda row: row["emotion"],
    "group": lambda row: row["group"],
    "at": lambda row: row["at"],
    "of": lambda row: row["method"],
    "by": lambda row: row["measure"].partition("/")[0],
    "fill": lambda row: row["measure"].rpartition("/")[2],
    "region": lambda row: row["measure"],
    "after": lambda row: row["measure"],
    "across": lambda row: row["measure"],
}


GAPS = ("accuracy_gap", "recall_gap", "share_gap")


class Answers:
    """One finished audit: every metric it measured is a method that returns a float.

    `accuracy()`, `recall("fear")`, `uar(check="gaussian_noise", at=0.05)`, `critical_epsilon(check="fgsm")`,
    `faithfulness("fear", of="lime")`; without `check`, the clean one, or the only one that has the metric; the same
    holds of `at` and `of` where there is but one.
    """

    def __init__(self, document: Mapping[str, Any], folder: Path | None = None) -> None:
        self.document, self.folder = document, folder

    @property
    def passed(self) -> bool:
        """Whether every gate of the suite passed, or is unsure where that does not block."""
        return bool(self.document["passed"])

    def __getattr__(self, metric: str) -> Callable[..., float]:
        """Return `value` for one metric; AttributeError with the nearest name for one that was not measured."""
        known = (
            {row["metric"] for row in self.__dict__["document"]["metrics"]} if "document" in self.__dict__ else set()
        )
        if metric not in known:
            raise AttributeError(
                f"the audit measured no {metric!r}{did_you_mean(metric, known)} (it has: {', '.join(sorted(known))})"
            )
        return partial(self.value, metric)

    def value(
        self,
        metric: str,
        emotion: str | None = None,
        *,
        check: str | None = None,
        group: str | None = None,
        at: float | None = None,
        of: str | None = None,
        by: str | None = None,
        fill: str | None = None,
        region: str | None = None,
        after: str | None = None,
        across: str | None = None,
    ) -> float:
        """Return one metric of a check at a severity `at`, over all clips or for one emotion or group.

        `of` names a saliency method, or one attack of several; of maps, `by` names the score and `fill` what hid the
        cells (the first of the suite where not given), `region` a region, `after` a sanity test; of gaps `across` names
        the column. Infinite where the quantity lies beyond what was tested. Raises UsageError, with the nearest name,
        for what was not measured, and AuditError for what could not be.
        """
        # What one attack of several found alone is asked for by its name.
        found = [row for row in self.document["metrics"] if row["metric"] == metric]
        rows = [row for row in found if row["measure"] != "alone" or row["method"] == of]
        if check is None:
            checks = list(dict.fromkeys(row["check"] for row in rows))
            if "clean" not in checks and len(checks) != 1:
                raise UsageError(f"{metric} needs check= (it was measured by: {', '.join(checks)})")
            check = "clean" if "clean" in checks else checks[0]
        rows = _narrowed(rows, metric, "check", check)
        rows = _narrowed(rows, metric, "emotion", emotion)
        rows = _narrowed(rows, metric, "group", group)
        for asked, given in (("by", by), ("fill", fill), ("region", region), ("after", after)):
            if given is not None:
                rows = _narrowed(rows, metric, asked, given)
        if across is not None or (metric in GAPS and len({row["measure"] for row in rows}) > 1):
            rows = _narrowed(rows, metric, "across", across)
        if at is not None or len({row["at"] for row in rows}) > 1:
            rows = _narrowed(rows, metric, "at", at)
        if of is not None or len({row["method"] for row in rows}) > 1:
            rows = _narrowed(rows, metric, "of", of)
        row = rows[0]
        if row["value"] is None and row["interval"] is None:
            raise AuditError(f"{metric} of {check} could not be computed on the {row['n']} clips there are")
        return math.inf if row["value"] is None else float(row["value"])


def _narrowed(rows: list[Any], metric: str, asked: str, given: Any) -> list[Any]:
    of = ASKED[asked]
    kept = [row for row in rows if _same(of(row), given)]
    if kept:
        return kept
    known = list(dict.fromkeys("none" if of(row) is None else str(of(row)) for row in rows))
    there = f"there are: {', '.join(known)}"
    if given is None:
        raise UsageError(f"{metric} needs {asked}= ({there})")
    raise UsageError(f"{metric} was not measured with {asked}={given!r}{did_you_mean(given, known)} ({there})")


def _same(found: Any, given: Any) -> bool:
    if isinstance(found, int | float) and isinstance(given, int | float):
        return math.isclose(found, given, rel_tol=1e-9)
    return bool(found == given)
