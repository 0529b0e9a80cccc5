"""How groups fare beside each other: what is compared, what is left aside, and what speakers within them change."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from audit import summary
from audit.answers import Answers
from audit.data import Sample
from audit.errors import SuiteError, UsageError
from audit.estimator import Estimator
from audit.gate_id import Due, gate_slug
from audit.groups import Gap, columns, gap
from audit.judging import judge
from audit.preflight import describe
from audit.record import Record, table
from audit.suite import Check, Decide, Gate, Suite, read_suite

EMOTIONS = ("anger", "fear")
CLEAN = Check("clean", "clean")
Clip = tuple[str, str, Mapping[str, str]]
"""The true emotion, what is said, and the groups."""


def estimator(clips: Sequence[Clip], *, cluster: str | None = None, emotions: Sequence[str] = EMOTIONS) -> Estimator:
    records = []
    for i, (true, said, groups) in enumerate(clips):
        row = [0.8 if name == said else 0.2 / (len(emotions) - 1) for name in emotions]
        sample = Sample(f"{i:05d}", None, true, groups)
        records.append(Record("clean", "clean", "", math.nan, sample, said, row, math.nan))
    return Estimator(table(records), emotions, {"hot": ("anger",)}, Decide(cluster=cluster))


def clips(right: int, wrong: int, emotion: str = "anger", **groups: str) -> list[Clip]:
    other = EMOTIONS[emotion == EMOTIONS[0]]
    return [(emotion, emotion, groups)] * right + [(emotion, other, groups)] * wrong


def speakers(right: Sequence[int], sex: str) -> list[Clip]:
    """Return twenty clips of each speaker, so many of them right."""
    return [clip for s, n in enumerate(right) for clip in clips(n, 20 - n, sex=sex, speaker=f"{sex}{s}")]


def across(found: Estimator, metric: str, column: str = "sex", emotion: str | None = None) -> Gap:
    return gap(found, "clean", metric, column, emotion=emotion)


def test_the_accuracy_gap_names_the_groups_at_its_ends_with_values_and_sizes() -> None:
    found = across(estimator([*clips(30, 10, sex="f"), *clips(38, 2, sex="m"), *clips(34, 6, sex="x")]), "accuracy_gap")
    assert found.found.value == pytest.approx(0.2)
    assert found.found.n == 120
    assert found.found.why == "lowest f 0.75 (n=40), highest m 0.95 (n=40)"
    assert found.found.interval is not None
    assert found.found.interval[0] < 0.2 < found.found.interval[1]


def test_groups_of_fewer_than_five_clips_and_clips_without_one_are_left_aside_and_named() -> None:
    others = [*clips(0, 4, sex="x"), *clips(0, 7)]
    found = across(estimator([*clips(30, 10, sex="f"), *clips(38, 2, sex="m"), *others]), "accuracy_gap").found
    assert found.value == pytest.approx(0.2)
    assert found.why.endswith("; left aside, too few clips: no value (7), x (4)")


def test_with_fewer_than_two_groups_there_is_nothing_to_compare_and_the_gate_is_an_error() -> None:
    (verdict,) = judge(
        [Due(("clean", "g"), CLEAN, Gate("accuracy_gap", None, 0.1, across="sex"))],
        estimator([*clips(30, 10, sex="f"), *clips(3, 0, sex="m")]),
        Decide(),
        today=date(2026, 1, 1),
    )
    assert verdict.outcome == "ERROR"
    assert "fewer than two values have 5 clips (f)" in verdict.reason


def test_a_column_that_is_not_there_is_an_error_that_names_those_that_are() -> None:
    found = across(estimator(clips(30, 10, sex="f", age="young")), "accuracy_gap", "speaker").found
    assert (found.value, found.interval) == (None, None)
    assert found.why == "the clips have no column 'speaker' (they have: sex, age)"


def test_the_recall_gap_without_an_emotion_is_the_largest_over_all_and_its_interval_is_for_all() -> None:
    every = estimator([
        *clips(40, 10, sex="f"), *clips(45, 5, sex="m"),
        *clips(25, 25, "fear", sex="f"), *clips(45, 5, "fear", sex="m"),
    ])  # fmt: skip
    anger, fear = (across(every, "recall_gap", emotion=emotion).found for emotion in EMOTIONS)
    largest = across(every, "recall_gap").found
    assert anger.value == pytest.approx(0.1)
    assert largest.value == fear.value == pytest.approx(0.4)
    assert largest.why.startswith("lowest of fear f 0.50 (n=50), highest m 0.90")
    assert largest.n == 200
    # Of two emotions one looks worse by chance: less is shown of the true gap.
    assert largest.interval is not None
    assert fear.interval is not None
    assert largest.interval[0] < fear.interval[0]


def test_the_share_gap_is_of_what_is_called_the_emotion_less_what_is_it() -> None:
    # Of the women a half is angry and .7 are called so; of the men a quarter is, and is called so.
    women = [*clips(25, 0, sex="f"), *clips(15, 10, "fear", sex="f")]
    men = [*clips(20, 5, sex="m"), *clips(70, 5, "fear", sex="m")]
    found = across(estimator([*women, *men]), "share_gap", emotion="anger").found
    assert "-0.00" not in found.why
    assert found.value == pytest.approx((0.7 - 0.5) - (0.25 - 0.25))
    assert found.interval is not None
    assert 0 < found.interval[0] < 0.2 < found.interval[1]


def test_speakers_within_the_groups_who_differ_widen_the_interval_and_those_across_them_do_not() -> None:
    alike = [*speakers((16,) * 6, "f"), *speakers((18,) * 6, "m")]
    unlike = [*speakers((12, 20) * 3, "f"), *speakers((16, 20) * 3, "m")]
    widths = {}
    for name, seen in (("alike", alike), ("unlike", unlike)):
        found = across(estimator(seen, cluster="speaker"), "accuracy_gap").found
        assert found.interval is not None
        assert found.clusters == 12
        widths[name] = found.interval[1] - found.interval[0]
    assert widths["unlike"] > 1.5 * widths["alike"]
    both = [(true, said, {**groups, "speaker": groups["speaker"][1:]}) for true, said, groups in unlike]
    crossed = across(estimator(both, cluster="speaker"), "accuracy_gap").found
    plain = across(estimator(unlike), "accuracy_gap").found
    assert crossed.clusters is None
    assert crossed.interval == plain.interval


def test_of_groups_that_are_one_speaker_each_it_says_whose_difference_it_may_be() -> None:
    seen = [*clips(30, 10, sex="f", speaker="a"), *clips(38, 2, sex="m", speaker="b")]
    assert (
        "each is one speaker, whose own difference it may be"
        in across(estimator(seen, cluster="speaker"), "accuracy_gap").found.why
    )
    assert "each is one" not in across(estimator(seen, cluster="speaker"), "accuracy_gap", "speaker").found.why


@pytest.mark.parametrize("apart", [0.0, 0.1])
def test_the_interval_holds_the_gap_between_sexes_of_six_speakers_each(apart: float) -> None:
    rng, held = np.random.default_rng(5), 0
    for _ in range(120):
        seen: list[Clip] = []
        for sex, mean in (("f", 0.85), ("m", 0.85 - apart)):
            # A beta of mean .85 with an intra-class correlation of .1.
            seen += speakers(rng.binomial(20, rng.beta(9 * mean, 9 * (1 - mean), 6)).tolist(), sex)
        interval = across(estimator(seen, cluster="speaker"), "accuracy_gap").found.interval
        assert interval is not None
        held += interval[0] - 1e-9 <= apart <= interval[1] + 1e-9
    assert held / 120 >= 0.91


def test_columns_that_tell_groups_apart_have_two_to_thirty_values() -> None:
    seen = [
        (true, said, {"sex": "fm"[i % 2], "one": "x", "id": f"{i:03d}", "take": str(i % 31), "rare": "ab"[i > 60]})
        for i, (true, said, _) in enumerate(clips(60, 4))
    ]
    assert columns(estimator(seen)) == ["sex"]


def test_a_gap_is_told_by_chance_where_groups_of_these_sizes_show_none_larger() -> None:
    seen = [*clips(50, 10, sex="f"), *clips(54, 6, sex="m")]
    found = across(estimator(seen), "accuracy_gap")
    chance = found.by_chance(0.95)
    assert chance is not None
    assert chance == pytest.approx(1.96 * math.sqrt(2 * (104 / 120) * (16 / 120) / 60), abs=0.015)


def test_a_gate_on_a_gap_fails_where_the_groups_lie_further_apart_and_a_guesser_fails_its_floor() -> None:
    def outcome(seen: Sequence[Clip]) -> str:
        gate = Gate("accuracy_gap", None, 0.15, across="sex", floor="above_chance")
        (verdict,) = judge([Due(("clean", "g"), CLEAN, gate)], estimator(seen), Decide(), today=date(2026, 1, 1))
        return verdict.outcome

    def of(women: int, men: int) -> list[Clip]:
        return [c for sex, n in (("f", women), ("m", men)) for e in EMOTIONS for c in clips(n, 150 - n, e, sex=sex)]

    assert outcome(of(140, 141)) == "PASS"
    assert outcome(of(90, 145)) == "FAIL"
    assert outcome(of(120, 144)) == "UNSURE"
    assert outcome(of(75, 75)) == "FAIL"


def test_the_reason_of_a_failure_names_the_groups_at_the_ends() -> None:
    gate = Gate("accuracy_gap", None, 0.15, across="sex")
    seen = estimator([*clips(90, 60, sex="f"), *clips(144, 6, sex="m"), *clips(3, 0, sex="x")])
    (verdict,) = judge([Due(("clean", "g"), CLEAN, gate)], seen, Decide(), today=date(2026, 1, 1))
    assert verdict.outcome == "FAIL"
    assert verdict.reason == "lowest f 0.60 (n=150), highest m 0.96 (n=150); left aside, too few clips: x (3)"
    assert verdict.next_step.startswith("add training clips like those of the group that fares worst")


def test_every_column_has_rows_of_its_gaps_per_emotion_when_clean() -> None:
    seen = [*clips(30, 10, sex="f"), *clips(38, 2, sex="m"), *clips(20, 0, "fear", sex="f")]
    rows = [row for row in summary.metric_rows([CLEAN], estimator(seen)) if row["metric"].endswith("_gap")]
    assert {(row["metric"], row["measure"], row["emotion"]) for row in rows} == {
        ("accuracy_gap", "sex", None), ("recall_gap", "sex", None),
        *((metric, "sex", emotion) for metric in ("recall_gap", "share_gap") for emotion in EMOTIONS),
    }  # fmt: skip
    (fear,) = (row for row in rows if (row["metric"], row["emotion"]) == ("recall_gap", "fear"))
    assert fear["value"] is None


def test_the_gate_of_a_gap_is_named_after_its_column() -> None:
    assert gate_slug(Gate("accuracy_gap", None, 0.1, across="sex", at=0.05)) == "accuracy-gap-across-sex-at-0.05"


SUITE = """version: 1
suite: s
model: {manifest}
data: {{layout: synthetic, speakers: 2, clips: 1, seed: 7}}
checks:
  - check: clean
    gates:
      - {{{gate}}}
