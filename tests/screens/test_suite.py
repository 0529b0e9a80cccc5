"""Suites with a train set and data checks: read, written out, refused with the place, opened."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from audit.dataset import open_dataset, open_train
from audit.errors import DataError, SuiteError
from audit.grammar.schema import suite_schema
from audit.kinds import known_methods
from audit.modality import WORDS
from audit.suite import DataSource, Suite, Use, read_suite

from .made import EMOTIONS

CHECKS = "checks: [{check: data}]\n"
SCHEMA = Draft202012Validator(suite_schema())


def suite_of(folder: Path, body: str) -> Suite:
    path = folder / "x.audit.yaml"
    path.write_text(f"version: 1\nsuite: s\n{body}")
    return read_suite(path)


def meets_schema(text: str) -> bool:
    return SCHEMA.is_valid(json.loads(json.dumps(YAML(typ="safe", pure=True).load(f"version: 1\nsuite: s\n{text}"))))


@pytest.fixture
def clips(tmp_path: Path) -> DataSource:
    rows = ["path,emotion,speaker,split"]
    for index in range(20):
        (tmp_path / f"{index:02d}.wav").touch()
        rows.append(f"{index:02d}.wav,{EMOTIONS[index % 2]},s{index // 4},{'test' if index % 5 == 0 else 'train'}")
    (tmp_path / "t.csv").write_text("\n".join(rows))
    return DataSource(Use("layout", "table"), tmp_path / "t.csv", {"column": "split", "values": ("test",)})


def test_a_train_source_of_its_own_is_read_and_found_from_the_suites_folder(tmp_path: Path) -> None:
    body = "data: {layout: folder, root: test, rename: {angry: anger}, train: {layout: folder, root: ../tr}}\n" + CHECKS
    train = suite_of(tmp_path, body).data.train
    assert isinstance(train, DataSource)
    assert (train.layout.method, train.root) == ("folder", tmp_path.parent / "tr")
    # Renamed as the judged set is, unless it says otherwise.
    assert train.rename == {"angry": "anger"}
    own = suite_of(tmp_path, body.replace("../tr", "b, rename: {}, split: {random: 0.5}, seed: 3")).data.train
    assert (own.rename, own.split, own.seed) == ({}, {"random": 0.5}, 3)


def test_screens_are_read_with_their_keys(tmp_path: Path) -> None:
    methods = "[exact_copies, {near_copies: {correlation: 0.95}}, {shared_groups: {column: person}}]"
    (check,) = suite_of(tmp_path, f"checks: [{{check: data, method: {methods}}}]\n").checks
    assert (check.kind, check.id) == ("data", "data")
    assert [use.name for use in check.uses] == ["exact_copies", "near_copies", "shared_groups"]
    assert check.uses[1].parameters["correlation"] == 0.95
    assert check.uses[2].parameters == {"column": "person"}
    assert suite_of(tmp_path, CHECKS).checks[0].uses == ()
    (check,) = suite_of(tmp_path, "checks: [{check: data, method: blank}]\n").checks
    assert (check.id, check.uses[0].name) == ("data", "blank")


@pytest.mark.parametrize(
    "body",
    [
        "data: {layout: folder, root: /a, train: {layout: table, root: /b.csv, rename: {x: anger}}}\n" + CHECKS,
        "data: {layout: nemo, root: /a, split: {random: 0.2}, train: rest}\ndecide: {seed: 4}\n" + CHECKS,
        "data: {layout: synthetic, clips: 2, seed: 1, train: {layout: synthetic, clips: 3, seed: 2}}\n"
        "checks: [{check: data, method: [{clipped: {samples: 0.2, run: 5}}, silent], samples: 9}]\n",
    ],
)
def test_a_suite_written_out_reads_back_as_an_equal_suite_and_meets_the_schema(tmp_path: Path, body: str) -> None:
    suite = suite_of(tmp_path, body)
    path = tmp_path / "again.audit.yaml"
    with path.open("w") as file:
        YAML().dump(suite.resolved, file)
    again = read_suite(path)
    assert again.data == suite.data
    assert [replace(check, place=None) for check in again.checks] == [replace(c, place=None) for c in suite.checks]
    assert meets_schema(body)
    assert SCHEMA.is_valid(json.loads(json.dumps(suite.resolved)))


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            "data: {layout: folder, root: a, train: {layout: folder, rot: b}}\n" + CHECKS,
            r"3:57: error: unknown key 'rot'; did you mean 'root'\? \(data.train with layout folder takes layout, root",
        ),
        (
            "data: {layout: folder, root: a, train: {root: b}}\n" + CHECKS,
            r"3:40: error: train needs the key 'layout'",
        ),
        (
            "data: {layout: folder, root: a, train: {layout: folder, train: rest}}\n" + CHECKS,
            r"3:57: error: unknown key 'train'",
        ),
        ("data: {layout: folder, root: a, train: rset}\n" + CHECKS, r"3:40: error: train must be rest, or a mapping"),
        (
            "data: {layout: folder, root: a, train: rest}\n" + CHECKS,
            r"3:40: error: `rest` is the clips outside the split, and data has no `split`",
        ),
        ("checks: [{check: data, method: exact_copy}]\n", r"3:32: error: unknown screen 'exact_copy'; did you mean"),
        (
            "checks: [{check: data, method: [{blank: {contrst: 1}}]}]\n",
            r"3:42: error: unknown key 'contrst'; did you mean 'contrast'",
        ),
        ("checks: [{check: data, method: [blank, blank]}]\n", r"3:40: error: screen method 'blank' is named twice"),
        ("checks: [{check: data, sweep: {a: [1]}}]\n", r"3:24: error: unknown key 'sweep'"),
        ("checks: [{check: dat}]\n", r"check must be one of clean, corruption, attack, saliency, data"),
    ],
)
def test_a_mistake_is_answered_at_its_place(tmp_path: Path, body: str, told: str) -> None:
    with pytest.raises(SuiteError, match=told):
        suite_of(tmp_path, body)


@pytest.mark.parametrize(
    "body",
    [
        "data: {layout: folder, root: a, train: {layout: folder, rot: b}}\n" + CHECKS,
        "data: {layout: folder, root: a, train: {root: b}}\n" + CHECKS,
        "data: {layout: folder, root: a, train: {layout: folder, train: rest}}\n" + CHECKS,
        "data: {layout: folder, root: a, train: rset}\n" + CHECKS,
        "checks: [{check: data, method: exact_copy}]\n",
        "checks: [{check: data, method: [{blank: {contrst: 1}}]}]\n",
        "checks: [{check: data, sweep: {a: [1]}}]\n",
    ],
)
def test_a_typo_does_not_meet_the_schema(body: str) -> None:
    assert meets_schema(CHECKS)
    assert not meets_schema(body)


def test_the_rest_is_what_the_split_leaves_over(clips: DataSource) -> None:
    for how in (clips.split, {"random": 0.25}, {"by": "speaker", "share": 0.4}):
        source = replace(clips, split=how, seed=3, train="rest")
        judged = {sample.id for sample in open_dataset(source, EMOTIONS).samples}
        rest = {sample.id for sample in open_train(source, EMOTIONS).samples}
        assert not judged & rest
        assert len(judged | rest) == 20


def test_a_train_source_keeps_emotions_the_model_does_not_know(clips: DataSource) -> None:
    source = replace(clips, train=replace(clips, split=None))
    train = open_train(source, ("anger", "joy"))
    assert {sample.emotion for sample in train.samples} == {"anger", "fear"}
    assert open_train(clips, EMOTIONS) is None


@pytest.mark.parametrize(
    ("train", "told"),
    [
        ({"root": Path("/nowhere")}, r"/nowhere: no such file or folder \(data.train.root\)"),
        ({"root": None}, r"write `root:` under `data.train:`$"),
        ({"split": {"column": "fold", "values": ("a",)}}, r"data.train.split: the clips have no column 'fold'"),
        ({"emotions": ("joy",)}, r"data.train: .*t.csv: no clip is left"),
    ],
)
def test_a_train_set_that_cannot_be_opened_is_an_error_with_its_own_name(
    clips: DataSource, train: dict[str, object], told: str
) -> None:
    with pytest.raises(DataError, match=told):
        open_train(replace(clips, train=replace(clips, **train)), EMOTIONS)


def test_the_rest_of_no_split_is_an_error(clips: DataSource) -> None:
    with pytest.raises(DataError, match="data has no split"):
        open_train(replace(clips, split=None, train="rest"), EMOTIONS)


def test_every_screen_says_what_it_finds_and_takes_no_more_than_plain_keys() -> None:
    for method in known_methods("screen").values():
        assert method.summary.startswith("Find ")
        assert {key.annotation for key in method.parameters.values()} <= {"float", "int", "str", "bool"}
        assert not any(key.required for key in method.parameters.values())
        modality = method.facts["modality"]
        assert ({modality} if isinstance(modality, str) else set(modality)) <= {"any", *WORDS}
