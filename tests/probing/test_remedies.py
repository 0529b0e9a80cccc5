"""What is said of remedies that are sure, and of those that are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from audit.data import Sample
from audit.input_spec import SpeechInput
from audit.manifest import Manifest, read_manifest
from audit.model import TorchModel
from audit.probing import remedies
from audit.probing.clips import Clips
from audit.probing.readings import Reading
from audit.probing.remedies import by_order, by_reading, unsure_order
from audit.probing.trial import Trial

NAMES = ("a", "b", "c", "d")
SPEC = SpeechInput(8000, 1.0, "waveform")


def trial(truths: list[int], answers: list[int]) -> Trial:
    clips = Clips(tuple(Sample(f"c{i}", None, NAMES[truth]) for i, truth in enumerate(truths)), ())
    return Trial(clips, NAMES, torch.zeros(len(truths), 3), torch.eye(4)[answers])


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    path = tmp_path / "x.model.yaml"
    path.write_text(
        "version: 1\nmodel: x\nloader: torch\nemotions: [a, b, c, d]\n"
        "input: {sampling_rate: 8000, seconds: 1, representation: waveform}\n"
    )
    return read_manifest(path)


def test_a_better_order_on_few_clips_is_named_with_how_to_be_sure(manifest: Manifest) -> None:
    truths = [0, 1, 2, 3] * 2
    seen = trial(truths, [(truth + 1) % 4 for truth in truths])
    assert by_order(manifest, seen) is None
    assert unsure_order(manifest, seen) == (
        "`emotions: [d, a, b, c]` would give 1.00; 8 clips are too few to be sure, ask for more with --limit"
    )


def test_an_order_that_fits_any_answers_as_well_is_not_recommended(manifest: Manifest) -> None:
    rng = np.random.default_rng(5)
    truths = [0, 1, 2, 3] * 6
    answers = rng.permutation(truths).tolist()
    told = unsure_order(manifest, trial(truths, answers))
    assert told.startswith("the best other order fits no better than one fits answers drawn at random (0.")
    assert unsure_order(manifest, trial(truths, truths)) == "no other order fits much better (the best 1.00)"


def test_readings_that_cannot_be_told_apart_are_all_named(monkeypatch: pytest.MonkeyPatch) -> None:
    truths = [0, 1, 2, 3] * 20
    right = {"best": 76, "near": 74, "worse": 40}
    trials = {
        name: trial(truths, [truth if i < count else (truth + 1) % 4 for i, truth in enumerate(truths)])
        for name, count in right.items()
    }
    monkeypatch.setattr(remedies, "tried_otherwise", lambda model, clips, reading: trials[reading.lines["order"]])
    seen = [(Reading("axis order", {"order": name}, SPEC), found) for name, found in trials.items()]
    now = trial(truths, [(truth + 1) % 4 for truth in truths])
    cause = by_reading(TorchModel(nn.Identity(), SPEC, NAMES), now, seen, 0.25)
    assert cause is not None
    assert cause.lines == {"input": {"order": "best"}}
    assert cause.finding == (
        "with `order: best` 0.95 of 80 clips are right; not surely worse: with `order: near` 0.93. Which it was "
        "trained with, its code tells"
    )
