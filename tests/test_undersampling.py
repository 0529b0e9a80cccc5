"""Undersampling: at most so many clips of each emotion, told and repeatable."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from jsonschema import Draft202012Validator

from audit.audit import Audit
from audit.data import Sample, split_at_random
from audit.dataset import open_dataset, open_train
from audit.errors import SuiteError
from audit.grammar.schema import suite_schema
from audit.runner import run
from audit.sampling import undersampled
from audit.suite import DataSource, Use, read_suite
from audit.wording import scope

EMOTIONS = ("anger", "fear", "neutral")
COUNTS = {"anger": 90, "fear": 30, "neutral": 12}


def samples() -> list[Sample]:
    return [
        Sample(f"{emotion}-{index:03d}", None, emotion, {"speaker": f"s{index % 6}"})
        for emotion, count in COUNTS.items()
        for index in range(count)
    ]


def names(given: list[Sample], most: int | str | None, seed: int = 3) -> set[str]:
    return {sample.id for sample in undersampled(given, most, seed)[0]}


@pytest.fixture
def table(tmp_path: Path) -> DataSource:
    rows = ["path,emotion,split"]
    for sample in samples():
        (tmp_path / f"{sample.id}.wav").touch()
        rows.append(f"{sample.id}.wav,{sample.emotion},{'test' if int(sample.id[-1]) % 3 == 0 else 'train'}")
    (tmp_path / "t.csv").write_text("\n".join(rows))
    return DataSource(Use("layout", "table"), tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("most", "kept", "left_out"),
    [
        ("smallest", {"anger": 12, "fear": 12, "neutral": 12}, {"anger": 78, "fear": 18}),
        (20, {"anger": 20, "fear": 20, "neutral": 12}, {"anger": 70, "fear": 10}),
        (500, COUNTS, {}),
        (None, COUNTS, {}),
    ],
)
def test_no_emotion_has_more_than_asked_and_what_is_left_out_is_counted(
    most: int | str | None, kept: dict[str, int], left_out: dict[str, int]
) -> None:
    chosen, others = undersampled(samples(), most, 3)
    assert Counter(sample.emotion for sample in chosen) == kept
    assert others == left_out
    assert list(chosen) == [sample for sample in samples() if sample in chosen]


def test_the_seed_alone_decides_which_are_kept() -> None:
    assert names(samples(), "smallest") == names(samples()[::-1], "smallest")
    assert names(samples(), "smallest") != names(samples(), "smallest", seed=4)


def test_one_clip_more_exchanges_at_most_one_other_of_its_emotion() -> None:
    before = names(samples(), 20)
    for index in range(40):
        after = names([*samples(), Sample(f"new-{index}", None, "anger")], 20)
        assert len(before - after) <= 1
        assert after - before <= {f"new-{index}"}


def test_one_clip_more_of_the_rarest_adds_one_of_each_emotion() -> None:
    before = names(samples(), "smallest")
    after = names([*samples(), Sample("new", None, "neutral")], "smallest")
    assert before < after
    assert Counter(name.split("-")[0] for name in after - before) == {"anger": 1, "fear": 1, "new": 1}


def test_a_split_of_what_is_left_takes_as_much_of_an_emotion_that_was_cut_down() -> None:
    # By one order for both, all twelve of the ninety would be among the first half.
    shares = []
    for seed in range(12):
        kept, _ = undersampled(samples(), "smallest", seed)
        held_out = split_at_random(kept, 0.5, seed)
        shares.append(Counter(sample.emotion for sample in held_out)["anger"] / 12)
    assert 0.35 < np.mean(shares) < 0.65


def test_it_comes_after_the_split_and_the_emotions(table: DataSource) -> None:
    split = {"column": "split", "values": ("test",)}
    whole = open_dataset(replace(table, split=split), EMOTIONS).samples
    dataset = open_dataset(replace(table, split=split, undersample="smallest"), EMOTIONS)
    rarest = min(Counter(sample.emotion for sample in whole).values())
    assert all(sample in whole for sample in dataset.samples)
    assert Counter(sample.emotion for sample in dataset.samples) == dict.fromkeys(EMOTIONS, rarest)
    assert sum(dataset.undersampled.values()) == len(whole) - len(dataset.samples)
    without = open_dataset(replace(table, emotions=("anger", "fear"), undersample="smallest"), EMOTIONS)
    assert Counter(sample.emotion for sample in without.samples) == {"anger": 30, "fear": 30}
    assert (without.left_out, without.undersampled, without.problems) == ({"neutral": 12}, {"anger": 60}, ())


def test_the_rest_of_a_split_is_no_less_for_undersampling(table: DataSource) -> None:
    source = replace(table, split={"column": "split", "values": ("test",)}, train="rest")
    plain, cut = open_train(source, EMOTIONS), open_train(replace(source, undersample="smallest"), EMOTIONS)
    assert plain is not None
    assert cut is not None
    assert plain.samples == cut.samples
    own = open_train(replace(table, train=replace(table, undersample=5)), EMOTIONS)
    assert own is not None
    assert Counter(sample.emotion for sample in own.samples) == dict.fromkeys(EMOTIONS, 5)


def suite(folder: Path, data: str) -> Any:
    file = folder / "x.audit.yaml"
    file.write_text(f"version: 1\nsuite: s\ndata: {{layout: folder, root: clips{data}}}\nchecks: [{{check: clean}}]\n")
    return read_suite(file)


@pytest.mark.parametrize(
    ("written", "read"), [(", undersample: smallest", "smallest"), (", undersample: 9", 9), ("", None)]
)
def test_a_suite_says_it_and_writes_it_out(tmp_path: Path, written: str, read: int | str | None) -> None:
    found = suite(tmp_path, written)
    assert found.data.undersample == read
    assert found.resolved["data"].get("undersample") == read
    schema = Draft202012Validator(suite_schema())
    document = {"version": 1, "suite": "s", "data": found.resolved["data"], "checks": [{"check": "clean"}]}
    assert schema.is_valid(document)
    assert not schema.is_valid({**document, "data": {"layout": "folder", "undersample": "smalest"}})


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("undersampel: smallest", r"unknown key 'undersampel'; did you mean 'undersample'\?"),
        ("undersample: smalest", r"undersample must be smallest, or a whole number .*; did you mean 'smallest'\?"),
        ("undersample: 0", "undersample must be a whole number of at least 1, not 0"),
        ("undersample: true", "undersample must be smallest, or a whole number of at least 1, or null, not true"),
    ],
)
def test_a_typo_is_told_at_its_place(tmp_path: Path, written: str, told: str) -> None:
    with pytest.raises(SuiteError, match=told) as caught:
        suite(tmp_path, f", {written}")
    assert str(caught.value).startswith(f"{tmp_path}/x.audit.yaml:3:")


MODEL = """
import numpy as np

