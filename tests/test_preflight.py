"""What a suite is going to do, counted before it is run."""

import subprocess
import sys
from pathlib import Path

import pytest

from audit.errors import SuiteError
from audit.preflight import describe
from audit.suite import read_suite

MANIFEST = """version: 1
model: m
loader: torch
source: net.py:build
weights: w.pt
input: {sampling_rate: 8000, seconds: 1, representation: waveform}
emotions: [anger, fear]
"""
SUITE = """version: 1
suite: s
model: m.model.yaml
data: {layout: folder, root: clips}
decide: {cluster: speaker}
groups: {hot: [anger]}
checks:
  - {check: clean, gates: [{metric: recall, per: emotion, min: 0.5}, {metric: uar, min: 0.5}]}
  - check: corruption
    method: gaussian_noise
    sweep: {sigma: [0.1, 0.2, 0.3]}
    gates: [{metric: accuracy, per: group, at: 0.2, min: 0.5}]
  - {check: attack, method: fgsm, sweep: {epsilon: [0.1, 0.2]}}
  - check: saliency
    method: [gradcam, {lime: {samples: 50}}, {smoothgrad: {samples: 10}}]
    samples: 4
    faithfulness: {probability_drop: {fill: [mean, floor]}}
    random_masks: 5
    sanity: [{parameter_randomisation: {stages: 2}}, seed_stability]
    sanity_samples: 2
"""
# Of every clip: scores of three methods and the energy baseline, each beside five moved maps, and five random maps.
MASKS = 2 * (4 * (1 + 5) + 5)
# Maps of four clips, and of two clips again, thrice; what two stages without learning are worth, of three methods.
MAPS, WORTH = 4 + 2 * 3, 2 * 3 * 2


@pytest.fixture
def file(tmp_path: Path) -> Path:
    for name in ("net.py", "w.pt", "clips/anger/a_1.wav", "clips/anger/b_1.wav", "clips/anger/c_1.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for index in range(3):
        (tmp_path / "clips/fear").mkdir(exist_ok=True)
        (tmp_path / f"clips/fear/d_{index}.wav").touch()
    (tmp_path / "m.model.yaml").write_text(MANIFEST)
    path = tmp_path / "x.audit.yaml"
    path.write_text(SUITE)
    return path


def test_checks_verdicts_and_passes_are_counted(file: Path) -> None:
    found = describe(read_suite(file))
    assert found.emotions == {"anger": 3, "fear": 3}
    counted = [(c.id, c.clips, c.verdicts, c.forward, c.backward) for c in found.checks]
    assert counted == [
        ("clean", 6, 3, 6, 0),
        ("gaussian_noise", 6, 1, 18, 0),
        ("fgsm", 6, 0, 18, 6),
        ("saliency", 4, 0, MAPS * (1 + 50 + 10) + 4 * MASKS + WORTH, MAPS * (1 + 10)),
    ]
    assert found.verdicts == 4


def test_of_a_search_the_most_it_may_take_is_counted(file: Path) -> None:
    searched = "method: square, queries: 40, sweep: {epsilon: [0.1, 0.2]}}"
    file.write_text(
        SUITE.replace("method: fgsm, sweep: {epsilon: [0.1, 0.2]}}", searched).replace("gradcam, ", "occlusion, ")
    )
    *_, attack, saliency = describe(read_suite(file)).checks
    assert (attack.forward, attack.backward) == (6 * (2 + 2 * 40), 0)
    assert (saliency.forward, saliency.backward) == (MAPS * (226 + 50 + 10) + 4 * MASKS + WORTH, MAPS * 10)


def test_a_column_to_cluster_by_that_is_not_there_is_a_problem(file: Path) -> None:
    (problem,) = describe(read_suite(file)).problems
    assert problem == "decide.cluster: not every clip has a column 'speaker' (all have: none)"
    file.write_text(SUITE.replace("root: clips}", r"root: clips, speaker: '^\w'}"))
    assert describe(read_suite(file)).problems == ()


def test_it_prints_one_line_a_check_and_a_few_problems(file: Path) -> None:
    for index in range(30):
        (file.parent / f"clips/note{index}.txt").touch()
    lines = str(describe(read_suite(file))).splitlines()
    assert lines[0] == "s: 4 checks, 4 verdicts"
    assert lines[3].split()[:9] == ["fgsm", "0", "verdicts", "6", "clips", "18", "forward", "6", "backward"]
    assert lines[3].endswith(" to test it")
    assert "6 clips to judge: anger 3, fear 3" in lines[5]
    assert sum("problem: " in line for line in lines) == 10
    assert lines[-1].strip() == "and 21 more"


def test_data_that_is_not_there_is_a_problem_and_counts_nothing(file: Path) -> None:
    found = describe(read_suite(file, data=file.parent / "nowhere"))
    assert [check.forward for check in found.checks] == [None] * 4
    assert "no such file or folder" in found.problems[0]
    assert "forward" not in str(found)


def test_a_suite_without_model_data_or_gates_says_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "x.audit.yaml"
    path.write_text("version: 1\nsuite: s\nchecks: [{check: clean}]\n")
    told = "\n".join(describe(read_suite(path)).problems)
    assert "--model" in told
    assert "--data" in told
    assert "no check has a gate" in told


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [("hot: [anger]", "hot: [angre]", "did you mean 'anger'"), ("m.model.yaml", "n.model.yaml", "no such manifest")],
)
def test_what_would_stop_the_run_stops_it_here(file: Path, old: str, new: str, told: str) -> None:
    file.write_text(SUITE.replace(old, new))
    with pytest.raises(SuiteError, match=told):
        describe(read_suite(file))


def test_a_wrong_manifest_is_an_error_at_its_place(file: Path) -> None:
    (file.parent / "m.model.yaml").write_text(MANIFEST.replace("w.pt", "v.pt"))
    with pytest.raises(SuiteError, match=r"v\.pt: no such file"):
        describe(read_suite(file))


def test_neither_torch_nor_the_network_is_imported(file: Path, repository: Path) -> None:
    probe = (
        "import sys; from pathlib import Path;"
        "from audit.preflight import describe; from audit.suite import read_suite;"
        f"describe(read_suite(Path({str(file)!r}))); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", probe], cwd=repository, check=False).returncode == 0
