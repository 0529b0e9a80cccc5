"""What maps must have earned before anything is rested on them: standings, the gates on them, and the best method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from audit import verdict
from audit.data import Sample
from audit.estimator import Estimator
from audit.gate_id import Due
from audit.record import CHANCE, ENERGY, OTHER, Record, table
from audit.standing import Standing, caps_of, over_chance, over_energy, sign_of, standings
from audit.suite import Check, Decide, Gate, Use
from audit.summary import best_saliency

EMOTIONS = ("anger", "fear")
COUNT = 40
SAMPLES = [Sample(f"clip-{i:02d}", None, EMOTIONS[i % 2], {"speaker": f"s{i % 4}"}) for i in range(COUNT)]
DROP = "probability_drop/mean"
RANDOMISED, STEADY = "parameter_randomisation", "seed_stability"
CHECK = Check(
    "maps",
    "saliency",
    (Use("saliency", "lrp"), Use("saliency", "gradcam")),
    faithfulness=(Use("faithfulness", "probability_drop"), Use("faithfulness", "deletion")),
    sanity=(Use("sanity", RANDOMISED), Use("sanity", STEADY)),
)
Scores = Mapping[tuple[str, str, float], float | Sequence[float]]
GOOD: Scores = {
    ("lrp", DROP, 0.2): 0.6,
    ("lrp", f"{CHANCE}/{DROP}", 0.2): 0.1,
    ("lrp", f"similarity/{RANDOMISED}", 0.5): 0.8,
    ("lrp", f"{OTHER}/{RANDOMISED}", 0.5): 0.6,
    ("lrp", f"similarity/{RANDOMISED}", 1.0): 0.1,
    ("lrp", f"{OTHER}/{RANDOMISED}", 1.0): 0.1,
    ("lrp", f"overlap/{STEADY}", 1.0): 0.9,
}


def estimator(scores: Scores, *, noise: float = 0.01, decide: Decide | None = None) -> Estimator:
    """Return an estimator over scores by method, measure and severity: their means, with a little noise."""
    rng = np.random.default_rng(0)
    records = []
    for (method, measure, severity), mean in scores.items():
        values = mean + noise * rng.normal(size=COUNT) if isinstance(mean, float | int) else np.asarray(mean)
        values = values - (values.mean() - mean) if isinstance(mean, float | int) else values
        records += [
            Record("maps", method, measure, severity, sample, "", [], float(value))
            for sample, value in zip(SAMPLES, values, strict=False)
        ]
    return Estimator(table(records), EMOTIONS, {}, decide or Decide(bootstrap=500))


def stood(scores: Scores, check: Check = CHECK, **keys: Any) -> Standing:
    untested = keys.pop("untested", {})
    return standings(check, estimator(scores, **keys), {"gradcam": "it has no layers"}, {"lrp": untested})[0]


def outcomes(found: Standing) -> dict[str, str]:
    return {trial.name: trial.outcome for trial in found.trials}


def test_maps_that_beat_chance_know_the_network_and_hold_still_have_earned_their_place() -> None:
    found = stood(GOOD)
    assert outcomes(found) == {
        "chance": "PASS",
        RANDOMISED: "PASS",
        f"{RANDOMISED}/worth": "PASS",
        STEADY: "PASS",
    }
    assert (found.check, found.method, found.outcome, found.reason) == ("maps", "lrp", "PASS", "")
    chance = found.trials[0]
    assert chance.value == pytest.approx(0.5)
    assert chance.n == COUNT
    assert (chance.least, chance.most) == (0.0, None)


@pytest.mark.parametrize(
    ("changed", "trial", "words"),
    [
        ({("lrp", f"{CHANCE}/{DROP}", 0.2): 0.7}, "chance", "does not beat chance"),
        ({("lrp", f"similarity/{RANDOMISED}", 1.0): 0.7}, RANDOMISED, "its maps hardly change"),
        ({("lrp", f"{OTHER}/{RANDOMISED}", 1.0): 0.65}, f"{RANDOMISED}/worth", "learned nothing are worth as much"),
        ({("lrp", f"overlap/{STEADY}", 1.0): 0.3}, STEADY, "its maps come out otherwise"),
    ],
)
def test_each_trial_can_fail_and_says_what_was_seen(changed: Scores, trial: str, words: str) -> None:
    found = stood({**GOOD, **changed})
    assert outcomes(found)[trial] == "FAIL"
    assert list(outcomes(found).values()).count("FAIL") == 1
    assert found.outcome == "FAIL"
    assert words in found.reason
    assert f"{next(t.value for t in found.trials if t.name == trial):.3f} (" in found.reason


@pytest.mark.parametrize(
    ("changed", "trial"),
    [
        ({("lrp", DROP, 0.2): 0.1}, "chance"),
        ({("lrp", f"similarity/{RANDOMISED}", 1.0): 0.5}, RANDOMISED),
        ({("lrp", f"{OTHER}/{RANDOMISED}", 1.0): 0.6}, f"{RANDOMISED}/worth"),
        ({("lrp", f"overlap/{STEADY}", 1.0): 0.5}, STEADY),
    ],
)
def test_an_interval_on_both_sides_of_the_limit_decides_nothing(changed: Scores, trial: str) -> None:
    found = stood({**GOOD, **changed}, noise=0.2)
    assert outcomes(found)[trial] == "UNSURE"
    assert found.outcome == "UNSURE"
    assert "not shown to" in found.reason


def test_a_single_clip_decides_nothing() -> None:
    found = stood({key: [float(mean)] for key, mean in GOOD.items()})
    assert set(outcomes(found).values()) == {"UNSURE"}


def test_clusters_widen_what_clips_alone_would_decide() -> None:
    spread = [0.6 if i % 4 else -0.9 for i in range(COUNT)]
    scores = {**GOOD, ("lrp", DROP, 0.2): [0.1 + value for value in spread]}
    assert outcomes(stood(scores))["chance"] == "PASS"
    assert outcomes(stood(scores, decide=Decide(cluster="speaker", bootstrap=500)))["chance"] == "UNSURE"


def test_a_sanity_test_is_decided_where_all_layers_are_randomised() -> None:
    """At .5 the maps are still much like the method's own, and worth as much: that is as it should be."""
    assert GOOD["lrp", f"similarity/{RANDOMISED}", 0.5] == 0.8
    assert outcomes(stood(GOOD))[RANDOMISED] == "PASS"
    early = {**GOOD, ("lrp", f"{OTHER}/{RANDOMISED}", 0.5): 0.1, ("lrp", f"{OTHER}/{RANDOMISED}", 1.0): 0.65}
    assert outcomes(stood(early))[f"{RANDOMISED}/worth"] == "FAIL"