def answers(waveforms):
    level = np.abs(waveforms).mean(axis=1, keepdims=True)
    return np.concatenate([level, 0.1 - level], axis=1)
"""
MANIFEST = """version: 1
model: level
loader: python
source: level.py:answers
input: {sampling_rate: 8000, seconds: 0.5, representation: waveform}
activation: none
emotions: [anger, fear]
"""


@pytest.fixture
def audited(tmp_path: Path) -> Audit:
    rng = np.random.default_rng(0)
    for emotion, count, level in (("anger", 7, 0.3), ("fear", 3, 0.01)):
        (tmp_path / "clips" / emotion).mkdir(parents=True)
        for index in range(count):
            soundfile.write(tmp_path / "clips" / emotion / f"{index}.wav", level * rng.standard_normal(4000), 8000)
    (tmp_path / "level.py").write_text(MODEL)
    (tmp_path / "level.model.yaml").write_text(MANIFEST)
    found = suite(tmp_path, ", undersample: smallest")
    return run(replace(found, model=tmp_path / "level.model.yaml"))


def test_an_audit_says_how_many_clips_were_left_out_and_why(audited: Audit) -> None:
    document = audited.document()
    assert document["data"]["emotions"] == {"anger": 3, "fear": 3}
    assert document["data"]["undersampled"] == {"anger": 4}
    assert scope(document) == ["4 clips left out by undersampling to the rarest emotion, as the suite says: 4 anger"]
