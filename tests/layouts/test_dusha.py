"""Dusha: annotations counted, or the authors' own labels."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from audit.data import Problem, Sample
from audit.errors import AuditError, DataError
from audit.layouts.dusha import dusha

COLUMNS = (
    *("hash_id", "audio_path", "duration", "annotator_emo", "golden_emo"),
    *("annotator_id", "speaker_text", "speaker_emo", "source_id"),
)


def annotated(name: str, emotion: str, golden: str = "", source: str = "s1", **other: str) -> dict[str, str]:
    row = {
        "hash_id": name,
        "audio_path": f"wavs/{name}.wav",
        "duration": "3.2",
        "annotator_emo": emotion,
        "golden_emo": golden,
        "annotator_id": "17",
        "speaker_text": 'он сказал "да',
        "speaker_emo": "angry",
        "source_id": source,
    }
    return row | other


def published(root: Path, part: str, rows: list[dict[str, str]], ending: str = "tsv", recorded: bool = True) -> None:
    folder = root / part
    (folder / "wavs").mkdir(parents=True)
    if ending == "tsv":
        lines = ["\t".join(COLUMNS), *("\t".join(row[column] for column in COLUMNS) for row in rows)]
    else:
        empty = {"golden_emo": float("nan"), "speaker_text": None}
        lines = [json.dumps({k: v or empty.get(k, "") for k, v in row.items()}, ensure_ascii=False) for row in rows]
    (folder / f"raw_{part}.{ending}").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for row in rows if recorded else ():
        (folder / row["audio_path"]).touch() if row["audio_path"] else None


def reasons(root: Path, **keys: object) -> list[str]:
    return [item.reason for item in dusha(root, **keys) if isinstance(item, Problem)]  # type: ignore[arg-type]


def emotions(root: Path, **keys: object) -> dict[str, str]:
    return {item.id: item.emotion for item in dusha(root, **keys) if isinstance(item, Sample)}  # type: ignore[arg-type]


@pytest.mark.parametrize("ending", ["tsv", "jsonl"])
def test_what_most_annotators_heard_is_the_emotion(tmp_path: Path, ending: str) -> None:
    published(tmp_path, "crowd_test", [annotated("a", each) for each in ("angry", "sad", "angry")], ending)
    assert list(dusha(tmp_path)) == [
        Sample(
            "a",
            tmp_path / "crowd_test" / "wavs" / "a.wav",
            "angry",
            {"speaker": "s1", "domain": "crowd", "split": "test"},
        )
    ]


def test_parts_lie_in_the_root_or_in_their_domain_or_are_the_root(tmp_path: Path) -> None:
    published(tmp_path, "crowd_train", [annotated("a", "sad")])
    published(tmp_path / "podcast", "podcast_test", [annotated("b", "other", source="")])
    first, second = dusha(tmp_path)
    assert isinstance(first, Sample)
    assert isinstance(second, Sample)
    assert first.groups == {"speaker": "s1", "domain": "crowd", "split": "train"}
    assert (second.emotion, second.groups) == ("other", {"domain": "podcast", "split": "test"})
    assert list(dusha(tmp_path, domain="podcast")) == [second]
    assert list(dusha(tmp_path / "crowd_train")) == [first]


def test_agreement_is_the_share_that_must_be_reached_and_a_tie_is_none(tmp_path: Path) -> None:
    votes = {"half": "aass", "most": "aaasn", "few": "aasnp", "all": "ppp"}
    names = {"a": "angry", "s": "sad", "n": "neutral", "p": "positive"}
    rows = [annotated(clip, names[vote]) for clip, each in votes.items() for vote in each]
    published(tmp_path, "crowd_test", rows)
    assert emotions(tmp_path) == {"most": "angry", "all": "positive"}
    assert emotions(tmp_path, agreement=0.4) == {"most": "angry", "few": "angry", "all": "positive"}
    assert emotions(tmp_path, agreement=0.6) == {"most": "angry", "all": "positive"}
    assert emotions(tmp_path, agreement=0.9) == {"all": "positive"}
    assert "too few of its annotators agree: 2 angry, 2 sad" in reasons(tmp_path)
    with pytest.raises(AuditError, match=r"dusha: agreement must be from 0 to 1, not 1\.5"):
        list(dusha(tmp_path, agreement=1.5))


def test_a_row_with_an_empty_cell_is_a_problem_with_its_line(tmp_path: Path) -> None:
    rows = [
        annotated("a", "sad"),
        annotated("a", ""),
        annotated("", "angry", audio_path=""),
        annotated("a", "sadd"),
    ]
    published(tmp_path, "crowd_test", rows)
    table = tmp_path / "crowd_test" / "raw_crowd_test.tsv"
    problems = [item for item in dusha(tmp_path) if isinstance(item, Problem)]
    assert [(each.path, each.reason) for each in problems] == [
        (f"{table}:3", "no annotator_emo in this row"),
        (f"{table}:4", "no hash_id and no audio_path in this row"),
        (f"{table}:5", "annotator_emo 'sadd' is none of angry, sad, neutral, positive, other; did you mean 'sad'?"),
    ]
    assert emotions(tmp_path) == {"a": "sad"}


def test_what_annotators_were_tested_by_is_not_judged(tmp_path: Path) -> None:
    published(tmp_path, "crowd_test", [annotated("a", "sad", golden="sad"), annotated("b", "sad")])
    assert emotions(tmp_path) == {"b": "sad"}
    assert reasons(tmp_path) == ["a recording that annotators were tested by (golden_emo sad)"]


def test_a_missing_recording_is_a_problem_and_a_part_without_any_is_one(tmp_path: Path) -> None:
    published(tmp_path, "crowd_test", [annotated("a", "sad"), annotated("b", "sad")])
    published(tmp_path, "podcast_test", [annotated("c", "sad"), annotated("d", "sad")], recorded=False)
    (tmp_path / "crowd_test" / "wavs" / "a.wav").unlink()
    assert emotions(tmp_path) == {"b": "sad"}
    assert reasons(tmp_path) == [
        "no such file",
        "no recording here, and 2 clips need one; recordings of the podcasts are not published",
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "test/crowd_test.jsonl",
            '{"id": "a", "tensor": "../../features/a.npy", "wav_length": "3.2", "label": 3, "emotion": "positive"}\n',
        ),
        # As the authors write it: four names over five values.
        ("test/crowd_test.tsv", "id\ttensor\twav_lengh\tlabel\na\t../../features/a.npy\t3.2\t3\tpositive\n"),
        (
            "aggregated_dataset/crowd_test.tsv",
            "hash_id\twav_path\tduration\temotion\tgolden_emo\tspeaker_text\tspeaker_emo\tsource_id\n"
            "a\t../../crowd_test/wavs/a.wav\t3.2\tpositive\t\tда\tangry\ts1\n",
        ),
    ],
)
def test_a_processed_manifest_gives_the_clips_and_their_labels(tmp_path: Path, name: str, text: str) -> None:
    published(tmp_path, "crowd_test", [annotated("a", "sad"), annotated("b", ""), annotated("c", "sad")])
    labels = Path("processed_dataset_090") / name
    (tmp_path / labels).parent.mkdir(parents=True)
    (tmp_path / labels).write_text(text, encoding="utf-8")
    (sample,) = dusha(tmp_path, labels=str(labels))
    assert isinstance(sample, Sample)
    assert (sample.id, sample.emotion, sample.groups["speaker"]) == ("a", "positive", "s1")


def test_labels_of_clips_that_are_not_there_are_one_problem(tmp_path: Path) -> None:
    published(tmp_path, "crowd_test", [annotated("a", "sad")])
    rows = [{"id": name, "emotion": "sad"} for name in ("a", "x", "y")]
    (tmp_path / "m.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    assert emotions(tmp_path, labels="m.jsonl") == {"a": "sad"}
    assert reasons(tmp_path, labels="m.jsonl") == ["2 of its 3 clips are in no table of crowd_test, the first x"]


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("raw_crowd_test.tsv", "hash_id\taudio_path\n", r"raw_crowd_test.tsv:1: no column annotator_emo, golden_emo"),
        ("raw_crowd_test.tsv", "", "no column hash_id"),
        ("raw_crowd_test.jsonl", '{"hash_id": "a"}\n', r"raw_crowd_test.jsonl:1: no column audio_path"),
        ("raw_crowd_test.jsonl", "hash_id\n", r"raw_crowd_test.jsonl:1: no JSON"),
        ("raw_crowd_test.jsonl", "[1]\n", r"raw_crowd_test.jsonl:1: a mapping is due, not \[1\]"),
        ("raw_crowd.tsv", "", r"no raw_crowd_test.tsv or .jsonl inside"),
    ],
)
def test_a_table_of_something_else_is_an_error_with_its_place(tmp_path: Path, name: str, text: str, told: str) -> None:
    (tmp_path / "crowd_test").mkdir()
    (tmp_path / "crowd_test" / name).write_text(text)
    with pytest.raises(DataError, match=told):
        list(dusha(tmp_path))


def test_a_root_without_parts_and_labels_of_something_else_are_errors(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="none of the folders crowd_train, crowd_test inside"):
        list(dusha(tmp_path, domain="crowd"))
    published(tmp_path, "crowd_test", [annotated("a", "sad")])
    with pytest.raises(DataError, match=r"nowhere.jsonl: no such file \(labels of layout dusha"):
        list(dusha(tmp_path, labels="nowhere.jsonl"))
    (tmp_path / "m.tsv").write_text("id\tlabel\na\t7\n")
    with pytest.raises(DataError, match=r"m.tsv:2: id or hash_id, and emotion .*not \{'id': 'a', 'label': '7'\}"):
        list(dusha(tmp_path, labels="m.tsv"))