"""


def written(folder: Path, repository: Path, gate: str) -> Suite:
    path = folder / "s.audit.yaml"
    path.write_text(SUITE.format(manifest=repository / "models/quickstart.model.yaml", gate=gate), encoding="utf-8")
    return read_suite(path)


def test_a_gap_is_above_chance_unless_the_suite_says_otherwise(tmp_path: Path, repository: Path) -> None:
    suite = written(tmp_path, repository, "metric: recall_gap, across: sex, per: emotion, max: 0.2")
    (gate,) = suite.checks[0].gates
    assert (gate.across, gate.per, gate.floor) == ("sex", "emotion", "above_chance")
    assert suite.resolved["checks"][0]["gates"][0]["across"] == "sex"


@pytest.mark.parametrize(
    ("gate", "says"),
    [
        ("metric: accuracy_gap, max: 0.2", "accuracy_gap needs `across:`, the column of the clips"),
        (
            "metric: accuracy, across: sex, min: 0.2",
            "accuracy takes no `across` (accuracy_gap, recall_gap, share_gap do)",
        ),
        ("metric: share_gap, across: sex, max: 0.2", "share_gap belongs to one emotion: add `per: emotion`"),
        ("metric: accuracy_gap, across: sex, max: 20", "20 % is 0.2"),
    ],
)
def test_a_gate_on_a_gap_that_cannot_be_asked_says_why(gate: str, says: str, tmp_path: Path, repository: Path) -> None:
    with pytest.raises(SuiteError) as refused:
        written(tmp_path, repository, gate)
    assert says in str(refused.value)


def test_a_column_that_not_every_clip_has_is_a_problem_before_the_run(tmp_path: Path, repository: Path) -> None:
    found = describe(written(tmp_path, repository, "metric: accuracy_gap, across: sxe, max: 0.2"))
    (problem,) = found.problems
    assert (
        ".audit.yaml:8: clean: accuracy_gap across: not every clip has a column 'sxe'; did you mean 'sex'?" in problem
    )
    assert describe(written(tmp_path, repository, "metric: accuracy_gap, across: sex, max: 0.2")).problems == ()


def test_a_gap_is_asked_for_by_its_column_and_never_guessed() -> None:
    seen = [(*clip[:2], {**clip[2], "age": "old" if n % 2 else "young"}) for n, clip in enumerate(
        [*clips(30, 10, sex="f"), *clips(38, 2, sex="m")])]  # fmt: skip
    asked = Answers({"metrics": summary.metric_rows([CLEAN], estimator(seen))})
    assert asked.accuracy_gap(across="sex") == pytest.approx(0.2)
    assert asked.recall_gap("anger", across="sex") == pytest.approx(0.2)
    with pytest.raises(UsageError, match="accuracy_gap needs across="):
        asked.accuracy_gap()
