"""Suites read into dataclasses, and what is said of wrong ones."""

import subprocess
import sys
from pathlib import Path

import pytest

from audit.errors import SuiteError, UsageError
from audit.grammar.suite_reader import check_emotions
from audit.suite import DataSource, Suite, Use, read_suite

HEAD = "version: 1\nsuite: s\n"
WIND = """
from audit.kinds import corruption

@corruption(space="waveform")
def wind(inputs, spec, rng, *, speed: float, gusts: int = 3, kind: str = "storm"):
    return inputs
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "x.audit.yaml"


def suite(file: Path, body: str) -> Suite:
    file.write_text(HEAD + body)
    return read_suite(file)


def refusal(file: Path, body: str) -> SuiteError:
    with pytest.raises(SuiteError) as caught:
        suite(file, body)
    return caught.value


def test_a_whole_suite_reads_as_it_is_written(file: Path) -> None:
    (file.parent / "m.model.yaml").touch()
    found = suite(
        file,
        """model: m.model.yaml
data: {layout: nemo, root: clips, split: {by: speaker, share: 0.2}, rename: {surprise: surprised}}
decide: {confidence: 0.9, cluster: speaker, when_unsure: pass, seed: 7}
groups: {simple: [happiness, sadness], complex: [anger]}
checks:
  - check: clean
    gates:
      - {metric: accuracy, min: 0.85}
      - {metric: recall, per: emotion, min: 0.70, max: 0.99}
      - {metric: accuracy, per: group, min: 0.5}
  - check: corruption
    method: gaussian_noise
    sweep: {sigma: [0.1, 0.03]}
    samples: 50
    gates:
      - {metric: drop, at: 0.03, max: 0.1}
  - check: attack
    id: heard
    method: fgsm
    space: waveform
    sweep: {epsilon: [0, 0.001]}
    without_gradients: leave_out
    gates:
      - {metric: critical_epsilon, min: 0.0005}
  - check: saliency
    method: [gradcam, {lime: {samples: 500}}]
    faithfulness: {probability_drop: {fill: [mean, floor]}}
    random_masks: 5
    gates:
      - {metric: faithfulness_over_random, of: lime, per: emotion, min: 0.05}
