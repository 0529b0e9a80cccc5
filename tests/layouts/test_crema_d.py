"""CREMA-D, read from its names and its table of actors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from audit.data import Problem, Sample
from audit.dataset import open_dataset
from audit.errors import DataError
from audit.layouts.crema_d import EMOTIONS, SENTENCES, crema_d
from audit.suite import DataSource, Use

TABLE = """"ActorID","Age","Sex","Race","Ethnicity"
1001,51,"Male","Caucasian","Not Hispanic"
1002,21,"Female","African American",""
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "AudioWAV").mkdir()
    (tmp_path / "VideoFlash").mkdir()
    return tmp_path


def recorded(root: Path, *names: str) -> None:
    for name in names:
        (root / "AudioWAV" / name).write_bytes(b"RIFF")


def test_a_name_says_actor_sentence_emotion_and_intensity(root: Path) -> None:
    recorded(root, "1001_DFA_ANG_XX.wav", "1002_IEO_HAP_HI.wav", "1003_TSI_SAD_XX.flac")
    first, second, third = crema_d(root)
    assert first == Sample(
        "1001_DFA_ANG_XX",
        root / "AudioWAV" / "1001_DFA_ANG_XX.wav",
        "anger",
        {"speaker": "1001", "sentence": "DFA", "intensity": "unspecified"},
    )
    assert isinstance(second, Sample)
    assert (second.emotion, second.groups["intensity"]) == ("happy", "high")
    assert isinstance(third, Sample)
    assert third.emotion == "sad"
    assert list(crema_d(root / "AudioWAV")) == [first, second, third]


def test_every_sentence_and_emotion_of_the_data_set_is_known(root: Path) -> None:
    recorded(root, *(f"1091_{sentence}_{emotion}_XX.wav" for sentence in SENTENCES for emotion in EMOTIONS))
    found = list(crema_d(root))
    assert all(isinstance(item, Sample) for item in found)
    assert len(found) == 72


def test_the_table_beside_it_says_who_the_actors_are(root: Path) -> None:
    (root / "VideoDemographics.csv").write_text(TABLE)
    recorded(root, "1001_DFA_ANG_XX.wav", "1002_DFA_ANG_XX.wav", "1003_DFA_ANG_XX.wav", "1003_DFA_DIS_XX.wav")
    found = list(crema_d(root))
    first, second, third, fourth = (item.groups for item in found if isinstance(item, Sample))
    assert first.items() >= {
        ("age", "51"),
        ("sex", "male"),
        ("race", "caucasian"),
        ("ethnicity", "not hispanic"),
    }
    assert (second["sex"], "ethnicity" in second) == ("female", False)
    assert "sex" not in third
    assert "sex" not in fourth
    (problem,) = (item for item in found if isinstance(item, Problem))
    assert problem.path == str(root / "VideoDemographics.csv")
    assert "no row for actor 1003" in problem.reason


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("1001_DFA_ANG.wav", "none of CREMA-D's, 1001_DFA_ANG_XX"),
        ("1001_DFA_ANG_XX.mp3", "none of CREMA-D's, 1001_DFA_ANG_XX with .wav or .flac"),
        ("1001_DFB_ANG_XX.wav", "sentence 'DFB' in its name is none of DFA, IEO"),
        ("1001_DFA_ANX_XX.wav", "emotion 'ANX' in its name is none of ANG, DIS, FEA, HAP, NEU, SAD; did you mean"),
        ("1001_DFA_ANG_YY.wav", "intensity 'YY' in its name is none of LO, MD, HI, XX"),
    ],
)
def test_a_file_with_another_name_is_a_problem(root: Path, name: str, reason: str) -> None:
    recorded(root, name, ".DS_Store")
    (problem,) = crema_d(root)
    assert isinstance(problem, Problem)
    assert problem.path.endswith(name)
    assert reason in problem.reason


def test_a_name_that_was_cut_short_in_early_copies_is_read(root: Path) -> None:
    recorded(root, "1040_ITH_SAD_X.wav")
    (sample,) = crema_d(root)
    assert isinstance(sample, Sample)
    assert sample.groups["intensity"] == "unspecified"


def test_a_pointer_in_a_recordings_place_is_a_problem_that_says_how_to_fetch_it(root: Path) -> None:
    recorded(root, "1001_DFA_ANG_XX.wav")
    (root / "AudioWAV" / "1001_DFA_DIS_XX.wav").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:c6f94b\nsize 72862\n"
    )
    first, second = crema_d(root)
    assert isinstance(first, Sample)
    assert isinstance(second, Problem)
    assert "git lfs pull" in second.reason


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (
            '"ActorID","Age","Gender"\n',
            r"VideoDemographics.csv:1: no column Ethnicity, Race, Sex \(there are: .*Gender",
        ),
        ("", "no column ActorID"),
        (b"\xff\xfe1", "cannot be read as a table"),
    ],
)
def test_a_table_of_something_else_is_an_error(root: Path, table: str | bytes, told: str) -> None:
    recorded(root, "1001_DFA_ANG_XX.wav")
    (root / "VideoDemographics.csv").write_bytes(table if isinstance(table, bytes) else table.encode())
    with pytest.raises(DataError, match=told):
        list(crema_d(root))


def test_without_the_folder_it_is_an_error_that_says_what_is_due(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder; layout crema_d takes the folder that holds AudioWAV/"):
        list(crema_d(tmp_path))


def test_its_clips_are_read_as_sound(root: Path) -> None:
    soundfile.write(root / "AudioWAV" / "1001_DFA_ANG_XX.wav", np.full(1600, 0.25), 16000, subtype="FLOAT")
    dataset = open_dataset(DataSource(Use("layout", "crema_d"), root), ("anger",))
    (sample,) = dataset.samples
    assert dataset.read is None
    assert soundfile.info(str(sample.path)).samplerate == 16000
