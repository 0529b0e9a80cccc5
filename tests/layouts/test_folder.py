"""The layout with one folder per emotion."""

from pathlib import Path

import pytest

from audit.data import Problem, Sample
from audit.errors import DataError
from audit.layouts.folder import folder


def touch(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_recordings_are_found_by_their_ending_in_any_case(tmp_path: Path) -> None:
    touch(tmp_path, "fear/b.WAV", "anger/a.flac", "anger/c.Ogg", "anger/d.mp3", "anger/.DS_Store")
    found = list(folder(tmp_path))
    assert found == [
        Sample("anger/a", tmp_path / "anger/a.flac", "anger"),
        Sample("anger/c", tmp_path / "anger/c.Ogg", "anger"),
        Sample("anger/d", tmp_path / "anger/d.mp3", "anger"),
        Sample("fear/b", tmp_path / "fear/b.WAV", "fear"),
    ]


def test_pictures_are_found_by_their_ending_in_any_case(tmp_path: Path) -> None:
    touch(tmp_path, "fear/b.PNG", "fear/c.jpg", "fear/d.Jpeg", "fear/e.bmp", "fear/f.webp", "fear/.gitkeep")
    found = list(folder(tmp_path))
    assert all(isinstance(item, Sample) for item in found)
    assert [item.id for item in found if isinstance(item, Sample)] == [f"fear/{letter}" for letter in "bcdef"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("notes.txt", "outside the emotions' folders"),
        ("loose.wav", "outside the emotions' folders"),
        ("anger/notes.txt", "neither a clip nor a picture by its ending '.txt'"),
        ("anger/noending", "neither a clip nor a picture by its ending '' (looked for: .wav, .flac, .ogg, .mp3; .png,"),
        ("anger/take2/b.wav", "files are looked for one level deep"),
        ("anger/._a.txt.wav.bak", None),
    ],
)
def test_what_lies_there_besides_is_a_problem(tmp_path: Path, name: str, reason: str | None) -> None:
    touch(tmp_path, "anger/a.wav", name)
    problems = [item for item in folder(tmp_path) if isinstance(item, Problem)]
    assert len(problems) == (reason is not None)
    assert all(reason in problem.reason and problem.path.startswith(str(tmp_path)) for problem in problems if reason)


def test_an_empty_folder_and_a_broken_link_are_problems(tmp_path: Path) -> None:
    touch(tmp_path, "anger/a.wav")
    (tmp_path / "fear").mkdir()
    (tmp_path / "anger" / "b.wav").symlink_to(tmp_path / "nowhere.wav")
    reasons = [item.reason for item in folder(tmp_path) if isinstance(item, Problem)]
    assert reasons == ["a link to nothing", "an emotion's folder without a clip or picture"]


@pytest.mark.parametrize(
    ("pattern", "groups"),
    [
        (r"^[A-Z]+\d", {"speaker": "AO3"}),
        (r"_([a-z]+)\.", {"speaker": "f"}),
        (r"^(?P<speaker>[^_]+)_(?P<sentence>\d+)_(?P<sex>[mf])", {"speaker": "AO3", "sentence": "12", "sex": "f"}),
        (r"^(?P<speaker>[^_]+)(?P<take>_take\d)?", {"speaker": "AO3"}),
    ],
)
def test_groups_are_read_from_the_files_name(tmp_path: Path, pattern: str, groups: dict[str, str]) -> None:
    touch(tmp_path, "anger/AO3_12_f.wav")
    (sample,) = folder(tmp_path, speaker=pattern)
    assert isinstance(sample, Sample)
    assert sample.groups == groups


def test_a_name_without_the_speaker_is_a_problem(tmp_path: Path) -> None:
    touch(tmp_path, "anger/x.wav")
    (problem,) = folder(tmp_path, speaker=r"^\d+")
    assert isinstance(problem, Problem)
    assert r"does not match the speaker expression '^\\d+'" in problem.reason


@pytest.mark.parametrize("what", ["missing", "a file", "no folders"])
def test_a_root_that_holds_no_folders_is_an_error(tmp_path: Path, what: str) -> None:
    touch(tmp_path, "file.wav")
    root = {"missing": tmp_path / "nowhere", "a file": tmp_path / "file.wav", "no folders": tmp_path}[what]
    with pytest.raises(DataError, match=str(root)):
        list(folder(root))


def test_a_wrong_expression_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"speaker '\(' is no regular expression"):
        list(folder(tmp_path, speaker="("))
