"""Rows of tables with one clip or annotation a line: tab-separated, or one JSON mapping each."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from audit.errors import DataError

Row = tuple[str, Mapping[str, str]]


def read_rows(table: Path, needed: tuple[str, ...] = ()) -> Iterator[Row]:
    """Yield each row of a .jsonl, or of a .tsv without quotes, with its place, `path:line`, as texts by column.

    What is empty, null, NaN or not there is the empty text.
    Raises DataError with the place where the file or a row cannot be read, or lacks a column of `needed`.
    """
    try:
        with table.open(encoding="utf-8-sig", newline="") as lines:
            yield from (_jsonl if table.suffix.lower() == ".jsonl" else _tsv)(table, lines, needed)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{table}: cannot be read as a table ({error}); take the file as published") from error


def _tsv(table: Path, lines: Iterable[str], needed: tuple[str, ...]) -> Iterator[Row]:
    rows = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    columns = next(rows, [])
    _refuse_missing(f"{table}:1", columns, needed)
    for values in filter(None, rows):
        # A row may be cut short, or be longer than the header.
        whole = [*values, *[""] * (len(columns) - len(values))]
        yield f"{table}:{rows.line_num}", {column: value.strip() for column, value in zip(columns, whole, strict=False)}


def _jsonl(table: Path, lines: Iterable[str], needed: tuple[str, ...]) -> Iterator[Row]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        place = f"{table}:{number}"
        try:
            row = json.loads(line)
        except ValueError as error:
            raise DataError(f"{place}: no JSON ({error}); take the file as published") from error
        if not isinstance(row, dict):
            raise DataError(f"{place}: a mapping is due, not {line[:60].strip()}")
        _refuse_missing(place, row, needed)
        yield place, {column: _text(value) for column, value in row.items()}


def _refuse_missing(place: str, columns: Iterable[str], needed: tuple[str, ...]) -> None:
    there = list(columns)
    missing = [column for column in needed if column not in there]
    if missing:
        raise DataError(f"{place}: no column {', '.join(missing)} (there are: {', '.join(there) or 'none'})")


def _text(value: Any) -> str:
    return "" if value is None or value != value else str(value).strip()
