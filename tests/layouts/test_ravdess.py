"""RAVDESS, read from its names."""

from collections import Counter
from pathlib import Path

import pytest

from audit.data import Problem, Sample
from audit.dataset import open_dataset
from audit.errors import DataError
from audit.layouts.ravdess import ravdess
from audit.suite import DataSource, Use

NEMO = ("anger", "fear", "happiness", "neutral", "sadness", "surprised")
TO_NEMO = {"angry": "anger", "fearful": "fear", "happy": "happiness", "sad": "sadness"}


def test_a_name_says_emotion_intensity_statement_actor_and_sex(tmp_path: Path) -> None:
    for name in ("Actor_12/03-01-06-02-01-02-12.wav", "Actor_03/03-02-02-01-02-01-03.flac"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    first, second = ravdess(tmp_path)
    assert isinstance(first, Sample)
    assert isinstance(second, Sample)
    assert (first.id, first.emotion, second.emotion) == ("03-02-02-01-02-01-03", "calm", "fearful")
    assert first.groups == {
        "speaker": "03",
        "sex": "male",
        "intensity": "normal",
        "statement": "dogs",
        "channel": "song",
    }
    assert (second.groups["sex"], second.groups["intensity"], second.groups["statement"]) == (
        "female",
        "strong",
        "kids",
    )


def test_what_is_no_audio_recording_of_it_is_a_problem(tmp_path: Path) -> None:
    folder = tmp_path / "Actor_01"
    folder.mkdir()
    for name in ("notes.txt", "03-01-09-01-01-01-01.wav", "01-01-01-01-01-01-01.wav", "03-01-01-01-01-01.wav"):
        (folder / name).touch()
    found = list(ravdess(tmp_path))
    assert all(isinstance(item, Problem) for item in found)
    assert "has pictures" in found[0].reason  # type: ignore[union-attr]
    with pytest.raises(DataError, match="no folders Actor_NN"):
        list(ravdess(folder))


@pytest.mark.data
def test_twelve_actors_of_the_real_thing_are_all_placed(audit_data: Path) -> None:
    found = list(ravdess(audit_data / "ravdess"))
    assert all(isinstance(item, Sample) for item in found)
    assert len(found) == 720
    counts = Counter(item.emotion for item in found if isinstance(item, Sample))
    assert counts["neutral"] == 48
    assert set(counts.values()) == {48, 96}


@pytest.mark.data
def test_emotions_that_are_not_judged_are_left_out_and_counted(audit_data: Path) -> None:
    source = DataSource(Use("layout", "ravdess"), audit_data / "ravdess", rename=TO_NEMO, emotions=NEMO)
    dataset = open_dataset(source, NEMO)
    assert len(dataset.samples) == 720 - 192
    assert dataset.left_out == {"calm": 96, "disgust": 96}
    assert dataset.problems == ()


def test_the_kind_of_recording_is_chosen_and_the_others_are_not_asked_for(tmp_path: Path) -> None:
    folder = tmp_path / "Actor_01"
    folder.mkdir()
    rest = "-01-03-01-01-01-01"
    for name in (f"01{rest}.mp4", f"02{rest}.mp4", f"03{rest}.wav", f"03{rest}.mp4"):
        (folder / name).touch()
    for kind, number, ending in (("audiovisual", "01", ".mp4"), ("video", "02", ".mp4"), ("audio", "03", ".wav")):
        found = list(ravdess(tmp_path, recordings=kind))  # type: ignore[arg-type]
        (sample,) = (each for each in found if isinstance(each, Sample))
        assert sample.path == folder / f"{number}{rest}{ending}"
        (problem,) = (each for each in found if isinstance(each, Problem))
        assert "is sound alone, and .mp4 is not" in problem.reason
    (folder / f"03{rest}.wav").unlink()
    with pytest.raises(DataError, match=r"no recordings of audio, only 1 of audiovisual, 1 of video; .*`recordings:`"):
        list(ravdess(tmp_path))
