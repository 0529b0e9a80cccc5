"""How recordings lie on disk, found out by asking every layout."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from audit.data import Problem, Recording, Sample, read_audio, read_picture
from audit.dataset import split as part_of
from audit.errors import AuditError, DataError, UsageError
from audit.grammar.keys import annotated
from audit.grammar.values import Choice
from audit.kinds import find, known_methods
from audit.layouts.folder import PICTURES
from audit.probing.emotion_names import share_of_emotions
from audit.suite import DataSource, Use

TABLES = (".csv", ".tsv", ".parquet")
HELD_OUT = ("test", "testing", "eval", "evaluation", "validation", "valid", "val", "dev")
PATH_COLUMNS = ("path", "file", "filename", "file_name", "file_id", "filepath", "audio", "image", "wav")
EMOTION_COLUMNS = ("emotion", "label", "class", "target", "category")
MOST_BYTES = 1_000_000


@dataclass(frozen=True)
class FoundData:
    """Recordings, the source a suite would name for them, and what was guessed about it, by key of `data:`."""

    source: DataSource
    samples: tuple[Sample, ...]
    problems: tuple[Problem, ...] = ()
    read: Any = None
    guessed: Mapping[str, str] = field(default_factory=dict)
    faces: bool = False
    """Whether their layout is one of faces alone."""

    @property
    def emotions(self) -> dict[str, int]:
        """Clips by emotion, in the order in which they are met."""
        counts: dict[str, int] = {}
        for sample in self.samples:
            counts[sample.emotion] = counts.get(sample.emotion, 0) + 1
        return counts

    @property
    def modality(self) -> str:
        """What they are by their layout, or by the endings of their names: face for pictures, else speech."""
        if self.faces:
            return "face"
        pictures = sum(s.path is not None and s.path.suffix.lower() in PICTURES for s in self.samples)
        return "face" if 2 * pictures > len(self.samples) else "speech"

    def reader(self, modality: str) -> Any:
        """Return the function that reads one sample: the layout's own, or that of the modality."""
        if self.read is not None:
            return self.read

        def read(sample: Sample) -> tuple[Recording, int]:
            return (read_picture(sample), 0) if modality == "face" else read_audio(sample)

        return read


def find_data(root: Path | None, layout: str | None = None, split: str | None = None) -> FoundData:
    """Return the recordings at `root` as the layout that fits them best lists them, or as `layout` does.

    `split` is a value of the column `split`, or COLUMN=VALUE. A layout fits where its names are those of emotions; a
    folder in which nothing fits is looked into, for one called test first. Where a data set has parts of its own, train
    and test, the one held out is guessed.
    Raises UsageError where there is no `root`, DataError where no layout finds a recording in it, with what each says.
    """
    if layout is not None:
        found = _chosen(layout, root)
        if not found.samples:
            told = f"; the first: {found.problems[0].path}: {found.problems[0].reason}" if found.problems else ""
            raise DataError(f"{root or layout}: layout {layout} finds no recording{told}")
        return _part(found, split)
    if root is None:
        raise UsageError("name the recordings' folder or table with --data, or a layout that needs none with --layout")
    if not root.exists():
        raise UsageError(f"{root}: no such file or folder (--data)")
    said: dict[str, str] = {}
    listed = list(_listed(root, said))
    if not any(share_of_emotions(found.emotions) for found in listed) and root.is_dir():
        for folder in sorted((f for f in root.iterdir() if f.is_dir()), key=_turn):
            inside = [found for found in _listed(folder, {}) if share_of_emotions(found.emotions) >= 0.5]
            if inside:
                best = max(inside, key=_fit)
                why = f"{root} itself holds no emotions' folders; this one does"
                return _part(replace(best, guessed={"root": why, **best.guessed}), split)
    if not listed:
        told = "; ".join(f"{name}: {reason}" for name, reason in said.items())
        raise DataError(f"{root}: no layout finds recordings there ({told})")
    return _part(max(listed, key=_fit), split)


def _turn(folder: Path) -> tuple[int, str]:
    name = folder.name.casefold()
    return (HELD_OUT.index(name) if name in HELD_OUT else len(HELD_OUT), name)


def _fit(found: FoundData) -> tuple[float, bool, int]:
    # What takes any folder or table is a worse reason than what knows this data set's own files.
    own = found.source.layout.method not in ("folder", "table")
    return round(share_of_emotions(found.emotions), 2), own, len(found.samples)


