"""An earlier audit to compare with: which clips and checks both have, and what changed on them, clip by clip."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit import bounds
from audit.bootstrap import Floats, Statistic
from audit.errors import MethodError
from audit.estimate import Estimate
from audit.estimator import Estimator
from audit.gate_id import Due
from audit.intervals import LEAST_EFFECT, Bounds, Interval, reach
from audit.record import GROUP_PREFIX, RECORDING
from audit.tables import Tables
from audit.unjudged import why_unjudged

NOT_SETTINGS = ("gates", "id", "samples", "soundness_samples", "without_gradients")
CHANGES = ("accuracy_change", "recall_change", "uar_change")
SHOWN = 12
EQUAL = 1e-5
"""How far a probability of the same model may differ from machine to machine."""


class NotComparableError(MethodError):
    """Two audits, or one check of them, that cannot be compared.

    `what` differs: emotions, settings, data, or "" where one was not judged; `theirs` and `ours` are how each has it.
    `told` says so in a clause, without the `note` that the message adds.
    """

    def __init__(
        self, told: str, what: str = "", theirs: str | None = None, ours: str | None = None, *, note: str = ""
    ) -> None:
        super().__init__(f"not comparable: {told}{note}")
        self.told, self.what, self.theirs, self.ours = told, what, theirs, ours


@dataclass(frozen=True)
class Baseline:
    """A finished audit that another is compared with: its `audit.json` and its records; `path` is its folder."""

    path: str
    document: Mapping[str, Any]
    records: pd.DataFrame

    @cached_property
    def tables(self) -> Tables:
        """Its records."""
        return Tables(self.records)

    @property
    def row(self) -> dict[str, Any]:
        """What an audit says of its baseline."""
        model, data, suite = (self.document[part] for part in ("model", "data", "suite"))
        return {
            "path": self.path,
            "model": model["name"],
            "model_sha256": model["sha256"],
            "data_sha256": data["sha256"],
            "suite": suite["name"],
            "started": self.document["provenance"]["started"],
        }

    def before(
        self, now: Estimator, resolved: Mapping[str, Any], check: str, method: str, *, at: float | None, of: str | None
    ) -> pd.DataFrame:
        """Return its predictions of the clips that both audits have, in a check that both have.

        A clip is the same by its id, its emotion and its recording; its groups are those it has `now`. Raises
        NotComparableError, with the digests that differ, where the emotions, the check's settings or all of the
        recordings are others, and with the reason where the baseline could not be judged.
        """
        theirs = tuple(self.document["model"]["emotions"])
        if sorted(theirs) != sorted(now.emotions):
            ours = _few(now.emotions)
            told = f"the model knows {ours}, the baseline's {_few(theirs)}"
            raise NotComparableError(told, "emotions", _few(theirs), ours)
        here, there = (settings(one, check) for one in (resolved, self.document["suite"]["resolved"]))
        if here != there:
            told = "has no such check" if there is None else f"has other settings, {here} here and {there} there"
            raise NotComparableError(f"the baseline {told} ({check})", "settings", there, here)
        unjudged = why_unjudged(self.document.get("unjudged", ()), check, method)
        if unjudged is not None:
            raise NotComparableError(f"the baseline could not be judged: {unjudged}")
        after, before = now.predictions(check, at, of), self.tables.predictions(check, at, of)
        both = after.index.intersection(before.index)
        if RECORDING not in before.columns:
            raise NotComparableError("the baseline does not say which recordings it judged; run it again", "data")
        same = (after.loc[both, RECORDING] == before.loc[both, RECORDING]) & (
            after.loc[both, "emotion"] == before.loc[both, "emotion"]
        )
        if not same.any():
            digest = str(self.document["data"]["sha256"])
            what = "no clip is shared" if both.empty else f"the {len(both)} clips of the same name are other recordings"
            raise NotComparableError(what, "data", note=f" (the baseline's data is sha256 {digest[:SHOWN]})")
        shared = both[same.to_numpy()]
        return after.loc[shared].assign(**{said: before.loc[shared, said] for said in ("predicted", "probabilities")})


def settings(resolved: Mapping[str, Any], check: str) -> str | None:
    """Return a digest of all that makes a check's predictions comparable; None where a suite has no such check."""
    if check == "clean":
        return "clean"
    entry = next((entry for entry in resolved.get("checks", ()) if entry.get("id") == check), None)
    if entry is None:
        return None
    kept = {key: value for key, value in entry.items() if key not in NOT_SETTINGS}
    text = json.dumps([kept, resolved["decide"]["seed"]], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:SHOWN]


@dataclass(frozen=True)
class Compared:
    """What an audit is compared with: the baseline; and of the audit itself, its resolved suite and its model's row."""

    baseline: Baseline
    resolved: Mapping[str, Any]
    model: Mapping[str, Any]

    def same(self, after: pd.DataFrame, before: pd.DataFrame) -> bool:
        """Return whether the model is the baseline's: by its weights, input and emotions, and by every answer."""
        theirs = self.baseline.document["model"]
        # Older audits do not say what stood at the end of the network.
        if any(self.model.get(key) != theirs.get(key) for key in ("sha256", "input", "activation", "emotions")):
            return False
        answers = [np.array(table["probabilities"].tolist()) for table in (after, before)]
        return bool(np.abs(answers[0] - answers[1]).max() <= EQUAL)