""",
    )
    clean, noise, attack, saliency = found.checks
    assert (found.name, found.model) == ("s", file.parent / "m.model.yaml")
    assert found.data == DataSource(
        Use("layout", "nemo"), file.parent / "clips", {"by": "speaker", "share": 0.2}, {"surprise": "surprised"}, 7
    )
    assert (found.decide.confidence, found.decide.cluster, found.decide.when_unsure) == (0.9, "speaker", "pass")
    assert found.groups == {"simple": ("happiness", "sadness"), "complex": ("anger",)}
    assert [check.id for check in found.checks] == ["clean", "gaussian_noise", "heard", "saliency"]
    assert [(g.metric, g.per, g.minimum, g.maximum) for g in clean.gates] == [
        ("accuracy", None, 0.85, None),
        ("recall", "emotion", 0.70, 0.99),
        ("accuracy", "group", 0.5, None),
    ]
    assert (noise.sweep, noise.samples, noise.gates[0].at) == (("sigma", (0.1, 0.03)), 50, 0.03)
    assert (attack.space, attack.sweep, attack.uses[0].method) == ("waveform", ("epsilon", (0.0, 0.001)), "fgsm")
    assert (attack.without_gradients, saliency.without_gradients) == ("leave_out", "error")
    assert [use.name for use in saliency.uses] == ["gradcam", "lime"]
    assert saliency.uses[1].parameters["samples"] == 500
    assert saliency.faithfulness == (
        Use("faithfulness", "probability_drop", {"masked": 0.2, "fill": ("mean", "floor")}),
    )
    assert saliency.measures == ("probability_drop/mean", "probability_drop/floor")
    assert [test.name for test in saliency.sanity] == ["parameter_randomisation", "seed_stability", "input_shift"]
    assert (saliency.random_masks, saliency.gates[0].of) == (5, "lime")
    assert str(saliency.gates[0].place) == f"{file}:32:9"


def test_a_typo_in_a_suite_names_the_nearest_key(file: Path) -> None:
    error = refusal(file, "checks:\n  - check: clean\n    gates:\n      - {metric: accuracy, mim: 0.85}\n")
    assert str(error) == (
        f"{file}:6:28: error: unknown key 'mim'; did you mean 'min'? (a gate takes metric, per, min, max, "
        "across, floor, without, informational, waive)\n"
        "        - {metric: accuracy, mim: 0.85}\n"
        "                             ^^^"
    )


@pytest.mark.parametrize(
    ("body", "line", "column", "told"),
    [
        ("checks: []\n", 3, 9, "at least 1 item"),
        ("cheks: [{check: clean}]\n", 3, 1, "did you mean 'checks'"),
        ("checks: [{check: cleen}]\n", 3, 18, "did you mean 'clean'"),
        ("checks: [clean]\n", 3, 10, "begins with `check:`"),
        ("checks: [{gates: []}]\n", 3, 10, "one of clean, corruption, attack, saliency"),
        ("checks: [{check: clean}, {check: clean}]\n", 3, 26, "id: clean-2"),
        ("checks: [{check: clean, id: A B}]\n", 3, 29, "letters a-z"),
        ("checks: [{check: clean, samples: 0}]\n", 3, 34, "at least 1"),
        ("checks: [{check: clean, gates: {metric: uar}}]\n", 3, 32, "must be a list"),
        ("checks: [{check: corruption, sweep: {sigma: [1]}}]\n", 3, 10, "needs the key 'method'"),
        ("checks: [{check: corruption, method: gausian_noise}]\n", 3, 38, "did you mean 'gaussian_noise'"),
        ("checks: [{check: corruption, method: gaussian_noise}]\n", 3, 10, "such as `sweep: {sigma: [...]}`"),
        ("checks: [{check: corruption, method: gaussian_noise, sweep: {sigm: [1]}}]\n", 3, 62, "mean 'sigma'"),
        ("checks: [{check: corruption, method: gaussian_noise, sweep: {sigma: [a]}}]\n", 3, 70, "a number"),
        ("checks: [{check: corruption, method: gaussian_noise, sweep: {sigma: [1, 1]}}]\n", 3, 73, "twice"),
        (
            "checks: [{check: corruption, id: clean, method: gaussian_noise, sweep: {sigma: [1]}}]\n",
            3,
            34,
            "kind clean",
        ),
        ("checks: [{check: attack, method: fgsm, sweep: {epsilon: [-1]}}]\n", 3, 58, "at least 0"),
        ("checks: [{check: attack, method: fgsm, space: mel, sweep: {epsilon: [1]}}]\n", 3, 47, "input or waveform"),
        (
            "checks: [{check: attack, method: fgsm, sweep: {epsilon: [1]}, without_gradients: skip}]\n",
            3,
            82,
            "error or leave_out",
        ),
        ("checks: [{check: clean, without_gradients: leave_out}]\n", 3, 25, "unknown key 'without_gradients'"),
        ("checks: [{check: saliency}]\n", 3, 10, "needs the key 'method'"),
        ("checks: [{check: saliency, method: [lime, lime]}]\n", 3, 43, "named twice"),
        ("checks: [{check: saliency, method: {lime: {sampels: 3}}}]\n", 3, 44, "did you mean 'samples'"),
        ("checks: [{check: saliency, method: {lime: {samples: 3.5}}}]\n", 3, 53, "a whole number"),
        (
            "checks: [{check: saliency, method: lime, faithfulness: {probability_drop: {fill: flor}}}]\n",
            3,
            82,
            "one of mean, floor, noise, blur",
        ),
        ("data: {layout: nema}\nchecks: [{check: clean}]\n", 3, 16, "did you mean 'nemo'"),
        ("data: {root: x}\nchecks: [{check: clean}]\n", 3, 7, "needs the key 'layout'"),
        ("data: {layout: nemo, speaker: x}\nchecks: [{check: clean}]\n", 3, 22, "unknown key 'speaker'"),
        ("data: {layout: nemo, split: {random: 20}}\nchecks: [{check: clean}]\n", 3, 38, "above 0 to 1"),
        ("data: {layout: nemo, split: {rndom: 0.2}}\nchecks: [{check: clean}]\n", 3, 30, "did you mean 'random'"),
        ("data: {layout: nemo, split: {by: speaker}}\nchecks: [{check: clean}]\n", 3, 29, "needs the key 'share'"),
        ("data:\nchecks: [{check: clean}]\n", 3, 1, "not empty"),
        ("model: no/m.yaml\nchecks: [{check: clean}]\n", 3, 8, "no such manifest no/m.yaml"),
        ("model: 3\nchecks: [{check: clean}]\n", 3, 8, "a path"),
        ("decide: {confidence: 95}\nchecks: [{check: clean}]\n", 3, 22, "from 0.5 to 0.9999"),
        ("decide: {when_unsure: maybe}\nchecks: [{check: clean}]\n", 3, 23, "fail or pass"),
        ("decide: {seed: true}\nchecks: [{check: clean}]\n", 3, 16, "a whole number"),
        ("groups: {a: anger}\nchecks: [{check: clean}]\n", 3, 13, "must be a list"),
    ],
)
def test_what_is_wrong_is_marked_where_it_stands(file: Path, body: str, line: int, column: int, told: str) -> None:
    error = refusal(file, body)
    assert (error.path, error.line, error.column) == (file, line, column)
    assert told in error.message


@pytest.mark.parametrize(("text", "told"), [("suite: s\n", "version"), ("version: 2\n", "must be 1")])
def test_a_suite_of_no_or_another_version_is_refused(file: Path, text: str, told: str) -> None:
    file.write_text(text)
    with pytest.raises(SuiteError, match=told):
        read_suite(file)


def test_a_method_of_ones_own_is_found_beside_the_suite(file: Path) -> None:
    (file.parent / "mine").mkdir()
    (file.parent / "mine" / "weather.py").write_text(WIND)
    body = "checks: [{check: corruption, method: mine/weather.py:wind, sweep: {speed: [3, 9]}, gusts: 5}]\n"
    (check,) = suite(file, body).checks
    assert check.id == "wind"
    assert check.uses == (Use("corruption", "mine/weather.py:wind", {"gusts": 5, "kind": "storm"}, file.parent),)


@pytest.mark.parametrize(
    ("method", "told"),
    [
        ("weather.py:wnd", "did you mean 'wind'"),
        ("nowhere.py:wind", "no such file"),
        ("broken.py:wind", "cannot be read as Python"),
        ("binary.py:wind", "cannot be read as Python"),
    ],
)
def test_a_method_of_ones_own_that_is_not_there_is_marked(file: Path, method: str, told: str) -> None:
    (file.parent / "weather.py").write_text(WIND)
    (file.parent / "broken.py").write_text("def (")
    (file.parent / "binary.py").write_bytes(b"\x00\xff\xfe")
    error = refusal(file, f"checks: [{{check: corruption, method: {method}, sweep: {{speed: [3]}}}}]\n")
    assert told in error.message
    assert (error.line, error.column) == (3, 38)


@pytest.mark.parametrize("sweep", ["{gusts: [1, 2]}", "{gusts: [1.5]}"])
def test_a_parameter_without_a_default_must_be_given(file: Path, sweep: str) -> None:
    (file.parent / "weather.py").write_text(WIND)
    body = f"checks: [{{check: corruption, method: weather.py:wind, sweep: {sweep}}}]\n"
    told = "whole number" if "1.5" in sweep else "needs the key 'speed'"
    assert told in refusal(file, body).message


def test_the_model_and_the_data_can_come_from_the_command(file: Path, tmp_path: Path) -> None:
    file.write_text(HEAD + "data: {layout: nemo, root: a, split: {random: 0.2}}\nchecks: [{check: clean}]\n")
    found = read_suite(file, model=tmp_path / "m.yaml", data=tmp_path / "elsewhere")
    assert found.model == tmp_path / "m.yaml"
    assert found.data is not None
    assert (found.data.root, found.data.split) == (tmp_path / "elsewhere", {"random": 0.2})


def test_relative_paths_from_the_command_are_relative_to_the_working_folder(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "work").mkdir()
    file.write_text(HEAD + "checks: [{check: clean}]\n")
    monkeypatch.chdir(tmp_path / "work")
    found = read_suite(Path("../x.audit.yaml"), model=Path("m.yaml"), data=Path("clips"))
    assert found.data is not None
    assert found.data.root is not None
    assert found.model is not None
    assert found.model.resolve() == tmp_path / "work" / "m.yaml"
    assert found.data.root.resolve() == tmp_path / "work" / "clips"


@pytest.mark.parametrize(("name", "layout"), [("clips", "folder"), ("test.csv", "table"), ("test.parquet", "table")])
def test_data_from_the_command_alone_is_a_folder_or_a_table(file: Path, name: str, layout: str) -> None:
    file.write_text(HEAD + "checks: [{check: clean}]\n")
    found = read_suite(file, data=file.parent / name).data
    assert found is not None
    assert (found.layout.method, found.split) == (layout, None)


def test_a_word_as_split_names_a_value_of_the_column_split(file: Path) -> None:
    found = suite(file, "data: {layout: table, root: t.csv, split: test}\nchecks: [{check: clean}]\n").data
    assert found is not None
    assert found.split == {"column": "split", "values": ("test",)}


def test_a_missing_suite_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        read_suite(tmp_path / "nowhere.audit.yaml")


def test_groups_and_renames_are_held_against_the_models_emotions(file: Path) -> None:
    found = suite(file, "groups: {simple: [happiness, sad]}\nchecks: [{check: clean}]\n")
    with pytest.raises(SuiteError, match=r"'sad' is none of the model's.*knows: happiness, sadness") as caught:
        check_emotions(found, ("happiness", "sadness"))
    assert (caught.value.line, caught.value.column) == (3, 30)
    renamed = suite(file, "data: {layout: nemo, rename: {hap: happyness}}\nchecks: [{check: clean}]\n")
    with pytest.raises(SuiteError, match="did you mean 'happiness'") as caught:
        check_emotions(renamed, ("happiness", "sadness"))
    assert (caught.value.line, caught.value.column) == (3, 36)
    check_emotions(suite(file, "groups: {simple: [happiness]}\nchecks: [{check: clean}]\n"), ("happiness", "sadness"))


def test_reading_a_suite_imports_no_torch(repository: Path) -> None:
    probe = (
        "import sys; from pathlib import Path; from audit.suite import read_suite;"
        "read_suite(Path('preset:speech-baseline')); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", probe], cwd=repository, check=False).returncode == 0
