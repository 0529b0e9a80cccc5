"""What the report reads out of an audit's maps: rankings, trials, regions, and where to harden."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from audit.report import standing
from audit.report.hardening import Falls
from audit.report.measured import Measured
from audit.report.ranking import RANDOM, rankings
from audit.report.relevance import own_measures, places

Document = dict[str, Any]


@pytest.fixture
def audit(failed_report: Path) -> Document:
    found: Document = json.loads((failed_report / "audit.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture
def records(failed_report: Path) -> pd.DataFrame:
    return pd.read_parquet(failed_report / "records.parquet")


def test_every_score_and_fill_has_a_ranking_and_the_one_that_decides_is_first(audit: Document) -> None:
    found = rankings(Measured(audit), "saliency")
    assert [ranking.name for ranking in found] == [
        *("probability drop, mean", "probability drop, floor", "probability drop, noise", "probability drop, blur"),
        *("deletion, mean", "road"),
    ]


@pytest.mark.parametrize("emotion", [None, "fear"])
def test_methods_that_have_earned_their_place_come_first_and_baselines_last(
    audit: Document, emotion: str | None
) -> None:
    for ranking in rankings(Measured(audit), "saliency", emotion):
        assert [rank.method for rank in ranking.ranks[-2:]] == ["energy", RANDOM]
        assert [rank.is_struck for rank in ranking.ranks[:-2]] == [False, False, True, True]
        for part in (ranking.ranks[:2], ranking.ranks[2:-2]):
            gains = [float(rank.over.value.replace("−", "-")) for rank in part if rank.over is not None]
            assert len(gains) == 2
            assert gains == sorted(gains, reverse=True)
        assert {standing.method for standing in ranking.struck} == {"gradcam", "smoothgrad"}
        assert ranking.ranks[-1].over is None
        assert ranking.ranks[-2].over_energy is None


def test_only_of_a_deletion_curve_less_is_better(audit: Document) -> None:
    measured = Measured(audit)
    for ranking in rankings(measured, "saliency"):
        assert ranking.is_less == (ranking.score == "deletion")
    deletion = next(ranking for ranking in rankings(measured, "saliency") if ranking.is_less)
    first, second = deletion.ranks[:2]
    assert float(first.score.value) < float(second.score.value)
    assert first.over is not None
    assert float(first.over.value) > 0


def test_a_score_that_chance_says_nothing_of_is_ranked_by_itself(audit: Document) -> None:
    names = {"smoothgrad": 0.9, "lime": 0.5, "lrp": 0.2, "energy": 0.1}
    base = next(row for row in audit["metrics"] if row["metric"] == "faithfulness")
    rows = [{**base, "measure": "max_sensitivity", "method": name, "value": value} for name, value in names.items()]
    over = {"metric": "faithfulness_over_energy", "interval": [-0.5, -0.1]}
    rows += [{**row, **over, "value": 0.1 - row["value"]} for row in rows[:-1]]
    audit["metrics"] = rows
    (ranking,) = rankings(Measured(audit), "saliency")
    assert (ranking.is_less, ranking.has_chance, ranking.has_energy) == (True, False, True)
    assert [rank.method for rank in ranking.ranks] == ["lrp", "lime", "smoothgrad", "energy"]


def test_a_row_beside_energy_is_the_audits_own_paired_difference(audit: Document) -> None:
    row = next(
        row
        for row in audit["metrics"]
        if (row["metric"], row["method"], row["measure"], row["emotion"])
        == ("faithfulness_over_energy", "lrp", "road", None)
    )
    road = next(ranking for ranking in rankings(Measured(audit), "saliency") if ranking.score == "road")
    (rank,) = (rank for rank in road.ranks if rank.method == "lrp")
    assert rank.over_energy is not None
    assert rank.over_energy.value == f"{row['value']:.2f}"


def test_regions_are_told_beside_what_chance_would_put_there(audit: Document) -> None:
    (_, inside), (_, counted) = places(Measured(audit), "saliency")
    assert {row.what for row in inside} == {"relevance inside region tone"}
    assert {row.what for row in counted} == {"most relevant cells inside region tone"}
    assert [row.method for row in inside] == ["lime", "gradcam", "lrp", "smoothgrad"]
    assert {row.chance for row in (*inside, *counted)} <= {"0.11", "0.12", "0.13"}


def test_whatever_a_method_measured_of_its_maps_is_told(audit: Document) -> None:
    audit["metrics"].append({**audit["metrics"][-1], "check": "saliency", "metric": "repeats_needed", "value": 3.0})
    audit["metrics"][-1].update(method="lime", emotion=None, group=None, measure="")
    told = {row.what for row in own_measures(Measured(audit), "saliency")}
    assert told == {"largest conservation error", "fit of the surrogate (R²)", "repeats needed"}


def test_a_clause_is_the_reason_without_its_numbers(audit: Document) -> None:
    found = standing.standings(audit, "saliency")
    assert found["smoothgrad"].clause == "fails parameter randomisation: its maps hardly change"
    assert found["gradcam"].clause == "not shown to pass seed stability: perhaps its maps come out otherwise"
    assert found["lime"].is_earned
    assert found["lime"].clause == ""


def test_a_line_for_each_method_that_has_not_earned_its_place(audit: Document) -> None:
    assert standing.unearned(audit) == [
        "gradcam has not earned its place: not shown to pass seed stability: perhaps its maps come out otherwise",
        "smoothgrad has not earned its place: fails parameter randomisation: its maps hardly change",
        "integrated_gradients gave no maps: this model gives no gradients; use lime instead",
    ]
    other = [{**row, "check": "again"} for row in audit["standings"]]
    audit["standings"] = [*audit["standings"], *other]
    assert standing.unearned(audit)[-2].startswith("smoothgrad of again has not earned its place: fails")
    assert standing.unearned({}) == []


def test_a_trial_says_what_it_measured_and_where_it_had_to_lie(audit: Document) -> None:
    trials = standing.standings(audit, "saliency")["lrp"].trials
    assert [(trial.name, trial.limit, trial.outcome) for trial in trials] == [
        ("chance", "above 0", "PASS"),
        ("parameter randomisation", "below 0.5", "PASS"),
        ("parameter randomisation", "above 0", "PASS"),
        ("seed stability", "above 0.5", "PASS"),
        ("input shift", "", "ERROR"),
    ]
    assert [bool(trial.reason) for trial in trials] == [False] * 4 + [True]


def test_the_cascade_has_a_number_for_every_share_of_the_layers(audit: Document) -> None:
    (cascade,) = standing.cascades(Measured(audit), "saliency")
    assert (cascade.test, cascade.shares) == ("parameter randomisation", ("33%", "67%", "100%"))
    told = {method: [value for value, _ in steps] for method, steps in cascade.rows}
    for row in audit["metrics"]:
        if (row["metric"], row["measure"], row["emotion"]) == ("similarity", "parameter_randomisation", None):
            assert f"{row['value']:.2f}" in told[row["method"]]
    assert {len(values) for values in told.values()} == {3}


def test_the_difference_between_the_parts_is_paired_clip_by_clip(audit: Document, records: pd.DataFrame) -> None:
    found = Falls(records, Measured(audit)).of("saliency", "anger")
    assert found is not None
    own = records[(records["emotion"] == "anger") & (records["method"] == "lrp")].set_index("sample")
    salient, least = (own.loc[own["measure"] == f"confined/{part}", "score"] for part in ("salient", "least"))
    (reach,) = (reach for reach in found.reaches if reach.method == "lrp")
    assert reach.difference == f"{np.mean(salient - least.loc[salient.index]):.2f}"
    assert reach.n == len(salient)
    assert (reach.further, found.attack, found.part) == ("salient", "fgsm at epsilon 0.01", "20%")


def test_what_the_interval_does_not_tell_is_not_said(audit: Document, records: pd.DataFrame) -> None:
    falls = Falls(records, Measured(audit))
    undecided = falls.of("saliency", "fear")
    assert undecided is not None
    assert undecided.reaches[0].further == ""
    assert undecided.says.startswith("Whether the attack reaches further")
    turned = records.replace({"measure": {"confined/salient": "confined/least", "confined/least": "confined/salient"}})
    other = Falls(turned, Measured(audit)).of("saliency", "anger")
    assert other is not None
    assert other.reaches[0].further == "least"
    assert "than in the most salient 20%" in other.says


def test_a_method_that_has_not_earned_its_place_says_nothing_of_where_to_harden(
    audit: Document, records: pd.DataFrame
) -> None:
    first = Falls(records, Measured(audit)).of("saliency", "anger")
    assert first is not None
    assert [reach.is_struck for reach in first.reaches] == [False, False, True, True]
    assert first.reaches[0].method == audit["best_saliency"]["method"]
    failed = copy.deepcopy(audit)
    for row in failed["standings"]:
        row["outcome"] = "FAIL"
    none = Falls(records, Measured(failed)).of("saliency", "anger")
    assert none is not None
    assert none.says.startswith("No method has earned its place")


def test_without_a_confined_attack_there_is_no_figure(audit: Document, records: pd.DataFrame) -> None:
    audit["metrics"] = [row for row in audit["metrics"] if row["metric"] != "confined"]
    assert Falls(records, Measured(audit)).of("saliency", "anger") is None
    bare = records[~records["measure"].str.startswith("confined/")]
    assert Falls(bare, Measured(audit)).of("saliency", "anger") is None
