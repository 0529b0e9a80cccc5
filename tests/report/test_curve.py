"""Curves, confusions and worst cases: what the report reads out of an audit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from audit.report import case, confusion, plots
from audit.report.curve import curve, table
from audit.report.measured import Measured


@pytest.fixture
def audit(failed_report: Path) -> dict[str, Any]:
    return json.loads((failed_report / "audit.json").read_text(encoding="utf-8"))


@pytest.fixture
def measured(audit: dict[str, Any]) -> Measured:
    return Measured(audit)


@pytest.fixture
def records(failed_report: Path) -> pd.DataFrame:
    return pd.read_parquet(failed_report / "records.parquet")


def test_a_curve_has_every_severity_with_the_value_of_the_audit(measured: Measured, audit: dict[str, Any]) -> None:
    drawn = curve(measured, "gaussian_noise", "fear")
    assert drawn is not None
    rows = {
        r["at"]: r
        for r in audit["metrics"]
        if (r["check"], r["metric"], r["emotion"]) == ("gaussian_noise", "recall", "fear")
    }
    assert [point.at for point in drawn.points] == sorted(rows)
    for point in drawn.points:
        assert (point.value, [point.low, point.high]) == (rows[point.at]["value"], rows[point.at]["interval"])


def test_a_check_that_was_not_judged_has_no_curve(measured: Measured) -> None:
    assert curve(measured, "white_noise") is None


def test_a_curve_says_where_it_starts_and_ends(measured: Measured) -> None:
    drawn = curve(measured, "fgsm")
    assert drawn is not None
    assert drawn.clean is not None
    assert drawn.says.startswith(
        f"Accuracy falls from {drawn.clean:.2f} clean to {drawn.points[-1].value:.2f} at epsilon 0.02"
    )
    assert "first falls under one half at" in drawn.says


def test_signal_to_noise_runs_from_mild_to_severe(passed_report: Path) -> None:
    measured = Measured(json.loads((passed_report / "audit.json").read_text(encoding="utf-8")))
    drawn = curve(measured, "white_noise")
    assert drawn is not None
    assert [point.at for point in drawn.points] == [40, 30, 20, 10, 5, 0]
    left, right = plots.figure(drawn, "95%")["layout"]["xaxis"]["range"]
    assert left > 40 > 0 > right


def test_the_table_under_a_curve_has_a_row_per_severity_and_a_column_per_emotion(measured: Measured) -> None:
    drawn = curve(measured, "gaussian_noise")
    assert drawn is not None
    head, rows = table(measured, drawn)
    assert len(rows) == len(drawn.points)
    assert {f"recall, {name}" for name in drawn.emotions} <= set(head)
    assert {len(row) for row in rows} == {len(head)}


def test_a_limit_stands_at_its_severity(measured: Measured) -> None:
    drawn = curve(measured, "gaussian_noise", "fear")
    assert drawn is not None
    assert drawn.limits == ((0.05, 0.62, "at least 0.62"),)
    (trace,) = (trace for trace in plots.figure(drawn, "95%")["data"] if trace.get("name") == "limit")
    assert (trace["x"], trace["y"]) == ([0.05], [0.62])


def test_an_embedded_figure_cannot_end_its_script_and_reads_back_the_same() -> None:
    figure = {"name": "</script><!--&\u2028", "x": [1.5]}
    text = plots.embedded(figure)
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == figure


def test_a_label_is_short_and_its_tags_are_text() -> None:
    assert plots.label("<b>x</b>") == "&lt;b&gt;x&lt;/b&gt;"
    assert len(plots.label("long " * 50)) == plots.LONGEST_LABEL


def test_the_second_matrix_of_a_sweep_is_where_accuracy_is_lowest(measured: Measured) -> None:
    clean, noise, fgsm = confusion.matrices(measured)
    assert (clean.condition, noise.condition) == ("clean", "gaussian_noise at sigma 0.3")
    assert fgsm.accuracy <= min(p.value for p in curve(measured, "fgsm").points) + 1e-9  # type: ignore[union-attr]
    for matrix in (clean, noise, fgsm):
        assert all(sum(share.count for share in shares) == 40 for _, shares in matrix.rows)


def test_an_emotions_mistakes_start_with_what_is_right(measured: Measured) -> None:
    found = confusion.taken_for(measured, "sadness")
    assert found is not None
    assert found.conditions[0] == "clean"
    assert found.rows[0][0] == "sadness"
    assert sum(shares[0].count for _, shares in found.rows) == 40
    assert confusion.taken_for(measured, "boredom") is None


def test_first_flips_are_at_the_mildest_severity_that_changes_the_answer(
    measured: Measured, records: pd.DataFrame
) -> None:
    found = case.flips(records, measured, "fear")
    assert found
    for flip in found:
        check, _, condition = flip.condition.partition(", ")
        at = float(condition.split()[1])
        own = records[(records["check"] == check) & (records["sample"] == flip.sample) & (records["measure"] == "")]
        wrong = own[own["predicted"] != "fear"]
        assert (wrong["severity"].min(), flip.taken_for) == (at, wrong.sort_values("severity")["predicted"].iloc[0])


def test_the_largest_swing_is_the_largest_loss_between_neighbours(measured: Measured, records: pd.DataFrame) -> None:
    which = measured.document["model"]["emotions"].index("fear")
    own = records[
        (records["check"].isin(["clean", "fgsm"])) & (records["emotion"] == "fear") & (records["measure"] == "")
    ]
    wide = own.assign(p=[row[which] for row in own["probabilities"]]).fillna({"severity": -1.0})
    losses = wide.pivot(index="sample", columns="severity", values="p").diff(axis=1).min(axis=1)
    found = [swing for swing in case.swings(records, measured, "fear") if swing.condition.startswith("fgsm")]
    assert [swing.sample for swing in found] == list(losses.sort_values().index[: case.MOST_CASES])
