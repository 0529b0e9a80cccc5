"""Groups in the report: every value of a column, the largest gap, and what chance makes of groups of these sizes."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from audit.kinds import import_file
from audit.report.groups import Fares
from audit.report.measured import Measured

PAGES = import_file(Path(__file__).with_name("pages.py"))


@pytest.fixture
def measured(failed_report: Path) -> Measured:
    return Measured(PAGES.document(failed_report))


@pytest.fixture
def records(failed_report: Path) -> pd.DataFrame:
    return pd.read_parquet(failed_report / "records.parquet")


def clean(records: pd.DataFrame) -> pd.DataFrame:
    return records[(records["check"] == "clean") & (records["measure"] == "")]


def test_every_value_has_its_accuracy_the_lowest_first(records: pd.DataFrame, measured: Measured) -> None:
    seen = clean(records)
    means = (seen["emotion"] == seen["predicted"]).groupby(seen["group.speaker"]).mean()
    speaker, sex = Fares(records, measured).across()
    assert (speaker.name, sex.name) == ("speaker", "sex")
    assert [share.value for share in speaker.shares] == [f"{value:.2f}" for value in sorted(means)]
    assert {share.name: share.value for share in speaker.shares} == {
        name: f"{value:.2f}" for name, value in means.items()
    }
    assert sum(share.n for share in sex.shares) == len(seen)


def test_the_largest_gap_is_told_with_its_interval_and_with_what_chance_makes(
    records: pd.DataFrame, measured: Measured
) -> None:
    speaker, _ = Fares(records, measured).across()
    told = re.fullmatch(
        r"Largest gap (0\.\d\d) \((.*)–(.*)\), from (S\d) to (S\d)\. Groups of so many clips that do not differ show a "
        r"gap of up to (0\.\d\d) by chance \(19 times in 20\); this is (no )?larger\.",
        speaker.says,
    )
    assert told is not None
    value, low, high = map(float, told.groups()[:3])
    assert low <= value <= high
    assert (told[4], told[5]) == (speaker.shares[0].name, speaker.shares[-1].name)
    assert (told[7] is None) == (value > float(told[6]))


def test_a_group_that_is_far_below_the_others_is_more_than_chance(records: pd.DataFrame, measured: Measured) -> None:
    bad = records.copy()
    bad.loc[bad["group.speaker"] == "S3", "predicted"] = "none of these"
    bad.loc[bad["group.speaker"] != "S3", "predicted"] = bad["emotion"]
    speaker, _ = Fares(bad, measured).across()
    assert speaker.shares[0].name == "S3"
    assert speaker.says.endswith("this is larger.")


def test_the_recall_of_an_emotion_leaves_small_groups_aside_and_names_them(
    records: pd.DataFrame, measured: Measured
) -> None:
    fear = records[(records["emotion"] == "fear") & (records["group.speaker"] == "S1")]["sample"].unique()
    fewer = records[~records["sample"].isin(fear[2:])]
    speaker = next(column for column in Fares(fewer, measured).across("fear") if column.name == "speaker")
    assert speaker.aside == {"S1": 2}
    assert "S1" not in [share.name for share in speaker.shares]


def test_without_clean_answers_nothing_is_compared(records: pd.DataFrame, measured: Measured) -> None:
    assert Fares(records[records["check"] != "clean"], measured).across() == []


@pytest.mark.parametrize(("page", "measure"), [("index.html", "Accuracy"), ("emotion/fear.html", "Recall")])
def test_the_pages_have_a_table_for_every_column(failed_report: Path, page: str, measure: str) -> None:
    found = PAGES.Page(failed_report / page)
    labels = [attrs.get("aria-label") for _, attrs in found.tags]
    assert {f"{measure} across speaker", f"{measure} across sex"} <= set(labels)
    assert found.text.count("by chance (19 times in 20)") == 2