def test_the_suite_may_set_another_limit() -> None:
    for most, outcome in ((0.05, "FAIL"), (0.2, "PASS")):
        strict = replace(CHECK, sanity=(Use("sanity", RANDOMISED, {"most": most}),))
        assert outcomes(stood(GOOD, strict))[RANDOMISED] == outcome


def test_what_could_not_be_asked_is_told_and_does_not_count() -> None:
    scores = {key: mean for key, mean in GOOD.items() if RANDOMISED not in key[1]}
    found = stood(scores, untested={RANDOMISED: "model 'box' shows no parameters"})
    (trial,) = (t for t in found.trials if t.outcome == "ERROR")
    assert (trial.name, trial.value, trial.reason) == (RANDOMISED, None, "model 'box' shows no parameters")
    assert found.outcome == "PASS"


def test_a_refused_method_has_no_standing_but_the_reason() -> None:
    found = standings(CHECK, estimator(GOOD), {"gradcam": "it has no layers"}, {})[1]
    assert (found.method, found.trials, found.outcome, found.reason) == ("gradcam", (), "ERROR", "it has no layers")


def test_of_a_score_for_which_less_is_better_less_is_better() -> None:
    curve = replace(CHECK, faithfulness=(Use("faithfulness", "deletion"),), sanity=())
    assert (sign_of(curve, "deletion/mean"), sign_of(CHECK, DROP)) == (-1, 1)
    scores = {
        ("lrp", "deletion/mean", 0.2): 0.2,
        ("lrp", f"{CHANCE}/deletion/mean", 0.2): 0.5,
        (ENERGY, "deletion/mean", 0.2): 0.1,
    }
    assert over_chance(curve, estimator(scores), "lrp").value == pytest.approx(0.3)
    assert over_energy(curve, estimator(scores), "lrp").value == pytest.approx(-0.1)
    assert stood(scores, curve).outcome == "PASS"
    assert stood({**scores, ("lrp", "deletion/mean", 0.2): 0.8}, curve).outcome == "FAIL"


def test_a_second_score_is_compared_by_its_name() -> None:
    scores = {**GOOD, ("lrp", "deletion/mean", 0.2): 0.2, ("lrp", f"{CHANCE}/deletion/mean", 0.2): 0.5}
    found = over_chance(CHECK, estimator(scores), "lrp", by="deletion")
    assert found.value == pytest.approx(0.3)
    assert over_chance(CHECK, estimator(scores), "lrp").value == pytest.approx(0.5)


