"""The layout of a CSV or Parquet table."""

from pathlib import Path

import pandas as pd
import pytest

from audit.data import Problem, Sample
from audit.errors import DataError
from audit.layouts.table import table


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "clips").mkdir()
    for name in ("a.wav", "b.wav", "c.wav"):
        (tmp_path / "clips" / name).touch()
    return tmp_path


def written(root: Path, text: str, name: str = "t.csv") -> Path:
    path = root / name
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.csv", "path,emotion,speaker,fold\nclips/a.wav,anger,A,1\nclips/b.wav,fear,,2\n"),
        ("t.csv", "\ufeffpath , emotion,speaker,fold\r\nclips/a.wav, anger ,A,1\r\nclips/b.wav,fear,,2\r\n"),
        ("t.CSV", '"path","emotion","speaker","fold"\n"clips/a.wav","anger","A","1"\n"clips/b.wav","fear","","2"'),
        ("t.tsv", "path\temotion\tspeaker\tfold\nclips/a.wav\tanger\tA\t1\nclips/b.wav\tfear\t\t2\n"),
    ],
)
def test_a_row_is_a_recording_and_the_other_columns_are_its_groups(root: Path, name: str, text: str) -> None:
    assert list(table(written(root, text, name))) == [
        Sample("clips/a", root / "clips/a.wav", "anger", {"speaker": "A", "fold": "1"}),
        Sample("clips/b", root / "clips/b.wav", "fear", {"fold": "2"}),
    ]


def test_parquet_reads_as_csv_does(root: Path) -> None:
    frame = pd.DataFrame({"path": ["clips/a.wav", "clips/b.wav"], "emotion": ["anger", "fear"]})
    frame["speaker"] = ["A", None]
    frame["fold"] = [1, 2]
    frame.to_parquet(root / "t.parquet")
    assert list(table(root / "t.parquet")) == [
        Sample("clips/a", root / "clips/a.wav", "anger", {"speaker": "A", "fold": "1"}),
        Sample("clips/b", root / "clips/b.wav", "fear", {"fold": "2"}),
    ]


def test_the_columns_can_have_other_names(root: Path) -> None:
    path = written(root, "file,label,path\nclips/a.wav,anger,x\n")
    (sample,) = table(path, path_column="file", emotion_column="label")
    assert sample == Sample("clips/a", root / "clips/a.wav", "anger", {"path": "x"})


def test_an_absolute_path_stays_as_it_is(root: Path) -> None:
    (sample,) = table(written(root, f"path,emotion\n{root}/clips/a.wav,anger\n"))
    assert isinstance(sample, Sample)
    assert sample.path == root / "clips/a.wav"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("clips/0213.wav,anger", "no such file clips/0213.wav (paths are relative to the table)"),
        ("clips,anger", "no such file clips"),
        ("x" * 5000 + ",anger", "no such file xxx"),
        (",anger", "no path in this row"),
        ("clips/b.wav,", "no emotion in this row"),
        ("clips/b.wav", "no emotion in this row"),
        ("clips/b.wav,anger,more", "more values than the table has columns"),
        ("clips/a.wav,fear", "clips/a.wav is named before, in "),
    ],
)
def test_a_row_that_cannot_be_used_is_a_problem_with_its_line(root: Path, row: str, reason: str) -> None:
    path = written(root, f'path,emotion\n"clips/a.wav",anger\n{row}\nclips/c.wav,anger\n')
    first, problem, last = table(path)
    assert isinstance(first, Sample)
    assert isinstance(last, Sample)
    assert isinstance(problem, Problem)
    assert problem.path == f"{path}:3"
    assert reason in problem.reason


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no column 'path' .there are: none"),
        (b"file,emotion\n", "no column 'path'"),
        (b"path,emotions\n", "no column 'emotion'; did you mean 'emotions'"),
        (b"path;emotion\nclips/a.wav;anger\n", "no column 'path'.*there are: path;emotion"),
        (b"path,emotion\nclips/\xe4.wav,anger\n", "not UTF-8 at byte 19"),
    ],
)
def test_a_file_that_is_no_such_table_is_an_error(root: Path, content: bytes, told: str) -> None:
    (root / "t.csv").write_bytes(content)
    with pytest.raises(DataError, match=told):
        list(table(root / "t.csv"))


@pytest.mark.parametrize("name", ["t.xlsx", "clips", "nowhere.csv", "broken.parquet"])
def test_another_kind_of_root_is_an_error_that_names_it(root: Path, name: str) -> None:
    (root / "t.xlsx").touch()
    (root / "broken.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(DataError, match=name):
        list(table(root / name))
