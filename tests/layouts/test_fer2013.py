"""FER2013: pixels in a table, or pictures in folders."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from audit.data import Problem, Sample
from audit.dataset import open_dataset
from audit.errors import DataError
from audit.layouts.fer2013 import EMOTIONS, fer2013, read
from audit.layouts.folder import folder
from audit.suite import DataSource, Use

Grey = np.ndarray
ORIGINAL, ICML = ("emotion", "pixels", "Usage"), ("emotion", " Usage", " pixels")


def face(seed: int) -> Grey:
    return np.random.default_rng(seed).integers(0, 256, (48, 48), dtype=np.uint8)


def row(picture: Grey, emotion: int, usage: str = "Training") -> dict[str, str]:
    return {"emotion": str(emotion), "pixels": " ".join(map(str, picture.ravel())), "Usage": usage}


def written(path: Path, rows: list[dict[str, str]], columns: tuple[str, ...] = ORIGINAL) -> Path:
    lines = [",".join(columns), *(",".join(each[name.strip()] for name in columns) for each in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def samples(root: Path, **keys: str) -> list[Sample]:
    return [item for item in fer2013(root, **keys) if isinstance(item, Sample)]  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "columns"), [("fer2013.csv", ORIGINAL), ("icml_face_data.csv", ICML)])
@pytest.mark.parametrize("whole", [True, False])
def test_a_row_of_the_table_is_a_picture(tmp_path: Path, name: str, columns: tuple[str, ...], whole: bool) -> None:
    usages = ("Training", "PublicTest", "PrivateTest")
    written(tmp_path / name, [row(face(i), i, usage) for i, usage in enumerate(usages)], columns)
    found = samples(tmp_path / name if whole else tmp_path)
    assert [(each.emotion, each.groups["usage"], each.groups["split"]) for each in found] == [
        ("angry", "Training", "train"),
        ("disgust", "PublicTest", "test"),
        ("fear", "PrivateTest", "test"),
    ]
    assert [each.where for each in found] == [f"{tmp_path / name}:{line}" for line in (2, 3, 4)]
    for index in (2, 0, 1):
        picture, rate = read(found[index])
        assert (picture.shape, str(picture.dtype), rate) == ((48, 48, 3), "float32", 0)
        np.testing.assert_array_equal(picture, np.repeat(face(index)[:, :, None], 3, axis=2) / np.float32(255))


def test_a_table_with_quotes_and_other_line_ends_reads_alike(tmp_path: Path) -> None:
    rows = [row(face(i), i) for i in range(7)]
    plain = samples(written(tmp_path / "fer2013.csv", rows))
    quoted = tmp_path / "quoted.csv"
    lines = ['"emotion","pixels","Usage"', *(f'{each["emotion"]},"{each["pixels"]}","Training"' for each in rows)]
    quoted.write_bytes(("\ufeff" + "\r\n".join(lines)).encode())
    other = samples(quoted)
    assert [each.emotion for each in other] == [each.emotion for each in plain] == list(EMOTIONS)
    for one, two in zip(plain, other, strict=True):
        np.testing.assert_array_equal(read(one)[0], read(two)[0])


@pytest.mark.parametrize(
    ("usage", "lines"),
    [("Training", [2]), ("train", [2]), ("PublicTest", [3]), ("PrivateTest", [4]), ("test", [3, 4])],
)
def test_usage_chooses_a_part(tmp_path: Path, usage: str, lines: list[int]) -> None:
    rows = [row(face(i), 3, each) for i, each in enumerate(("Training", "PublicTest", "PrivateTest"))]
    table = written(tmp_path / "fer2013.csv", rows)
    assert [each.where for each in samples(table, usage=usage)] == [f"{table}:{line}" for line in lines]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"emotion": "7"}, "emotion '7' is no number from 0 to 6"),
        ({"emotion": ""}, "emotion '' is no number"),
        (
            {"Usage": "Publictest"},
            "Usage 'Publictest' is none of Training, PublicTest, PrivateTest; did you mean 'Publ",
        ),
        ({"pixels": "1 2 3"}, "3 pixels, and 48 by 48 are due"),
        ({"pixels": " ".join(["0"] * 2305)}, "2305 pixels, and 48 by 48 are due"),
        ({"pixels": ""}, "0 pixels, and 48 by 48 are due"),
    ],
)
def test_a_row_that_cannot_be_used_is_a_problem_with_its_line(
    tmp_path: Path, change: dict[str, str], told: str
) -> None:
    table = written(tmp_path / "fer2013.csv", [row(face(0), 0), row(face(1), 1) | change, row(face(2), 2)])
    first, problem, last = fer2013(table)
    assert isinstance(first, Sample)
    assert isinstance(last, Sample)
    assert isinstance(problem, Problem)
    assert problem.path == f"{table}:3"
    assert told in problem.reason


@pytest.mark.parametrize("bad", ["256", "-1", "x", "1.5"])
def test_pixels_that_are_none_are_told_with_the_row_when_it_is_read(tmp_path: Path, bad: str) -> None:
    table = written(tmp_path / "fer2013.csv", [row(face(0), 0) | {"pixels": " ".join(["9"] * 2303 + [bad])}])
    (sample,) = samples(table)
    with pytest.raises(DataError, match=r"fer2013.csv:2: 2304 whole numbers from 0 to 255 are due"):
        read(sample)


def test_a_table_that_changed_is_read_as_it_is_now(tmp_path: Path) -> None:
    table = written(tmp_path / "fer2013.csv", [row(face(0), 0), row(face(1), 1)])
    second = samples(table)[1]
    read(second)
    written(table, [row(np.zeros((48, 48), np.uint8), 0), row(face(5), 1)])
    np.testing.assert_array_equal(read(second)[0][:, :, 0], face(5) / np.float32(255))
    written(table, [row(face(0), 0)])
    with pytest.raises(DataError, match=r"fer2013.csv:3: no such row any more"):
        read(second)


def test_folders_say_part_and_emotion_and_names_the_usage(tmp_path: Path) -> None:
    for part in ("train", "test"):
        for emotion in EMOTIONS:
            (tmp_path / part / emotion).mkdir(parents=True)
    for name in ("train/sad/Training_1.jpg", "test/sad/PublicTest_2.jpg", "test/fear/3.jpg"):
        Image.fromarray(face(1)).save(tmp_path / name)
    found = {each.id: each.groups for each in samples(tmp_path)}
    assert found == {
        "train/sad/Training_1": {"usage": "Training", "split": "train"},
        "test/sad/PublicTest_2": {"usage": "PublicTest", "split": "test"},
        "test/fear/3": {"usage": "test", "split": "test"},
    }
    assert [each.id for each in samples(tmp_path, usage="test")] == ["test/fear/3", "test/sad/PublicTest_2"]
    unknown, public = (item for item in fer2013(tmp_path, usage="PublicTest") if not str(item).count("without a clip"))
    assert isinstance(unknown, Problem)
    assert unknown.reason == "its name does not say whether it is of PublicTest"
    assert isinstance(public, Sample)
    (tmp_path / "test" / "Contempt").mkdir()
    Image.fromarray(face(1)).save(tmp_path / "test" / "Contempt" / "4.jpg")
    assert "folder Contempt is none of angry" in str(list(fer2013(tmp_path)))


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda root: None, "layout fer2013 takes fer2013.csv, icml_face_data.csv, or the folder of one"),
        (
            lambda root: (root / "train" / "angry").mkdir(parents=True),
            "disgust: no such folder; FER2013 has one for each",
        ),
        (lambda root: (root / "fer2013.csv").write_text("emotion,pixels\n"), r"fer2013.csv:1: no column Usage \(there"),
        (lambda root: (root / "fer2013.csv").touch(), "no column emotion, pixels, Usage"),
    ],
)
def test_a_root_that_is_something_else_is_an_error(tmp_path: Path, make, told: str) -> None:  # type: ignore[no-untyped-def]
    make(tmp_path)
    with pytest.raises(DataError, match=told):
        list(fer2013(tmp_path))


@pytest.mark.data
def test_the_real_folders_hold_what_layout_folder_finds(audit_data: Path) -> None:
    root = audit_data / "fer2013"
    found = list(fer2013(root, usage="test"))
    assert all(isinstance(item, Sample) for item in found)
    plain = [item for item in folder(root / "test") if isinstance(item, Sample)]
    ours = [item for item in found if isinstance(item, Sample)]
    assert [(item.path, item.emotion) for item in ours] == [(item.path, item.emotion) for item in plain]
    assert Counter(item.groups["usage"] for item in ours) == {"PublicTest": 3589, "PrivateTest": 3589}


@pytest.mark.data
def test_real_pictures_read_alike_from_a_table_and_from_their_files(audit_data: Path, tmp_path: Path) -> None:
    pictures = samples(audit_data / "fer2013", usage="PublicTest")[::60]
    assert {item.emotion for item in pictures} == set(EMOTIONS)
    rows = [
        row(np.asarray(Image.open(str(item.path))), EMOTIONS.index(item.emotion), item.groups["usage"])
        for item in pictures
    ]
    source = DataSource(
        Use("layout", "fer2013"), written(tmp_path / "fer2013.csv", rows), {"column": "split", "values": ["test"]}
    )
    dataset = open_dataset(source, EMOTIONS)
    assert dataset.problems == ()
    assert dataset.read is not None
    for real, own in zip(pictures, dataset.samples, strict=True):
        assert real.emotion == own.emotion
        np.testing.assert_array_equal(dataset.read(real)[0], dataset.read(own)[0])