def test_differences_are_paired_clip_by_clip() -> None:
    """Clips differ a lot, and the maps beat chance on every one of them by the same."""
    rng = np.random.default_rng(1)
    own = rng.normal(size=COUNT)
    found = over_chance(
        CHECK,
        estimator({("lrp", DROP, 0.2): own.tolist(), ("lrp", f"{CHANCE}/{DROP}", 0.2): (own - 0.01).tolist()}),
        "lrp",
    )
    assert found.interval is not None
    assert found.interval[0] == pytest.approx(0.01, abs=0.001)
    assert found.interval[1] == pytest.approx(0.01, abs=0.001)


GATE = Gate("faithfulness", 0.3, None, of="lrp")
DUE = Due(("maps", "faithfulness-of-lrp"), CHECK, GATE)


def judged(scores: Scores, *, gate: Gate = GATE, noise: float = 0.01, error: str | None = None) -> Any:
    found = standings(CHECK, estimator(scores, noise=noise), {"gradcam": "no"}, {})
    due = replace(DUE, gate=gate)
    seen = estimator(scores, noise=noise)
    return verdict.decide(due, verdict.measure(due, seen, error, None, {}), seen, caps=caps_of(found)(due))


def test_a_gate_on_maps_that_have_earned_their_place_is_decided_by_its_limit() -> None:
    assert judged(GOOD).outcome == "PASS"
    failed = judged(GOOD, gate=replace(GATE, minimum=0.9))
    assert (failed.outcome, failed.value) == ("FAIL", pytest.approx(0.6))
    assert "wholly beyond the limit" in failed.reason


def test_a_gate_on_a_method_that_failed_a_trial_is_fail_with_the_reason() -> None:
    found = judged({**GOOD, ("lrp", f"similarity/{RANDOMISED}", 1.0): 0.9})
    assert (found.outcome, found.value) == ("FAIL", pytest.approx(0.6))
    assert found.reason.startswith("lrp: fails parameter randomisation: its maps hardly change")
    assert found.next_step


def test_a_gate_on_a_method_of_which_a_trial_is_unsure_is_never_better() -> None:
    scores = {**GOOD, ("lrp", f"similarity/{RANDOMISED}", 1.0): 0.5}
    found = judged(scores, noise=0.1)
    assert found.outcome == "UNSURE"
    assert "not shown to pass parameter randomisation" in found.reason
    assert "sanity_samples" in found.next_step
    assert judged(scores, noise=0.1, gate=replace(GATE, minimum=0.9)).outcome == "FAIL"


def test_what_could_not_be_judged_stays_an_error() -> None:
    found = judged({**GOOD, ("lrp", f"similarity/{RANDOMISED}", 1.0): 0.9}, error="it broke")
    assert (found.outcome, found.reason, found.value) == ("ERROR", "it broke", None)
    absent = judged(GOOD, gate=replace(GATE, metric="conservation"))
    assert (absent.outcome, absent.reason) == ("ERROR", "lrp gave no conservation")


def test_gates_on_what_a_sanity_test_saw_are_decided_where_it_was_decided() -> None:
    for metric, measure, limit in (("similarity", RANDOMISED, 0.3), ("overlap", STEADY, 1.0)):
        gate = Gate(metric, None, limit, of="lrp", after=measure)
        assert judged(GOOD, gate=gate).value == pytest.approx(GOOD["lrp", f"{metric}/{measure}", 1.0])


OTHERS: Scores = {(("gradcam"), key[1], key[2]): value for key, value in GOOD.items()}


def best(scores: Scores) -> dict[str, Any]:
    found = estimator(scores)
    return best_saliency([CHECK], found, standings(CHECK, found, {}, {}))


def test_the_best_method_is_the_one_furthest_above_chance_of_those_that_earned_their_place() -> None:
    both = {**GOOD, **OTHERS, ("gradcam", DROP, 0.2): 0.9}
    assert best(both)["method"] == "gradcam"
    assert "0.800 (" in best(both)["reason"]
    unearned = {**both, ("gradcam", f"overlap/{STEADY}", 1.0): 0.1}
    assert best(unearned)["method"] == "lrp"


def test_where_no_method_has_earned_its_place_none_is_named_best() -> None:
    neither = {**GOOD, ("lrp", f"overlap/{STEADY}", 1.0): 0.1}
    found = best(neither)
    assert found["method"] is None
    assert "no method has earned its place; the nearest is lrp" in found["reason"]
    assert best({("lrp", DROP, 0.2): [0.5]})["reason"] == "no saliency method was judged"
