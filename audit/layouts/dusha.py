"""Dusha, Russian speech labelled by several annotators: the raw tables as published, or the labels made of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from audit.data import Problem, Sample
from audit.errors import DataError, did_you_mean
from audit.kinds import layout
from audit.layouts.generated import within
from audit.layouts.rows import read_rows

PARTS = ("crowd_train", "crowd_test", "podcast_train", "podcast_test")
EMOTIONS = ("angry", "sad", "neutral", "positive", "other")
COLUMNS = ("hash_id", "audio_path", "annotator_emo", "golden_emo", "source_id")


@dataclass
class Clip:
    """One recording and what its annotators heard in it."""

    part: str
    path: Path
    speaker: str
    golden: str = ""
    votes: dict[str, int] = field(default_factory=dict)


@layout()
def dusha(
    root: Path,
    *,
    domain: Literal["crowd", "podcast"] | None = None,
    agreement: float = 0.5,
    labels: str | None = None,
) -> Iterator[Sample | Problem]:
    """Yield the recordings of crowd_train, crowd_test, podcast_train and podcast_test, as far as they are in `root`.

    Each of these folders holds `wavs/` and raw_crowd_train.tsv (or .jsonl) with one annotation a row: hash_id,
    audio_path, annotator_emo, golden_emo, source_id and more. They lie in `root`, in crowd/ and podcast/ inside, or
    `root` is one of them; `domain` takes those of crowd or podcast alone. The podcasts' recordings are not published:
    a part without any is one Problem.

    The emotion (angry, sad, neutral, positive, other) is the one that most annotators of a clip heard, where they are
    at least the share `agreement` of them (0 to 1); a tie is none. Recordings with a golden_emo, by which annotators
    were tested, are not used, as by the authors. The authors' own labels weigh annotators by Dawid and Skene (1979):
    `labels` is a manifest of theirs, relative to `root` (processed_dataset_090/test/crowd_test.jsonl or one of
    aggregated_dataset/, .jsonl or .tsv). Then its clips alone are taken, with its labels.

    Groups are domain, split (train or test), so that `split: test` takes the published test parts, and speaker
    (source_id), where the table knows it. A row with an empty cell among hash_id, audio_path and annotator_emo, a clip
    without agreement and a file that is missing are Problems. Kondratenko et al. (2022), arXiv:2212.12266.
    Raises DataError where there is no part, a part has no table, or a table lacks a column; UsageError for an
    `agreement` out of range.
    """
    within("dusha", "agreement", agreement, 0, 1)
    folders = dict(_folders(root, domain))
    if not folders:
        parts = [part for part in PARTS if domain in (None, part.partition("_")[0])]
        raise DataError(f"{root}: none of the folders {', '.join(parts)} inside; layout dusha takes what holds them")
    chosen = None if labels is None else _read_labels(root / labels)
    there: set[str] = set()
    for part, folder in folders.items():
        clips: dict[str, Clip] = {}
        for place, row in read_rows(_table(part, folder), COLUMNS):
            problem = _take(place, row, part, folder, clips, voting=chosen is None)
            if problem is not None:
                yield problem
        if chosen is not None:
            clips = {name: clip for name, clip in clips.items() if name in chosen}
            there |= clips.keys()
        if clips and not _any_recording(folder / "wavs"):
            reason = f"no recording here, and {len(clips)} clips need one{_unpublished(part)}"
            yield Problem(str(folder / "wavs"), reason)
            continue
        for name, clip in clips.items():
            yield _judged(name, clip, agreement if chosen is None else chosen[name])
    if chosen is not None and (lacking := [name for name in chosen if name not in there]):
        reason = f"{len(lacking)} of its {len(chosen)} clips are in no table of {', '.join(folders)}"
        yield Problem(str(root / str(labels)), f"{reason}, the first {lacking[0]}")


def _folders(root: Path, domain: str | None) -> Iterator[tuple[str, Path]]:
    for part in PARTS:
        own = part.partition("_")[0]
        places = (root / part, root / own / part, *((root,) if root.name == part else ()))
        folder = next((place for place in places if place.is_dir()), None)
        if domain in (None, own) and folder is not None:
            yield part, folder


def _table(part: str, folder: Path) -> Path:
    for ending in ("tsv", "jsonl"):
        if (table := folder / f"raw_{part}.{ending}").is_file():
            return table
    raise DataError(f"{folder}: no raw_{part}.tsv or .jsonl inside; unpack the archive as published")


def _take(
    place: str, row: Mapping[str, str], part: str, folder: Path, clips: dict[str, Clip], *, voting: bool
) -> Problem | None:
    """Count one annotation; return why it cannot be."""
    name, path, emotion = row["hash_id"], row["audio_path"], row["annotator_emo"]
    needed = {"hash_id": name, "audio_path": path, **({"annotator_emo": emotion} if voting else {})}
    empty = [column for column, value in needed.items() if not value]
    if empty:
        return Problem(place, f"no {' and no '.join(empty)} in this row")
    if voting and emotion not in EMOTIONS:
        near = did_you_mean(emotion, EMOTIONS)
        return Problem(place, f"annotator_emo {emotion!r} is none of {', '.join(EMOTIONS)}{near}")
    clip = clips.setdefault(name, Clip(part, folder / path, row["source_id"]))
    clip.golden = clip.golden or row["golden_emo"]
    clip.votes[emotion] = clip.votes.get(emotion, 0) + 1
    return None


def _judged(name: str, clip: Clip, by: float | str) -> Sample | Problem:
    """Return the clip with a label that is given, or with the one that the share `by` of its annotators agree on."""
    if isinstance(by, str):
        emotion = by
    elif clip.golden:
        return Problem(str(clip.path), f"a recording that annotators were tested by (golden_emo {clip.golden})")
    else:
        ranked = sorted(clip.votes.items(), key=lambda vote: (-vote[1], vote[0]))
        emotion, most = ranked[0]
        if most < by * sum(clip.votes.values()) or (len(ranked) > 1 and ranked[1][1] == most):
            heard = ", ".join(f"{count} {each}" for each, count in ranked)
            return Problem(str(clip.path), f"too few of its annotators agree: {heard}")
    if not clip.path.is_file():
        return Problem(str(clip.path), f"no such file{_unpublished(clip.part)}")
    domain, _, split = clip.part.partition("_")
    speaker = {"speaker": clip.speaker} if clip.speaker else {}
    return Sample(name, clip.path, emotion, {**speaker, "domain": domain, "split": split})


def _any_recording(wavs: Path) -> bool:
    return wavs.is_dir() and any(wavs.iterdir())


def _unpublished(part: str) -> str:
    return "; recordings of the podcasts are not published" if part.startswith("podcast") else ""


def _read_labels(manifest: Path) -> dict[str, str]:
    """Return the emotions of a processed manifest by clip; raises DataError where it is none."""
    if not manifest.is_file():
        raise DataError(f"{manifest}: no such file (labels of layout dusha, relative to root)")
    found = {}
    for place, row in read_rows(manifest):
        name = row.get("id") or row.get("hash_id")
        label = row.get("label", "")
        # The authors' .tsv names no column for the emotion, though the value is there.
        emotion = row.get("emotion") or (EMOTIONS[int(label)] if label in ("0", "1", "2", "3") else "")
        if not name or emotion not in EMOTIONS:
            raise DataError(
                f"{place}: id or hash_id, and emotion (one of {', '.join(EMOTIONS)}) or label (0 to 3) are due, "
                f"not {dict(row)}"
            )
        found[name] = emotion
    return found
