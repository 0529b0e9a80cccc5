"""Exact copies, conflicting labels and shared groups."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from audit.checks.data import DataRun
from audit.data import Dataset
from audit.dataset import open_dataset, open_train
from audit.screening import Decoded
from audit.screens.digest import digest
from audit.suite import DataSource, Use

from .made import EMOTIONS, FACES, RATE, check_of, found_by, sample, session_of, texture, voice, write

Screened = Callable[..., DataRun]


def test_a_picture_of_the_train_set_is_found_with_its_partner_and_label(screened: Screened) -> None:
    judged = {"anger/a": texture(1), "fear/b": texture(2), "fear/c": texture(3)}
    run = screened(judged, {"fear/x": texture(1), "fear/y": texture(2), "fear/z": texture(9)}, "exact_copies")
    assert found_by(run) == {"exact_copies": {"anger/a": 1.0, "fear/b": 1.0, "fear/c": 0.0}}
    assert run.found["exact_copies"] == {
        "anger/a": "same pixels as train/fear/x.png in the train set, labelled fear there",
        "fear/b": "same pixels as train/fear/y.png in the train set, with the same label",
    }
    assert run.refused == {}


def test_of_equal_judged_pictures_the_first_stays(screened: Screened) -> None:
    judged = {"anger/a": texture(1), "anger/b": texture(1), "fear/c": texture(1), "fear/d": texture(2)}
    run = screened(judged, None, "exact_copies")
    scores = found_by(run)["exact_copies"]
    assert scores == {"anger/a": 0.0, "anger/b": 1.0, "fear/c": 1.0, "fear/d": 0.0}
    assert run.found["exact_copies"]["fear/c"] == "same pixels as anger/a.png in the judged set, labelled anger there"


def test_the_same_pixels_in_another_format_are_an_exact_copy(tmp_path: Path) -> None:
    picture = texture(5)
    write(tmp_path / "train", {"anger/x": picture})
    (tmp_path / "test" / "anger").mkdir(parents=True)
    with Image.open(tmp_path / "train" / "anger" / "x.png") as image:
        image.save(tmp_path / "test" / "anger" / "other.bmp")
    folder = Use("layout", "folder")
    source = DataSource(folder, tmp_path / "test", train=DataSource(folder, tmp_path / "train"))
    dataset = open_dataset(source, EMOTIONS)
    run = DataRun(check_of("exact_copies"), session_of(dataset, FACES), dataset, open_train(source, EMOTIONS))
    assert found_by(run)["exact_copies"] == {"anger/other": 1.0}


def test_a_clip_is_found_by_its_waveform_whatever_file_holds_it(screened: Screened, tmp_path: Path) -> None:
    # Sixteen bits are the same sound as WAV and as FLAC.
    sound = np.rint(voice(3) * 32767) / 32768
    run = screened({"anger/a": sound.astype(np.float32), "fear/b": voice(4)}, {"anger/x": voice(8)}, "exact_copies")
    soundfile.write(tmp_path / "train" / "anger" / "y.flac", sound, RATE)
    trained = open_train(
        DataSource(Use("layout", "folder"), None, train=DataSource(Use("layout", "folder"), tmp_path / "train")),
        EMOTIONS,
    )
    again = DataRun(run.check, run.session, run.dataset, trained)
    assert found_by(again)["exact_copies"] == {"anger/a": 1.0, "fear/b": 0.0}
    assert again.found["exact_copies"]["anger/a"].startswith("same waveform as train/anger/y.flac in the train set")


def test_a_test_set_that_lies_in_the_train_set_is_a_finding_not_an_error(tmp_path: Path) -> None:
    files = {"anger/a": texture(1), "fear/b": texture(2), "happiness/c": texture(3)}
    folder = DataSource(Use("layout", "folder"), write(tmp_path, files))
    source = replace(folder, train=folder)
    dataset = open_dataset(source, EMOTIONS)
    run = DataRun(check_of("exact_copies"), session_of(dataset, FACES), dataset, open_train(source, EMOTIONS))
    assert set(found_by(run)["exact_copies"].values()) == {1.0}
    assert set(run.found["exact_copies"].values()) == {"this very file is in the train set"}


def test_one_changed_pixel_one_changed_sample_or_another_rate_is_another_content() -> None:
    picture = np.rint(np.repeat(texture(1)[..., None], 3, axis=2) * 255) / np.float32(255)
    other = picture.copy()
    other[3, 4, 1] += 1 / 255
    assert digest(Decoded(picture, 0)) != digest(Decoded(other, 0))
    assert digest(Decoded(picture, 0)) == digest(Decoded(picture + np.float32(1e-4), 0))
    sound = voice(1)
    changed = sound.copy()
    changed[100] = np.nextafter(changed[100], 1)
    assert digest(Decoded(sound, RATE)) != digest(Decoded(changed, RATE))
    assert digest(Decoded(sound, RATE)) != digest(Decoded(sound, 8000))
    zeros = np.zeros(100, np.float32)
    assert digest(Decoded(zeros, RATE)) == digest(Decoded(-zeros, RATE))


def test_conflicting_labels_are_found_over_both_sets_and_counted_in_groups(screened: Screened) -> None:
    judged = {"anger/a": texture(1), "fear/b": texture(2), "anger/c": texture(3), "fear/d": texture(3)}
    train = {"fear/x": texture(1), "fear/y": texture(2), "anger/v": texture(7), "happiness/w": texture(7)}
    run = screened(judged, train, "conflicting_labels")
    assert found_by(run)["conflicting_labels"] == {"anger/a": 1.0, "fear/b": 0.0, "anger/c": 1.0, "fear/d": 1.0}
    (row,) = run.summary["screens"]
    assert (row["found"], row["train"], row["groups"]) == (3, 3, 3)
    assert run.found["conflicting_labels"]["fear/d"] == (
        "same pixels as test/anger/c.png in the judged set, labelled fear here and anger there"
    )


def test_labels_that_agree_do_not_conflict_however_often(screened: Screened) -> None:
    run = screened({"anger/a": texture(1), "anger/b": texture(1)}, {"anger/x": texture(1)}, "conflicting_labels")
    assert set(found_by(run)["conflicting_labels"].values()) == {0.0}


def test_every_clip_of_a_shared_speaker_is_found(screened: Screened) -> None:
    judged = {"anger/s1_a": texture(1), "fear/s1_b": texture(2), "fear/s2_c": texture(3)}
    run = screened(judged, {"anger/s1_x": texture(4), "fear/s3_y": texture(5)}, "shared_groups", speaker="^[^_]+")
    assert found_by(run)["shared_groups"] == {"anger/s1_a": 1.0, "fear/s1_b": 1.0, "fear/s2_c": 0.0}
    assert run.found["shared_groups"]["anger/s1_a"] == "speaker s1 is in the train set too, in 1 picture"
    assert run.summary["screens"][0]["groups"] == 1


@pytest.mark.parametrize(
    ("column", "told"),
    [
        ("spaeker", "2 of 2 pictures of the train set have no column 'spaeker', the first x; did you mean 'speaker'?"),
        ("room", r"1 of 2 pictures of the judged set have no column 'room', the first b \(there are: room, speaker\)"),
    ],
)
def test_a_column_that_some_clips_lack_is_refused_by_name(column: str, told: str) -> None:
    judged = Dataset((sample("a", speaker="1", room="r"), sample("b", speaker="2")), ())
    train = Dataset((sample("x", speaker="1", room="r"), sample("y", speaker="3", room="r")), ())
    use = Use("screen", "shared_groups", {"column": column})
    run = DataRun(check_of(use), session_of(judged, FACES), judged, train)
    assert found_by(run) == {}
    with pytest.raises(AssertionError, match=told):
        raise AssertionError(run.refused["shared_groups"])
