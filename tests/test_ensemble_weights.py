"""`models/weigh.py`: what an ensemble's members are worth, and that its manifest says it."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from audit.kinds import import_file
from audit.manifest import load_model

MEMBERS, CLIPS, EMOTIONS = 3, 300, 4
MANIFEST = """\
version: 1
model: pair
# Who weighs them keeps this line.
loader: {ensemble: {members: [one.model.yaml, two.model.yaml], weights: [0.5, 0.5], temperature: 1.0}}
input: {modality: face, height: 16, width: 16, colour: grey}
emotions: [high, low]
"""
MEMBER = """\
version: 1
model: {name}
loader: torch
source: "{source}:build"
arguments: {{emotions: 2, width: 4, hidden: 8, side: 16}}
weights: {name}.safetensors
input: {{modality: face, height: 16, width: 16, colour: grey}}
emotions: [high, low]
"""


@pytest.fixture
def weigh(repository: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    pytest.importorskip("optuna")
    monkeypatch.syspath_prepend(repository / "models")
    return import_file(repository / "models/weigh.py")


@pytest.fixture
def answers() -> tuple[np.ndarray, np.ndarray]:
    """Logits of three members, of whom the first mostly knows, the second knows a little, and the third guesses."""
    rng = np.random.default_rng(0)
    truths = rng.integers(0, EMOTIONS, CLIPS)
    known = np.eye(EMOTIONS)[truths]
    logits = rng.normal(size=(MEMBERS, CLIPS, EMOTIONS)) + np.array([4.0, 1.0, 0.0])[:, None, None] * known
    return logits, truths


def test_the_member_that_knows_weighs_most_and_the_one_that_guesses_next_to_nothing(weigh, answers):
    weights, temperature = weigh.search(*answers, trials=120, l1=0.01, seed=0)
    assert sum(weights) == pytest.approx(1.0, abs=3e-4)
    assert weights[0] > 0.6
    assert weights[2] < 0.1
    assert 0.25 <= temperature <= 4.0


def test_the_same_seed_finds_the_same_weights(weigh, answers):
    assert weigh.search(*answers, 20, 0.01, 3) == weigh.search(*answers, 20, 0.01, 3)


def test_weights_found_are_no_worse_than_equal_ones(weigh, answers):
    def cost(weights: list[float], temperature: float) -> float:
        likely = weigh.mixed(answers[0], weights, temperature)[np.arange(CLIPS), answers[1]]
        return float(-np.log(likely).mean() + 0.01 * sum(weights) / max(weights))

    assert cost(*weigh.search(*answers, 30, 0.01, 0)) <= cost([1 / 3] * 3, 1.0) + 1e-4


def test_a_dearer_member_must_earn_its_place(weigh, answers):
    logits, truths = answers
    twins = np.concatenate([logits[:1], logits[:1] + 1e-3])
    weights, _ = weigh.search(twins, truths, trials=150, l1=0.5, seed=0)
    assert min(weights) < 0.1


def test_the_manifest_takes_the_weights_and_the_loader_mixes_as_they_were_searched(weigh, repository, tmp_path):
    from safetensors.torch import save_file

    source = repository / "models/cnn_lstm.py"
    build = import_file(source).build
    for name in ("one", "two"):
        (tmp_path / f"{name}.model.yaml").write_text(MEMBER.format(name=name, source=source))
        save_file(build(emotions=2, width=4, hidden=8, side=16).state_dict(), tmp_path / f"{name}.safetensors")
    path = tmp_path / "pair.model.yaml"
    path.write_text(MANIFEST)
    weigh.write(path, [0.75, 0.25], 1.5)
    assert "# Who weighs them keeps this line." in path.read_text()
    inputs = torch.rand(5, 1, 16, 16)
    members = [load_model(tmp_path / f"{name}.model.yaml").logits(inputs).detach().numpy() for name in ("one", "two")]
    expected = weigh.mixed(np.stack(members).astype(np.float64), [0.75, 0.25], 1.5)
    assert np.allclose(load_model(path).logits(inputs).softmax(1).detach().numpy(), expected, atol=1e-5)