def change(now: Estimator, compared: Compared | None, due: Due) -> Estimate:
    """Estimate what a gate's metric gained since the baseline, on the clips that both judged.

    Without a value where there is no baseline, or nothing to compare with; `why` says what differs.
    """
    if compared is None:
        return Estimate(None, None, 0, None, "no baseline to compare with; give one with --baseline DIR")
    gate = due.gate
    try:
        before = compared.baseline.before(now, compared.resolved, due.check.id, due.method, at=gate.at, of=gate.of)
    except NotComparableError as error:
        return Estimate(None, None, 0, None, str(error))
    after = now.predictions(due.check.id, gate.at, gate.of).loc[before.index]
    same = compared.same(after, before)
    return gained(now, before, after, gate.metric, emotion=due.emotion, group=due.group, same=same)


def gained(
    now: Estimator,
    before: pd.DataFrame,
    after: pd.DataFrame,
    metric: str,
    *,
    emotion: str | None = None,
    group: str | None = None,
    same: bool = False,
) -> Estimate:
    """Estimate what one of `CHANGES` gained from the predictions `before` to those `after`, of the same clips.

    `same` says that they are one model's.
    """
    if metric == "uar_change":
        found = _uar(now, after, before)
    else:
        found = now.lost(after, before, emotion=emotion, group=group)
    if not found.n:
        return replace(found, why=f"no clips of {emotion or group} to compare")
    if same:
        # Nothing was changed, so that there is nothing to be unsure of.
        return Estimate(0.0, (0.0, 0.0), found.n, None)
    return found


def _uar(now: Estimator, after: pd.DataFrame, before: pd.DataFrame) -> Estimate:
    gained = (after["predicted"] == after["emotion"]).astype(float) - (before["predicted"] == before["emotion"])
    of_emotion = np.stack([(after["emotion"] == emotion).to_numpy(np.float64) for emotion in now.emotions], axis=1)
    rows = np.concatenate([of_emotion, of_emotion * gained.to_numpy(np.float64)[:, None]], axis=1)
    k = len(now.emotions)

    def statistic(sums: Floats) -> Floats:
        clips, total = sums[..., :k], sums[..., k:]
        shares = np.divide(total, clips, out=np.zeros_like(total), where=clips > 0)
        return np.asarray(shares.sum(axis=-1) / (clips > 0).sum(axis=-1))

    error = _standard_error(gained.to_numpy(np.float64), of_emotion, _clusters(now, after))

    def of_mean(sampled: bounds.Sampled, formula: Statistic) -> Bounds | None:
        drawn = bounds.of_score(sampled, formula, draws=now.decide.bootstrap, seed=now.decide.seed)
        if drawn is None:
            return None
        value = float(formula(sampled.repeats @ sampled.rows))

        def widened(confidence: float) -> Interval:
            # Few speakers who happen to gain alike look as if all speakers there are gained just that.
            (low, high), off = drawn(confidence), reach(confidence, sampled.units - 1) * error
            return max(min(low, value - off), -1.0), min(max(high, value + off), 1.0)

        return widened

    return now.estimated(rows, after, statistic, of_mean)


def _clusters(now: Estimator, table: pd.DataFrame) -> NDArray[np.intp] | None:
    if now.decide.cluster is None:
        return None
    codes, _ = pd.factorize(table[GROUP_PREFIX + now.decide.cluster].to_numpy(dtype=object))
    return np.asarray(codes)


def _standard_error(gained: Floats, of_emotion: Floats, clusters: NDArray[np.intp] | None) -> float:
    """Return the standard error of a mean over emotions of their clips' mean gains, by linearisation.

    `of_emotion` (n, emotions) says which emotion a clip shows. Clustered, it is that of clusters, and at least what a
    design effect of `LEAST_EFFECT` leaves of the one that clips alone would have.
    """
    clips = of_emotion.sum(axis=0)
    shown = clips > 0
    means = np.divide(of_emotion.T @ gained, clips, out=np.zeros_like(clips), where=shown)
    weight = of_emotion @ np.divide(1.0, clips, out=np.zeros_like(clips), where=shown) / shown.sum()
    off = weight * (gained - of_emotion @ means)
    alone = float((off**2).sum()) * len(off) / max(len(off) - 1, 1)
    if clusters is None:
        return math.sqrt(alone)
    sums = np.bincount(clusters, weights=off)
    together = float((sums**2).sum()) * len(sums) / max(len(sums) - 1, 1)
    return math.sqrt(max(together, LEAST_EFFECT * alone))


def _few(names: Sequence[str]) -> str:
    return ", ".join(sorted(names))
