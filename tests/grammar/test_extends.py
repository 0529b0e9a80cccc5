"""Suites that build on others."""

from pathlib import Path

import pytest

from audit.errors import SuiteError
from audit.grammar.extends import PRESETS, preset_names
from audit.suite import Suite, read_suite

HEAD = "version: 1\nsuite: s\n"
NOISE = (
    "{check: corruption, method: gaussian_noise, sweep: {sigma: [0.1]}, gates: [{metric: accuracy, at: 0.1, min: 0.5}]}"
)


def write(folder: Path, name: str, body: str, head: str = HEAD) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(head + body)
    return path


def merged(folder: Path, base: str, own: str) -> Suite:
    write(folder, "base.audit.yaml", base)
    return read_suite(write(folder, "x.audit.yaml", f"extends: base.audit.yaml\n{own}"))


def test_a_later_check_with_the_same_id_replaces_the_keys_it_names(tmp_path: Path) -> None:
    found = merged(
        tmp_path,
        f"checks: [{{check: clean}}, {NOISE}]\n",
        "checks: [{id: gaussian_noise, gates: [{metric: drop, at: 0.1, max: 0.2}]}, {check: clean, id: again}]\n",
    )
    assert [check.id for check in found.checks] == ["clean", "gaussian_noise", "again"]
    noise = found.checks[1]
    assert noise.sweep == ("sigma", (0.1,))
    assert [gate.metric for gate in noise.gates] == ["drop"]


def test_files_merge_from_left_to_right_and_the_file_itself_comes_last(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", "decide: {seed: 1, confidence: 0.9, bootstrap: 500}\nchecks: [{check: clean}]\n")
    write(tmp_path, "b.yaml", "decide: {seed: 2, confidence: 0.8}\n")
    found = read_suite(write(tmp_path, "x.yaml", "extends: [a.yaml, b.yaml]\ndecide: {seed: 3}\n"))
    assert (found.decide.seed, found.decide.confidence, found.decide.bootstrap) == (3, 0.8, 500)
    assert found.name == "s"


def test_the_name_of_an_extended_suite_is_not_inherited(tmp_path: Path) -> None:
    write(tmp_path, "base.yaml", "checks: [{check: clean}]\n")
    with pytest.raises(SuiteError, match="needs the key 'suite'"):
        read_suite(write(tmp_path, "x.yaml", "extends: base.yaml\n", head="version: 1\n"))


def test_another_layout_replaces_all_of_the_data(tmp_path: Path) -> None:
    base = "data: {layout: synthetic, clips: 3, split: {random: 0.5}}\nchecks: [{check: clean}]\n"
    same = merged(tmp_path, base, "data: {speakers: 2}\n").data
    other = merged(tmp_path, base, "data: {layout: nemo, root: clips}\n").data
    assert same is not None
    assert other is not None
    assert (same.layout.parameters["clips"], same.layout.parameters["speakers"]) == (3, 2)
    assert (other.layout.method, dict(other.layout.parameters), other.split) == ("nemo", {}, None)


def test_paths_belong_to_the_file_that_writes_them(tmp_path: Path) -> None:
    write(tmp_path, "lib/base.yaml", "model: m.yaml\ndata: {layout: nemo, root: ../clips}\nchecks: [{check: clean}]\n")
    (tmp_path / "lib" / "m.yaml").touch()
    found = read_suite(write(tmp_path, "suites/x.yaml", "extends: ../lib/base.yaml\n"))
    assert found.model == tmp_path / "lib" / "m.yaml"
    assert found.data is not None
    assert found.data.root == tmp_path / "clips"
    assert found.resolved["model"] == "../lib/m.yaml"


def test_an_error_points_at_the_file_the_value_came_from(tmp_path: Path) -> None:
    write(tmp_path, "base.audit.yaml", "checks:\n  - check: clean\n    gates: [{metric: acuracy, min: 0.5}]\n")
    with pytest.raises(SuiteError, match="did you mean 'accuracy'") as caught:
        read_suite(write(tmp_path, "x.audit.yaml", "extends: [base.audit.yaml]\n"))
    assert (caught.value.path, caught.value.line) == (tmp_path / "base.audit.yaml", 5)


@pytest.mark.parametrize(
    ("extends", "told"),
    [
        ("nowhere.yaml", "no such file"),
        ("preset:speech-baselin", "did you mean 'speech-baseline'"),
        ("3", "not the number 3"),
        ("{a: b}", "not a mapping with a"),
        ("[[a]]", "not a list of 1"),
        ("x.audit.yaml", "x.audit.yaml -> x.audit.yaml"),
    ],
)
def test_what_cannot_be_extended_is_marked(tmp_path: Path, extends: str, told: str) -> None:
    with pytest.raises(SuiteError) as caught:
        read_suite(write(tmp_path, "x.audit.yaml", f"extends: {extends}\nchecks: [{{check: clean}}]\n"))
    assert told in caught.value.message
    assert caught.value.line == 3


def test_a_circle_names_the_files_on_it(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", "extends: b.yaml\n")
    write(tmp_path, "b.yaml", "extends: a.yaml\n")
    with pytest.raises(SuiteError, match=r"in a circle: a.yaml -> b.yaml -> a.yaml") as caught:
        read_suite(tmp_path / "a.yaml")
    assert caught.value.path == tmp_path / "b.yaml"


def test_two_files_may_extend_the_same_one(tmp_path: Path) -> None:
    write(tmp_path, "base.yaml", "checks: [{check: clean}]\n")
    write(tmp_path, "a.yaml", "extends: base.yaml\ndecide: {seed: 4}\n")
    write(tmp_path, "b.yaml", "extends: base.yaml\ndecide: {bootstrap: 300}\n")
    found = read_suite(write(tmp_path, "x.yaml", "extends: [a.yaml, b.yaml]\n"))
    assert (len(found.checks), found.decide.seed, found.decide.bootstrap) == (1, 4, 300)


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_reads_alone_and_extended(tmp_path: Path, name: str) -> None:
    alone = read_suite(Path(f"preset:{name}"))
    extended = read_suite(write(tmp_path, "x.yaml", f"extends: [preset:{name}]\n"))
    assert alone.path == PRESETS / f"{name}.audit.yaml"
    assert alone.name == name
    assert extended.checks == alone.checks
    assert all(check.gates for check in alone.checks)
