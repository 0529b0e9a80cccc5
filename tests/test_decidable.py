"""Which gates so many clips can decide."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit.data import Sample
from audit.decidable import Reach, reaches
from audit.gate_id import due
from audit.intervals import paired_difference, wilson
from audit.suite import read_suite

EMOTIONS = ("anger", "fear")


def found(folder: Path, gate: str, clips: int, *, decide: str = "{}", samples: str = "") -> Reach:
    file = folder / "x.audit.yaml"
    check = f"{{check: corruption, method: gaussian_noise, sweep: {{sigma: [0.1]}}, {samples} gates: [{gate}]}}"
    file.write_text(f"version: 1\nsuite: s\ndecide: {decide}\nchecks: [{check}]\n")
    suite = read_suite(file)
    everyone = [Sample(f"{e}{n}", None, e, {"speaker": f"s{n % 5}"}) for e in EMOTIONS for n in range(clips)]
    (first, *_) = reaches(suite, due(suite, EMOTIONS), everyone)
    return first


@pytest.mark.parametrize("least", [0.5, 0.8, 0.9, 0.95])
def test_so_many_may_be_wrong_and_one_more_may_not(tmp_path: Path, least: float) -> None:
    reach = found(tmp_path, f"{{metric: accuracy, at: 0.1, min: {least}}}", 60)
    assert (reach.id, reach.clips) == ("gaussian-noise::accuracy-at-0.1", 120)
    assert reach.room is not None
    assert wilson(1 - reach.room / 120, 120, 0.95)[0] >= least
    assert wilson(1 - (reach.room + 1) / 120, 120, 0.95)[0] < least


def test_clips_that_cannot_pass_a_gate_are_told_how_many_could(tmp_path: Path) -> None:
    reach = found(tmp_path, "{metric: recall, per: emotion, at: 0.1, min: 0.9}", 20)
    assert (reach.room, reach.clips) == (None, 20)
    assert reach.least is not None
    assert wilson(1.0, reach.least, 0.95)[0] >= 0.9
    assert wilson(1.0, reach.least - 1, 0.95)[0] < 0.9
    told = "gaussian-noise::recall-at-0.1::anger cannot pass: 20 clips without a fault leave it open, "
    assert str(reach) == f"{told}{reach.least} would not"


def test_a_check_of_some_clips_counts_those(tmp_path: Path) -> None:
    assert found(tmp_path, "{metric: accuracy, at: 0.1, min: 0.5}", 60, samples="samples: 30,").clips == 30


def test_few_clusters_ask_for_more(tmp_path: Path) -> None:
    gate = "{metric: accuracy, at: 0.1, min: 0.9}"
    alone, clustered = (found(tmp_path, gate, 60, decide=decide) for decide in ("{}", "{cluster: speaker}"))
    assert alone.room is not None
    assert clustered.room is None or clustered.room < alone.room


@pytest.mark.parametrize("gate", ["{metric: drop, at: 0.1, max: 0.1}", "{metric: accuracy_change, at: 0.1, min: -0.1}"])
def test_a_fall_counts_the_clips_that_may_be_lost(tmp_path: Path, gate: str) -> None:
    reach = found(tmp_path, gate, 60)
    assert reach.room is not None
    assert paired_difference(reach.room / 120, 0.0, 120, 0.95)[1] <= 0.1
    assert paired_difference((reach.room + 1) / 120, 0.0, 120, 0.95)[1] > 0.1


def test_what_no_number_of_clips_would_show_is_told(tmp_path: Path) -> None:
    assert "no number of clips" in str(found(tmp_path, "{metric: accuracy, at: 0.1, min: 1.0}", 60))