def _listed(root: Path, said: dict[str, str]) -> Iterator[FoundData]:
    tables = [root] if root.is_file() else sorted(f for f in root.iterdir() if f.suffix.lower() in TABLES)
    for name in known_methods("layout"):
        places: list[tuple[Path, Mapping[str, Any]]] = [(root, {})]
        if name == "table":
            places = [(file, columns) for file in tables if (columns := _columns(file)) is not None]
            if not places:
                said[name] = f"no table with columns such as {PATH_COLUMNS[0]} and {EMOTION_COLUMNS[0]}"
        for place, keys in places:
            try:
                found = _asked(name, place, keys) if keys else _chosen(name, place)
            except UsageError:
                # One that generates its clips takes no root.
                continue
            except AuditError as error:
                said[name] = str(error).removeprefix(f"{place}: ")
                continue
            if found.samples:
                yield found
            else:
                said[name] = found.problems[0].reason if found.problems else "finds nothing"


def _chosen(layout: str, root: Path | None) -> FoundData:
    """Return what a layout lists by its defaults or, where they find nothing, by another of its choices."""
    try:
        return _asked(layout, root, {})
    except DataError:
        for name, parameter in find("layout", layout, relative_to=Path.cwd()).parameters.items():
            kind = annotated(parameter.annotation)
            # What holds more is named later: video, then video with sound.
            for choice in reversed(kind.values) if isinstance(kind, Choice) else ():
                try:
                    found = _asked(layout, root, {name: choice})
                except DataError:
                    continue
                return replace(found, guessed={name: f"there is nothing of {parameter.default}", **found.guessed})
        raise


def _asked(layout: str, root: Path | None, keys: Mapping[str, Any]) -> FoundData:
    method = find("layout", layout, relative_to=Path.cwd())
    try:
        items = list(method.load()(root, **keys))
    except (AttributeError, TypeError) as error:
        if root is not None:
            raise
        raise UsageError(f"layout {layout} needs --data, the folder or table of the recordings") from error
    samples = tuple(item for item in items if isinstance(item, Sample))
    source = DataSource(Use("layout", layout, keys, Path.cwd()), root)
    problems = tuple(item for item in items if isinstance(item, Problem))
    guessed = {name: f"the table has no column {default}" for name, default in _other_columns(keys)}
    faces = method.facts.get("modality") == "face"
    return FoundData(source, samples, problems, method.facts.get("read"), guessed, faces)


def _held_out(found: FoundData) -> str | None:
    """Return which value of the column `split` was not for training, where it is the data set's own column."""
    if found.source.layout.method in ("folder", "table"):
        return None
    values = {sample.groups.get("split", "") for sample in found.samples}
    return next((name for name in HELD_OUT if name in values), None) if len(values) > 1 else None


def _other_columns(keys: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in ("path_column", "emotion_column"):
        if name in keys:
            yield name, name.removesuffix("_column")


def _columns(file: Path) -> dict[str, str] | None:
    """Return the keys that name a table's columns where they have other names than usual, None where there are none."""
    try:
        names = _header(file)
    except (OSError, ValueError, csv.Error):
        return None
    lower = {name.casefold(): name for name in reversed(names)}
    found = {}
    for key, usual in (("path_column", PATH_COLUMNS), ("emotion_column", EMOTION_COLUMNS)):
        column = next((lower[name] for name in usual if name in lower), None)
        if column is None:
            return None
        if column != usual[0]:
            found[key] = column
    return found


def _header(file: Path) -> list[str]:
    if file.suffix.lower() == ".parquet":
        import pyarrow.parquet

        return [str(name) for name in pyarrow.parquet.read_schema(file).names]
    with file.open(encoding="utf-8-sig", newline="") as lines:
        first = lines.readline(MOST_BYTES)
    delimiter = "\t" if file.suffix.lower() == ".tsv" else ","
    return [name.strip() for name in next(csv.reader([first], delimiter=delimiter), [])]


def _part(found: FoundData, split: str | None) -> FoundData:
    if split is None:
        split = _held_out(found)
        if split is None:
            return found
        found = replace(found, guessed={**found.guessed, "split": "the part that the data set itself holds out"})
    column, equals, value = split.partition("=")
    how = {"column": column, "values": [value]} if equals else {"column": "split", "values": [split]}
    return replace(found, source=replace(found.source, split=how), samples=part_of(found.samples, how, 0))
