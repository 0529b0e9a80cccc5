"""Changes since an earlier audit: paired clip by clip, and refused with the reason where the audits are not alike."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from audit.baseline import Baseline, Compared
from audit.data import Sample
from audit.estimate import Estimate
from audit.estimator import Estimator
from audit.gate_id import Due
from audit.record import Record, table
from audit.suite import Check, Decide, Gate
from audit.verdict import measure

EMOTIONS = ("anger", "fear")
CLIPS = 200
NOISE = {"check": "corruption", "id": "noise", "method": "gaussian_noise", "sweep": {"sigma": [0.1]}, "gates": []}
LISTED = {"check": "attack", "id": "listed", "method": [{"strong": {}}, {"weak": {}}], "gates": []}
RESOLVED = {"decide": {"seed": 0}, "checks": [{"check": "clean", "id": "clean", "gates": []}, NOISE, LISTED]}
MODEL = {"sha256": "a" * 64, "input": {}, "activation": None, "name": "m", "emotions": list(EMOTIONS)}
INDICES = range(CLIPS)


def records(wrong: set[int], *, recording: str = "r", clips: range = INDICES, speakers: int = 0) -> Any:
    """Return clean and noisy answers of which those are wrong; even clips are angry, odd ones afraid.

    The attack `listed` has two methods: the strong one is always wrong, the weak one as wrong as noise.
    """
    found = []
    for n in clips:
        emotion = EMOTIONS[n % 2]
        said = EMOTIONS[(n + (n in wrong)) % 2]
        row = [float(said == name) for name in EMOTIONS]
        groups = {"speaker": str(n % speakers)} if speakers else {}
        sample = Sample(str(n), None, emotion, groups)
        for check, at in (("clean", math.nan), ("noise", 0.1)):
            found.append(Record(check, check, "", at, sample, said, row, math.nan))
        other = EMOTIONS[(n + 1) % 2]
        for method, kept, told in (("strongest", "", other), ("strong", "alone", other), ("weak", "alone", said)):
            found.append(Record("listed", method, kept, 0.1, sample, told, row, math.nan))
    return table(found, {str(n): f"{recording}{n}" for n in clips})


def baseline(seen: Any, *, resolved: Mapping[str, Any] = RESOLVED, **model: Any) -> Baseline:
    document = {
        "model": {**MODEL, "sha256": "b" * 64, **model},
        "suite": {"resolved": resolved, "name": "s"},
        "data": {"sha256": "d" * 64},
    }
    return Baseline("before", document, seen)


def changed(
    now: Any,
    before: Baseline | None,
    metric: str,
    *,
    emotion: str | None = None,
    resolved: Mapping[str, Any] = RESOLVED,
    check: str = "clean",
    of: str | None = None,
    cluster: str | None = None,
) -> Estimate:
    gate = Gate(metric, -0.03, None, at=None if check == "clean" else 0.1, of=of)
    asked = Check(check, "clean" if check == "clean" else "corruption")
    estimator = Estimator(now, EMOTIONS, {}, Decide(cluster=cluster))
    compared = Compared(before, resolved, MODEL) if before else None
    return measure(Due((check, metric), asked, gate, emotion), estimator, error=None, compared=compared, running={})


@pytest.mark.parametrize("check", ["clean", "noise"])
def test_what_was_lost_and_what_was_gained_are_set_against_each_other(check: str) -> None:
    """20 clips were wrong and 10 of them are right now; 30 others are wrong now."""
    found = changed(records(set(range(10, 50))), baseline(records(set(range(20)))), "accuracy_change", check=check)
    assert found.value == pytest.approx(-20 / CLIPS)
    assert found.n == CLIPS
    assert found.interval is not None
    assert found.interval[0] < -0.1 < found.interval[1] < 0.0


def test_a_recall_changes_by_the_clips_of_its_emotion() -> None:
    now, before = records({0, 2, 4, 6}), records({1})
    assert changed(now, baseline(before), "recall_change", emotion="anger").value == pytest.approx(-4 / 100)
    assert changed(now, baseline(before), "recall_change", emotion="fear").value == pytest.approx(1 / 100)


def test_the_uar_changes_by_the_mean_of_the_recalls() -> None:
    now, before = records({0, 2, 4, 6}, clips=range(150)), records({1}, clips=range(150))
    found = changed(now, baseline(before), "uar_change")
    assert found.value == pytest.approx((-4 / 75 + 1 / 75) / 2)
    assert found.interval is not None
    assert found.interval[0] < found.value < found.interval[1]


def test_only_clips_that_both_judged_count() -> None:
    found = changed(records({0}, clips=range(100)), baseline(records(set(), clips=range(50, 180))), "accuracy_change")
    assert (found.value, found.n) == (0.0, 50)


def test_the_same_model_has_not_changed() -> None:
    """Not by a little either: with 200 clips, answers that only happen to agree leave more open."""
    seen = records({3})
    same = changed(seen, baseline(seen, sha256="a" * 64), "accuracy_change")
    assert (same.value, same.interval) == (0.0, (0.0, 0.0))
    other = changed(seen, baseline(seen), "accuracy_change")
    assert other.value == 0.0
    assert other.interval is not None
    assert other.interval[0] < -0.01


def test_the_same_weights_with_their_emotions_in_another_order_are_another_model() -> None:
    seen = records({3})
    other = changed(seen, baseline(seen, sha256="a" * 64, emotions=list(reversed(EMOTIONS))), "accuracy_change")
    assert other.interval is not None
    assert other.interval[0] < 0.0 < other.interval[1]


@pytest.mark.parametrize("sha256", ["a" * 64, "b" * 64])
def test_a_recall_that_has_not_changed_is_that_of_its_emotion_alone(sha256: str) -> None:
    """Of an emotion that has no clips there is nothing to say, not even of the same model."""
    seen = records({1}, clips=range(60))
    assert changed(seen, baseline(seen, sha256=sha256), "recall_change", emotion="anger").n == 30
    angry = records(set(), clips=range(0, 60, 2))
    found = changed(angry, baseline(angry, sha256=sha256), "recall_change", emotion="fear")
    assert (found.value, found.interval, found.n) == (None, None, 0)
    assert found.why == "no clips of fear to compare"


@pytest.mark.parametrize(("of", "gained"), [(None, 0.0), ("strong", 0.0), ("weak", 0.2)])
def test_of_several_attacks_the_one_that_is_asked_for_counts(of: str | None, gained: float) -> None:
    found = changed(records(set()), baseline(records(set(range(40)))), "accuracy_change", check="listed", of=of)
    assert found.value == pytest.approx(gained)


@pytest.mark.parametrize("metric", ["accuracy_change", "uar_change"])
def test_clips_belong_to_the_speakers_that_the_audit_at_hand_knows(metric: str) -> None:
    """The baseline may know of none, or of others."""
    now = records({1, 2}, speakers=8)
    found = [
        changed(now, baseline(records({3}, speakers=speakers)), metric, cluster="speaker") for speakers in (0, 5, 8)
    ]
    assert [each.clusters for each in found] == [8, 8, 8]
    assert found[0] == found[1] == found[2]


def test_a_baseline_that_could_not_be_judged_is_not_compared_with() -> None:
    before = baseline(records({3}))
    before = Baseline(
        "before", {**before.document, "unjudged": [{"check": None, "method": None, "reason": "chance"}]}, before.records
    )
    found = changed(records(set()), before, "accuracy_change")
    assert (found.value, found.why) == (None, "not comparable: the baseline could not be judged: chance")


@pytest.mark.parametrize(
    ("before", "told"),
    [
        (None, "no baseline to compare with; give one with --baseline DIR"),
        (
            baseline(records(set(), recording="other")),
            f"the {CLIPS} clips of the same name are other recordings (the baseline's data is sha256 ddd",
        ),
        (baseline(records(set(), clips=range(500, 520))), "not comparable: no clip is shared"),
        (
            baseline(records(set()), emotions=["anger", "joy"]),
            "not comparable: the model knows anger, fear, the baseline's anger, joy",
        ),
    ],
)
def test_what_cannot_be_compared_is_told_with_what_differs(before: Baseline | None, told: str) -> None:
    found = changed(records(set()), before, "accuracy_change")
    assert found.value is None
    assert told in found.why


def test_a_check_with_other_settings_is_not_comparable() -> None:
    other = {**RESOLVED, "checks": [{**NOISE, "sweep": {"sigma": [0.1, 0.2]}}]}
    found = changed(records(set()), baseline(records(set()), resolved=other), "accuracy_change", check="noise")
    assert found.value is None
    assert "not comparable: the baseline has other settings, " in found.why
    seeded = {**RESOLVED, "decide": {"seed": 1}}
    assert (
        changed(records(set()), baseline(records(set()), resolved=seeded), "accuracy_change", check="noise").value
        is None
    )
    # A gate more, or fewer clips, is no other check; and clean answers have no settings.
    gated = {**RESOLVED, "checks": [{**NOISE, "gates": [{"metric": "uar"}], "samples": 50}]}
    assert (
        changed(records({1}), baseline(records(set()), resolved=gated), "accuracy_change", check="noise").value
        is not None
    )
    assert changed(records({1}), baseline(records(set()), resolved=seeded), "accuracy_change").value is not None


def test_intervals_of_changes_hold() -> None:
    """Of 5 % lost and 2 % gained, nominal 95 % intervals hold the truth in 93 to 98 % of samples."""
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(400):
        draw = rng.random(CLIPS)
        before = records(set(np.flatnonzero(draw < 0.02)))
        now = records(set(np.flatnonzero((draw >= 0.02) & (draw < 0.07))))
        found = changed(now, baseline(before), "accuracy_change")
        assert found.interval is not None
        held += found.interval[0] <= -0.03 <= found.interval[1]
    assert 0.93 <= held / 400 <= 0.98
