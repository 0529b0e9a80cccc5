"""The benchmark that asks every saliency method for what a model is known to go by."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit.kinds import import_file


def test_the_table_says_what_each_method_finds_and_what_the_shortcut_is_worth(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    benchmark = import_file(repository / "benchmarks/localisation.py")
    arguments = ["--clips", "6", "--only", "shortcut-patch", "--methods", "gradient_times_input"]
    assert benchmark.main(arguments) == 0
    told = capsys.readouterr().out.splitlines()
    (heading,) = (line for line in told if line.startswith("shortcut-patch:"))
    # 5 x 5 of 48 x 48 pixels.
    assert "1.1% of the input (6 samples)" in heading
    (worth,) = (line for line in told if line.startswith("recall of happy"))
    assert worth.startswith("recall of happy: 1.00 with the shortcut, 0.0")
    rows = {line.split()[0]: line.split() for line in told if line.endswith(("baseline", "yes", "no", "unsure"))}
    assert set(rows) == {"energy", "gradient_times_input"}
    assert rows["energy"][-1] == "baseline"
    assert rows["gradient_times_input"][-1] == "yes"
    inside, chance = float(rows["gradient_times_input"][1]), float(rows["gradient_times_input"][5])
    assert inside > 0.05 > chance


def test_a_method_that_gives_no_maps_stands_there_with_its_reason(repository: Path) -> None:
    benchmark = import_file(repository / "benchmarks/localisation.py")
    lacking = benchmark.Estimate(None, None, 0, None, "gradcam gave no localisation")

    class NoScores:
        def mean_score(self, *asked: str) -> object:
            return lacking

    assert benchmark.row(NoScores(), "saliency", "gradcam", "", "it has no layer of maps").split(maxsplit=1) == [
        "gradcam",
        "refused: it has no layer of maps",
    ]
