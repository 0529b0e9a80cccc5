"""The worst clips of an emotion to hear and see: players, spectrograms, saliency maps, probabilities."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.report.address import anchor, media
from audit.report.measured import Measured
from audit.report.numbers import fixed, short
from audit.report.ranking import masked_share

Row = Mapping[str, Any]
STATES = ("clean", "perturbed", "masked")
SECONDS_APART = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
MOST_TICKS = 4
CLOSEST_TICKS = 0.1


@dataclass(frozen=True)
class Player:
    """One clip to listen to; `url` is "" where the file is not in the folder."""

    name: str
    note: str
    url: str


@dataclass(frozen=True)
class Picture:
    """A spectrogram, with a saliency map laid over it where `overlay` is not ""; `says` is what it shows."""

    name: str
    note: str
    url: str
    overlay: str
    says: str


@dataclass(frozen=True)
class Axes:
    """Ticks as (position from 0 to 1, label): seconds from the left, hertz from the bottom."""

    seconds: tuple[tuple[float, str], ...]
    hertz: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Exhibit:
    """One clip as the gallery shows it; `probabilities` are (emotion, (probability in each of `states`))."""

    anchor: str
    sample: str
    groups: str
    why: str
    condition: str
    link: str
    players: tuple[Player, ...]
    spectrograms: tuple[Picture, ...]
    maps: tuple[Picture, ...]
    scale: tuple[str, str]
    axes: Axes
    states: tuple[str, ...]
    predicted: tuple[tuple[str, str], ...]
    probabilities: tuple[tuple[str, tuple[float, ...]], ...]


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
    return Exhibit(
        anchor=f"Clip-{number}",
        sample=row["sample"],
        groups=", ".join(f"{name} {value}" for name, value in row["groups"].items()),
        why=row["why"],
        condition=f"{changed['check']} at {measured.parameter(changed['check'])} {short(changed['at'])}"
        if changed
        else "",
        link=f"#{anchor(changed['check'])}" if changed else "",
        players=tuple(_players(row, folder)),
        spectrograms=tuple(_spectrograms(row, folder)),
        maps=tuple(_maps(measured, row, folder)),
        scale=(short(low), f"+{short(high)}"),
        axes=_axes(row["axes"]),
        states=states,
        predicted=tuple((state, row["predicted"][state]) for state in states),
        probabilities=tuple((name, tuple(column[i] for column in columns)) for i, name in enumerate(emotions)),
    )


def _players(row: Row, folder: Path) -> list[Player]:
    notes = {
        "original": "",
        "perturbed": "approximate: the clip whose spectrogram comes nearest" if _is_approximate(row) else "",
        "masked": f"without the cells {row['masked_by']} finds most salient" if row["masked_by"] else "",
    }
    named = {name: path for name, path in (row["audio"] or {}).items() if path is not None}
    return [Player(name, notes.get(name, ""), _url(path, folder)) for name, path in named.items()]


def _spectrograms(row: Row, folder: Path) -> list[Picture]:
    changed, found = row["perturbation"], []
    if row["spectrogram"] is not None:
        says = f"Spectrogram of the original clip, taken for {row['predicted']['clean']}"
        found.append(
            Picture("original", f"taken for {row['predicted']['clean']}", _url(row["spectrogram"], folder), "", says)
        )
    if row["perturbed_spectrogram"] is not None and changed is not None:
        taken = row["predicted"].get("perturbed", "")
        says = f"Spectrogram under {changed['method']} at {short(changed['at'])}, taken for {taken}"
        found.append(Picture("perturbed", f"taken for {taken}", _url(row["perturbed_spectrogram"], folder), "", says))
    return [picture for picture in found if picture.url]


def _maps(measured: Measured, row: Row, folder: Path) -> list[Picture]:
    share = next((s for c in measured.checks("saliency") if (s := masked_share(measured, c)) is not None), None)
    part = "the most salient cells" if share is None else f"its top {100 * share:g}%"
    under = _url(row["spectrogram"], folder) if row["spectrogram"] is not None else ""
    found = []
    for method, path in row["maps"].items():
        drop, note, says = row["drops"].get(method), "", f"Saliency map by {method} for {row['predicted']['clean']}"
        if drop is not None:
            verb = "takes" if drop >= 0 else "adds"
            note = f"masking {part} {verb} {fixed(abs(drop), 2)}"
            says += f": masking {part} {verb} {fixed(abs(drop), 2)} of its probability"
        picture = Picture(method, note, under, _url(path, folder) if path is not None else "", says)
        found.append((-(drop if drop is not None else -1.0), picture))
    return [picture for _, picture in sorted(found, key=lambda entry: entry[0]) if picture.overlay]


def _is_approximate(row: Row) -> bool:
    return bool(row["perturbation"] and row["perturbation"]["approximate"])


def _url(path: str, folder: Path) -> str:
    address = media(path)
    return f"../{address}" if (folder / path).is_file() else ""


def _axes(axes: Row) -> Axes:
    start, end = axes["seconds"]
    step = next((s for s in SECONDS_APART if (end - start) / s <= MOST_TICKS), SECONDS_APART[-1])
    times = [start + i * step for i in range(int((end - start) / step + 1e-9) + 1)]
    return Axes(
        tuple(((t - start) / (end - start), short(round(t, 6))) for t in times) if end > start else (),
        tuple(_apart((position, _hertz(hertz)) for position, hertz in reversed(axes["hertz"]))),
    )


def _apart(ticks: Iterable[tuple[float, str]]) -> list[tuple[float, str]]:
    kept: list[tuple[float, str]] = []
    for position, text in ticks:
        if not kept or kept[-1][0] - position >= CLOSEST_TICKS:
            kept.append((position, text))
    return kept


def _hertz(value: float) -> str:
    return f"{short(value / 1000)}k" if value >= 1000 else short(value)
