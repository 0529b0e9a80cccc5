"""The worst recordings of an emotion to hear and see: players, pictures, saliency maps, probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.report.address import anchor, media
from audit.report.axes import Axes, axes_of, face_size
from audit.report.measured import Measured
from audit.report.numbers import fixed, short
from audit.report.ranking import masked_share
from audit.report.standing import Standing, standings
from audit.wording import words

Row = Mapping[str, Any]
STATES = ("clean", "perturbed", "masked")
WIDE, WIDE_MAP = (300, 150), (200, 110)


@dataclass(frozen=True)
class Player:
    """One clip to listen to; `url` is "" where the file is not in the folder."""

    name: str
    note: str
    url: str


@dataclass(frozen=True)
class Picture:
    """A spectrogram, face or frames, with a saliency map laid over where `overlay` is not ""; `says` is what it shows.

    `is_cut` says that a part of it is transparent; `struck` is the standing of a method that has not earned its place.
    """

    name: str
    note: str
    url: str
    overlay: str
    says: str
    is_cut: bool = False
    struck: Standing | None = None


@dataclass(frozen=True)
class Moved:
    """What became of a map under the perturbation: in a sentence, and in pictures on one scale."""

    says: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class Exhibit:
    """One recording as the gallery shows it; `probabilities` are (emotion, (probability in each of `states`)).

    `size` and `map_size` are the width and height that pictures and maps are drawn in.
    """

    anchor: str
    sample: str
    groups: str
    why: str
    condition: str
    link: str
    players: tuple[Player, ...]
    pictures: tuple[Picture, ...]
    maps: tuple[Picture, ...]
    moved: Moved | None
    scale: tuple[str, str]
    axes: Axes
    size: tuple[int, int]
    map_size: tuple[int, int]
    states: tuple[str, ...]
    predicted: tuple[tuple[str, str], ...]
    probabilities: tuple[tuple[str, tuple[float, ...]], ...]

    @property
    def is_cut(self) -> bool:
        """Whether a picture shows a part of the recording alone."""
        return any(picture.is_cut for picture in self.pictures)

    @property
    def is_face(self) -> bool:
        """Whether its pictures are to be seen pixel by pixel."""
        return self.axes.across_unit == "px"


def gallery(measured: Measured, emotion: str, folder: Path) -> list[Exhibit]:
    """Return the exhibits of an emotion; `folder` is the report's, URLs are relative to its `emotion/`.

    Raises AuditError for media that do not lie in `media/`.
    """
    rows = [row for row in measured.document["exhibits"] if row["emotion"] == emotion]
    return [_exhibit(measured, row, number, folder) for number, row in enumerate(rows, start=1)]


def _exhibit(measured: Measured, row: Row, number: int, folder: Path) -> Exhibit:
    changed = row["perturbation"]
    states = tuple(state for state in STATES if state in row["probabilities"])
    emotions = measured.document["model"]["emotions"]
    columns = [row["probabilities"][state] for state in states]
    low, high = row["axes"]["scale"]
    frames = words(measured.document).frames
    return Exhibit(
        anchor=f"{words(measured.document).noun.capitalize()}-{number}",
        sample=row["sample"],
        groups=", ".join(f"{name} {value}" for name, value in row["groups"].items()),
        why=row["why"],
        condition=f"{changed['check']} at {measured.parameter(changed['check'])} {short(changed['at'])}"
        if changed
        else "",
        link=f"#{anchor(changed['check'])}" if changed else "",
        players=tuple(_players(measured, row, folder)),
        pictures=tuple(_pictures(row, folder, frames)),
        maps=tuple(_maps(measured, row, folder)),
        moved=_moved(measured, row, folder),
        scale=(short(low), f"+{short(high)}"),
        axes=axes_of(row["axes"], frames=frames),
        size=face_size(row["axes"], frames=frames) or WIDE,
        map_size=face_size(row["axes"], frames=frames) or WIDE_MAP,
        states=states,
        predicted=tuple((state, row["predicted"][state]) for state in states),
        probabilities=tuple((name, tuple(column[i] for column in columns)) for i, name in enumerate(emotions)),
    )


def _players(measured: Measured, row: Row, folder: Path) -> list[Player]:
    by = _named(measured, row["masked_by"])
    notes = {
        "original": "",
        "perturbed": "approximate: the clip whose spectrogram comes nearest" if _is_approximate(row) else "",
        "masked": f"without the cells {by} finds most salient" if by else "",
        "only": f"the cells {by} finds most salient, and nothing else" if by else "",
    }
    named = {name: path for name, path in (row["audio"] or {}).items() if path is not None}
    return [Player(name, notes.get(name, ""), _url(path, folder)) for name, path in named.items()]


def _pictures(row: Row, folder: Path, frames: bool) -> list[Picture]:
    changed, what = row["perturbation"], "The frames" if frames else "The face"
    if not _is_face(row):
        what = "Spectrogram of the clip" if row["axes"]["hertz"] else "The clip"
    under = f"under {changed['method']} at {short(changed['at'])}" if changed else ""
    rounded = ", rounded to 256 levels" if _is_face(row) and _is_approximate(row) else ""
    without = f"without the pixels that count most for {row['masked_by']}"
    only = f"with nothing but the pixels that count most for {row['masked_by']}"
    found = []
    for name, state, path, how, note in (
        ("original", "clean", row["spectrogram"], "as it was", ""),
        ("perturbed", "perturbed", row["perturbed_spectrogram"] if changed else None, under, rounded),
        ("masked", "masked", row.get("masked_picture"), without, f" {without} (striped)"),
        ("only", "", row.get("only_picture"), only, f"{only} (the rest striped)"),
    ):
        url = _url(path, folder) if path is not None else ""
        if url:
            taken = f"taken for {row['predicted'].get(state, '')}" if state else ""
            says = f"{what} {how}{', ' if taken else ''}{taken}"
            found.append(Picture(name, f"{taken}{note}", url, "", says, name in ("masked", "only")))
    return found


def _maps(measured: Measured, row: Row, folder: Path) -> list[Picture]:
    share = _share(measured)
    part = "the most salient cells" if share is None else f"its top {100 * share:g}%"
    under = _url(row["spectrogram"], folder) if row["spectrogram"] is not None else ""
    found = []
    for method, path in row["maps"].items():
        drop, note, says = row["drops"].get(method), "", f"Saliency map by {method} for {row['predicted']['clean']}"
        if drop is not None:
            verb = "takes" if drop >= 0 else "adds"
            note = f"masking {part} {verb} {fixed(abs(drop), 2)}"
            says += f": masking {part} {verb} {fixed(abs(drop), 2)} of its probability"
        struck = _struck(measured, method)
        if struck:
            says += f"; {method} has not earned its place: {struck.clause}"
        picture = Picture(method, note, under, _url(path, folder) if path is not None else "", says, struck=struck)
        found.append(((struck is not None, -(drop if drop is not None else -1.0)), picture))
    return [picture for _, picture in sorted(found, key=lambda entry: entry[0]) if picture.overlay]


def _moved(measured: Measured, row: Row, folder: Path) -> Moved | None:
    moved, changed, by = row.get("moved"), row["perturbation"], row["masked_by"]
    if not moved or not changed or by is None:
        return None
    under = f"under {changed['check']} at {short(changed['at'])}"
    if moved["stays"] is None:
        return Moved(f"{by} gave no map {under}: {moved['reason']}.", ())
    share = _share(measured)
    part = "cells" if share is None else f"{100 * share:g}% of the cells"
    says = (
        f"Of the most salient {part} that {_named(measured, by)} finds, {100 * moved['stays']:.0f}% are the same "
        f"{under}; chance would leave {100 * moved['by_chance']:.0f}%."
    )
    clean, perturbed = row["spectrogram"], row["perturbed_spectrogram"] or row["spectrogram"]
    found = []
    for name, lower, note in (
        ("clean", clean, f"what {by} finds"),
        ("perturbed", perturbed, f"what {by} finds {under}"),
        ("difference", clean, "orange counts for more than before, blue for less"),
    ):
        below, above = (_url(path, folder) if path is not None else "" for path in (lower, moved[name]))
        if above:
            struck = _struck(measured, by)
            found.append(Picture(name, note, below, above, f"Map by {by}, {name}: {note}", struck=struck))
    return Moved(says, tuple(found))


def _share(measured: Measured) -> float | None:
    return next((s for c in measured.checks("saliency") if (s := masked_share(measured, c)) is not None), None)


def _struck(measured: Measured, method: str) -> Standing | None:
    """Return the standing of a method whose maps have not earned their place, in the first check that has it."""
    found = [standings(measured.document, check).get(method) for check in measured.checks("saliency")]
    first = next((standing for standing in found if standing is not None), None)
    return None if first is None or first.is_earned else first


def _named(measured: Measured, method: str | None) -> str:
    return f"{method} (which has not earned its place)" if method and _struck(measured, method) else method or ""


def _is_approximate(row: Row) -> bool:
    return bool(row["perturbation"] and row["perturbation"]["approximate"])


def _url(path: str, folder: Path) -> str:
    address = media(path)
    return f"../{address}" if (folder / path).is_file() else ""


def _is_face(row: Row) -> bool:
    return bool(row["axes"].get("pixels"))
