"""A CSV or Parquet table with one recording a row."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from audit.data import Problem, Sample
from audit.errors import DataError, did_you_mean
from audit.kinds import layout

DELIMITERS = {".csv": ",", ".tsv": "\t"}
Row = tuple[str, Mapping[str, str]]


@layout()
def table(root: Path, *, path_column: str = "path", emotion_column: str = "emotion") -> Iterator[Sample | Problem]:
    """Yield the rows of a .csv, .tsv or .parquet file; `root` is the file itself.

    `path_column` holds the recordings' paths, relative to the table; every other column but `emotion_column` is a
    group, in rows where it is not empty. A row without a path or emotion, with a file that is not there or that an
    earlier row names, is a Problem that names its line.
    Raises DataError where the file is no such table or lacks a column.
    """
    if root.is_dir():
        raise DataError(f"{root}: is a folder; layout table takes the .csv, .tsv or .parquet file itself")
    seen: dict[Path, str] = {}
    for place, row in _rows(root, (path_column, emotion_column)):
        name, emotion = row.get(path_column, ""), row.get(emotion_column, "")
        path = root.parent / name
        if not name or not emotion:
            yield Problem(place, f"no {path_column if not name else emotion_column} in this row")
        elif None in row:
            yield Problem(place, "more values than the table has columns; put quotes around a value with a delimiter")
        elif not os.path.isfile(path):
            yield Problem(place, f"no such file {name} (paths are relative to the table)")
        elif path in seen:
            yield Problem(place, f"{name} is named before, in {seen[path]}")
        else:
            seen[path] = place
            groups = {key: value for key, value in row.items() if value and key not in (path_column, emotion_column)}
            yield Sample(Path(name).with_suffix("").as_posix(), path, emotion, groups)


def _rows(root: Path, needed: tuple[str, ...]) -> Iterator[Row]:
    ending = root.suffix.lower()
    if ending == ".parquet":
        yield from _parquet(root, needed)
    elif ending in DELIMITERS:
        yield from _delimited(root, DELIMITERS[ending], needed)
    else:
        raise DataError(f"{root}: the ending {ending!r} is none of .csv, .tsv, .parquet")


def _delimited(root: Path, delimiter: str, needed: tuple[str, ...]) -> Iterator[Row]:
    try:
        with root.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines, delimiter=delimiter, skipinitialspace=True)
            columns = [str(column).strip() for column in rows.fieldnames or ()]
            rows.fieldnames = columns
            _refuse_missing(root, columns, needed)
            for row in rows:
                yield f"{root}:{rows.line_num}", {key: _stripped(value) for key, value in row.items()}
    except UnicodeDecodeError as error:
        raise DataError(f"{root}: not UTF-8 at byte {error.start:,}; save the table as UTF-8") from error
    except (OSError, csv.Error) as error:
        raise DataError(f"{root}: cannot be read as a table ({error})") from error


def _parquet(root: Path, needed: tuple[str, ...]) -> Iterator[Row]:
    import pyarrow
    import pyarrow.parquet

    try:
        content = pyarrow.parquet.read_table(root)
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{root}: cannot be read as Parquet ({error})") from error
    _refuse_missing(root, content.column_names, needed)
    for number, row in enumerate(content.to_pylist(), start=1):
        yield f"{root}: row {number}", {key: _stripped(value) for key, value in row.items()}


def _refuse_missing(root: Path, columns: list[str], needed: tuple[str, ...]) -> None:
    for column in needed:
        if column not in columns:
            near = did_you_mean(column, columns)
            raise DataError(
                f"{root}: no column {column!r}{near} (there are: {', '.join(columns) or 'none'}); "
                "name another with path_column and emotion_column"
            )


def _stripped(value: Any) -> str:
    return "" if value is None or value != value else str(value).strip()
