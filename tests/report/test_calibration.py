"""Reliability diagrams: the bins of an audit's confidences, the figure, and what the pages say of it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from audit.data import Sample
from audit.estimator import Estimator
from audit.kinds import import_file
from audit.record import Record, table
from audit.reliability import reliability_rows
from audit.report.measured import Measured
from audit.report.plots import diagram
from audit.report.reliability import Reliability, reliabilities
from audit.suite import Check, Decide

PAGES = import_file(Path(__file__).with_name("pages.py"))
Clip = tuple[float, bool]
CLEAN = Check("clean", "clean")
NOISE = Check("noise", "corruption", sweep=("sigma", (0.1, 0.2)))


def estimator(clean: Sequence[Clip], **noisy: Sequence[Clip]) -> Estimator:
    """Return estimates over clips of joy, each as (confidence, right), clean and at each severity of noise."""
    swept = [("clean", math.nan, clean), *(("noise", float(at[1:]) / 10, clips) for at, clips in noisy.items())]
    records = [
        Record(check, check, "", at, Sample(f"{i}", None, "joy"), said, row, math.nan)
        for check, at, clips in swept
        for i, (confidence, right) in enumerate(clips)
        for said in ["joy" if right else "fear"]
        for row in [[confidence, 1 - confidence] if right else [1 - confidence, confidence]]
    ]
    return Estimator(table(records), ("joy", "fear"), {}, Decide())


def test_clips_are_binned_by_confidence_and_their_shares_have_wilsons_interval() -> None:
    clips = [(0.96, True)] * 30 + [(0.98, False)] * 10 + [(0.55, True)] * 4 + [(1.0, True)] * 2
    rows = reliability_rows([CLEAN], estimator(clips))
    assert [row["emotion"] for row in rows] == [None, "joy"]
    low, high = rows[0]["bins"]
    assert (low["from"], low["to"], low["count"]) == (pytest.approx(8 / 15), pytest.approx(9 / 15), 4)
    assert (high["count"], high["right"]) == (42, pytest.approx(32 / 42))
    assert high["confidence"] == pytest.approx((0.96 * 30 + 9.8 + 2) / 42)
    assert high["interval"][0] < high["right"] < high["interval"][1]
    assert (rows[0]["n"], rows[0]["ece"]) == (46, pytest.approx(estimator(clips).predicted("clean", "ece").value))


def test_the_calibration_error_is_the_mean_distance_of_the_bins_from_the_diagonal() -> None:
    rng = np.random.default_rng(2)
    clips = [(float(p), bool(rng.random() < p**2)) for p in rng.uniform(0.5, 1.0, 300)]
    (row, _) = reliability_rows([CLEAN], estimator(clips))
    apart = sum(each["count"] * abs(each["confidence"] - each["right"]) for each in row["bins"]) / row["n"]
    assert row["ece"] == pytest.approx(apart)


def test_a_sweep_is_shown_where_its_accuracy_is_lowest() -> None:
    sure, lost = [(0.9, True)] * 20, [(0.9, True)] * 5 + [(0.7, False)] * 15
    rows = reliability_rows([CLEAN, NOISE], estimator(sure, s1=lost, s2=sure))
    assert {(row["check"], row["at"]) for row in rows} == {("clean", None), ("noise", 0.1)}


@pytest.fixture
def measured(failed_report: Path) -> Measured:
    return Measured(json.loads((failed_report / "audit.json").read_text(encoding="utf-8")))


def test_each_diagram_says_whether_answers_are_surer_than_right(measured: Measured) -> None:
    drawn = {each.condition.split()[0]: each.says for each in reliabilities(measured, None)}
    assert set(drawn) == {"clean", "gaussian_noise", "fgsm"}
    assert drawn["fgsm"].startswith("fgsm at epsilon 0.02: answers are surer than they are right, mean confidence ")
    assert "; calibration error 0." in drawn["clean"]


def test_the_figure_has_a_point_with_its_interval_for_every_bin_that_has_one() -> None:
    bins = (
        {"from": 0.6, "to": 0.67, "count": 10, "confidence": 0.64, "right": 0.5, "interval": [0.24, 0.76]},
        {"from": 0.8, "to": 0.87, "count": 1, "confidence": 0.82, "right": 1.0, "interval": None},
        {"from": 0.93, "to": 1.0, "count": 90, "confidence": 0.97, "right": 0.9, "interval": [0.82, 0.95]},
    )
    drawn = Reliability("clean", "says", bins)
    (trace,) = diagram(drawn, "95%")["data"]
    assert (trace["x"], trace["y"]) == ([0.64, 0.97], [0.5, 0.9])
    assert trace["error_y"]["array"] == [0.26, 0.05]
    assert trace["error_y"]["arrayminus"] == [0.26, 0.08]
    assert trace["marker"]["size"][0] < trace["marker"]["size"][1]
    assert [row[1] for row in drawn.table[1]] == ["10", "1", "90"]
    assert drawn.table[1][1][3] == "1.000 (no interval)"


@pytest.mark.parametrize("page", ["index.html", "emotion/fear.html"])
def test_the_data_stand_under_every_diagram(failed_report: Path, page: str) -> None:
    found = PAGES.Page(failed_report / page)
    assert "Calibration" in found.ids
    assert found.text.count("mean confidence") >= 6
    labels = [attrs.get("aria-label", "") for tag, attrs in found.tags if attrs.get("class") == "plot"]
    assert sum("calibration error" in label for label in labels) == 3


def test_an_audit_without_bins_is_drawn_without_diagrams(failed_report: Path, tmp_path: Path) -> None:
    page = PAGES.redrawn(failed_report, tmp_path / "older", reliability=[])
    assert "No confidences were counted." in page.text
