"""One model of every kind of method: what each is made of, and what one sweep makes of it on real recordings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from audit import read_suite, run
from audit.kinds import import_file
from audit.manifest import load_model
from audit.model import Model

SIX = (
    *("nemo-knn", "nemo-linear", "nemo-tree", "nemo-forest"),
    *("nemo-dense", "nemo-rnn", "nemo-lstm", "nemo-conv1d"),
)
THREE = ("nemo-conv1d-vector", "nemo-conv1d-vector-noisy", "nemo-conv1d-vector-keras", "nemo-conv2d-picture")
COUNTS = {
    "dense:build": (6, 3 * 64 * 160 + 2 * 160 * 160 + 3 * 2 * 160 + 320 * 160 + 160 + 161 * 6),
    "recurrent:build_rnn": (6, 2 * 64 + 2 * 128 * (64 + 128 + 2) + 2 * 128 * (256 + 128 + 2) + 257 * 6),
    "recurrent:build_lstm": (6, 2 * 64 + 2 * 256 * (64 + 64 + 2) + 2 * 256 * (128 + 64 + 2) + 129 * 6),
    "conv1d:build": (6, 5 * 96 * (64 + 3 * 96) + 4 * 2 * 96 + 97 * 6),
    "conv1d_vector:build": (
        3,
        sum(o * (3 * i + 1) for i, o in ((1, 64), (64, 64), (64, 128), (128, 128), (128, 128), (128, 256)))
        + 3 * (13 * 256 + 1),
    ),
    "conv2d_picture:build": (
        3,
        sum(o * (9 * i + 1) for i, o in ((3, 8), (8, 16), (16, 32), (32, 64), (64, 96))) + 3 * (96 * 5 * 5 + 1),
    ),
}


def opened(repository: Path, name: str) -> Model:
    return load_model(repository / "models" / f"{name}.model.yaml")


@pytest.mark.parametrize("name", COUNTS)
def test_a_network_has_the_parameters_that_its_layers_add_up_to(repository: Path, name: str) -> None:
    file, _, function = name.partition(":")
    emotions, count = COUNTS[name]
    module = getattr(import_file(repository / f"models/{file}.py"), function)(emotions=emotions)
    assert sum(parameter.numel() for parameter in module.parameters()) == count


def test_a_picture_is_drawn_blue_where_it_is_quiet_and_red_where_it_is_loud(repository: Path) -> None:
    rendered = import_file(repository / "models/conv2d_picture.py").Rendered()
    levels = torch.tensor([0.0, 0.125, 0.375, 0.5, 0.625, 0.875, 1.0])
    # MATLAB's own table at these levels.
    jet = [[0, 0, 0.5], [0, 0, 1], [0, 1, 1], [0.5, 1, 0.5], [1, 1, 0], [1, 0, 0], [0.5, 0, 0]]
    for level, colour in zip(levels, jet, strict=True):
        drawn = rendered(level.expand(1, 1, 128, 47))
        assert drawn.shape == (1, 3, 160, 160)
        torch.testing.assert_close(drawn[0, :, 3, 5], torch.tensor(colour, dtype=torch.float32))
    leaf = torch.rand(2, 1, 128, 47, generator=torch.Generator().manual_seed(0)).requires_grad_()
    rendered(leaf)[:, 0].sum().backward()
    assert leaf.grad is not None
    assert bool(leaf.grad.any())


@pytest.mark.parametrize("name", [*SIX, *THREE])
def test_what_is_shipped_is_small_and_loads_as_its_manifest_says(repository: Path, name: str) -> None:
    model = opened(repository, name)
    six = ("anger", "fear", "happiness", "neutral", "sadness", "surprised")
    assert model.emotions == (six[2:5] if name in THREE else six)
    assert sum(path.stat().st_size for path in model.weights) < 1_500_000


@pytest.mark.data
@pytest.mark.parametrize("name", [*SIX, *THREE])
def test_every_model_is_judged_by_one_sweep_on_real_recordings(
    name: str, repository: Path, audit_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEMO", str(audit_data / "nemo"))
    which = "nemo-classifiers" if name in SIX else "nemo-noise-augmentation"
    suite = read_suite(
        repository / "suites" / f"{which}.audit.yaml", model=repository / "models" / f"{name}.model.yaml"
    )
    audit = run(suite, limit=12)
    assert {verdict.outcome for verdict in audit.verdicts} <= {"PASS", "FAIL", "UNSURE"}
    assert audit.data["problems"] == []
    held_out: dict[str, Any] = json.loads((repository / "models" / f"{name}.figures.json").read_text())["held-out"]
    # Twelve clips say little of an accuracy, and enough of a model that was saved wrong.
    assert audit.answers.value("accuracy") > held_out["accuracy"] - 0.45
