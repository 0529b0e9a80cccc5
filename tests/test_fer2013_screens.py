"""Screens of real data: what is known to be wrong with FER2013, and recordings with nothing wrong that are let be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from audit.checks.data import DataRun
from audit.checks.session import Session
from audit.data import recording_of
from audit.dataset import open_dataset, open_train
from audit.errors import DataError
from audit.input_spec import FaceInput, InputSpec, SpeechInput
from audit.model import TorchModel
from audit.progress import Unwatched
from audit.record import Record
from audit.suite import Check, DataSource, Use

pytestmark = pytest.mark.data
FACES = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
NEMO = ("anger", "fear", "happiness", "neutral", "sadness", "surprised")
RAVDESS = ("angry", "calm", "disgust", "fearful", "happy", "neutral", "sad", "surprised")
SPEECH = SpeechInput(16000, 3.0, "waveform")


def run_on(
    source: DataSource, emotions: tuple[str, ...], spec: InputSpec, *screens: str, blank: bool = False
) -> tuple[DataRun, list[Record]]:
    """Run a data check as an audit would; with `blank`, pictures that a model cannot be shown are set aside."""
    dataset = open_dataset(source, emotions)
    unusable = []
    for sample in dataset.samples if blank else ():
        try:
            recording_of(sample, dataset, spec)
        except DataError:
            unusable.append(sample)
    kept = tuple(sample for sample in dataset.samples if sample not in unusable)
    dataset = replace(dataset, samples=kept, unusable=tuple(unusable))
    nothing = torch.empty(0)
    model = TorchModel(nn.Identity(), spec, emotions, name="none")
    session = Session(model, dataset.samples, nothing, nothing, nothing, nothing, 7, 32, Unwatched())
    check = Check("data", "data", tuple(Use("screen", name) for name in screens))
    run = DataRun(check, session, dataset, open_train(source, emotions))
    return run, list(run.records())


@pytest.fixture(scope="module")
def fer2013(audit_data: Path) -> tuple[DataRun, list[Record]]:
    folder = Use("layout", "folder")
    root = audit_data / "fer2013"
    if not root.is_dir():
        pytest.skip(f"no pictures in {root}")
    source = DataSource(folder, root / "test", train=DataSource(folder, root / "train"))
    screens = ("exact_copies", "conflicting_labels", "blank", "clipped")
    return run_on(source, FACES, FaceInput(48, 48), *screens, blank=True)


def test_the_known_copies_labels_and_blanks_of_fer2013_are_found(fer2013: tuple[DataRun, list[Record]]) -> None:
    run, records = fer2013
    rows = {row["screen"]: row for row in run.summary["screens"]}
    assert (run.summary["judged"], run.summary["train"], run.summary["unread"]) == (7177, 28709, 0)
    # 568 test pictures are in the train set pixel by pixel; one of them is black, and no model can be shown it.
    copies = rows["exact_copies"]
    assert (copies["in_train_too"], copies["not_judged"]) == (567, 1)
    # 86 more are beyond the first of equal test pictures, 37 of them in the train set as well.
    assert copies["found"] == 616
    labels = rows["conflicting_labels"]
    assert labels["groups"] == 57
    assert (labels["found"], labels["not_judged"], labels["train"]) == (32, 1, 127)
    assert (rows["blank"]["found"], rows["blank"]["not_judged"], rows["blank"]["train"]) == (0, 1, 12)
    scores = [record.score for record in records if record.method == "exact_copies"]
    assert (len(scores), sum(scores)) == (7177, 616.0)


def test_what_is_called_a_copy_has_the_same_pixels_in_its_file(
    fer2013: tuple[DataRun, list[Record]], audit_data: Path
) -> None:
    run, _ = fer2013
    (row,) = (row for row in run.summary["screens"] if row["screen"] == "exact_copies")
    for each in row["findings"][:60]:
        pictures = []
        for name in (each["name"], each["partner"]):
            with Image.open(audit_data / "fer2013" / name) as image:
                pictures.append(np.asarray(image))
        np.testing.assert_array_equal(*pictures)


def test_test_pictures_of_fer2013_are_in_its_train_set_in_another_crop_as_well(audit_data: Path) -> None:
    folder = Use("layout", "folder")
    root = audit_data / "fer2013"
    source = DataSource(
        folder,
        root / "test",
        {"random": 0.05},
        emotions=("happy",),
        seed=7,
        train=DataSource(folder, root / "train", emotions=("happy",)),
    )
    run, _ = run_on(source, FACES, FaceInput(48, 48), "near_copies", "exact_copies")
    exact = {name for name, reason in run.found["exact_copies"].items() if "in the train set" in reason}
    near = set(run.found["near_copies"])
    assert exact <= near
    assert len(near) > 2 * len(exact)


def test_in_ravdess_one_repetition_is_a_copy_and_no_other_take_is_even_near(audit_data: Path) -> None:
    source = DataSource(Use("layout", "ravdess"), audit_data / "ravdess", {"random": 0.5}, seed=7, train="rest")
    screens = ("exact_copies", "conflicting_labels", "near_copies", "silent", "clipped", "shared_groups")
    run, _ = run_on(source, RAVDESS, SPEECH, *screens)
    told = "same waveform as Actor_07/03-01-03-01-02-01-07.flac in the judged set, with the same label"
    assert run.found.pop("exact_copies") == {"03-01-03-01-02-02-07": told}
    assert len(run.found.pop("shared_groups")) == 360
    assert run.found == {"conflicting_labels": {}, "near_copies": {}, "silent": {}, "clipped": {}}


def test_the_same_sentences_by_the_same_speakers_of_nemo_are_no_copies(audit_data: Path) -> None:
    few = ("anger", "neutral")
    source = DataSource(Use("layout", "nemo"), audit_data / "nemo", {"random": 0.2}, emotions=few, seed=7, train="rest")
    run, _ = run_on(source, NEMO, SPEECH, "near_copies", "exact_copies", "conflicting_labels", "silent", "clipped")
    assert {name: len(found) for name, found in run.found.items()} == dict.fromkeys(run.found, 0)
    assert len(run.found) == 5
