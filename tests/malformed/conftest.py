"""A suite and a good network, to be broken in one place, and what must be said of whatever is."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch

from audit.cli import main

INPUT = "{sampling_rate: 8000, seconds: 0.25, representation: waveform}"


@pytest.fixture
def weights(tmp_path: Path) -> Callable[..., Path]:
    """Write the good network's weights, with other tensors where they are given."""

    def weights(name: str = "w.safetensors", **tensors: torch.Tensor) -> Path:
        path = tmp_path / name
        state = {"head.weight": torch.zeros(3, 2000), "head.bias": torch.zeros(3), **tensors}
        (safetensors.torch.save_file if path.suffix == ".safetensors" else torch.save)(state, path)
        return path

    return weights


@pytest.fixture
def write(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Write a suite of a clean check and noise, the networks, and a manifest of these keys and those it lacks."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(Path(__file__).with_name("net.py"), tmp_path)
    (tmp_path / "own.audit.yaml").write_text(
        "version: 1\nsuite: own\nmodel: own.model.yaml\n"
        f'data: {{layout: "{repository / "tests/tones/clips.py"}:tone_clips"}}\n'
        "decide: {seed: 1, bootstrap: 200}\nchecks:\n  - {check: clean, gates: [{metric: accuracy, min: 0}]}\n"
        "  - check: corruption\n    method: gaussian_noise\n    sweep: {sigma: [0.01]}\n"
        "    gates: [{metric: accuracy, at: 0.01, min: 0}]\n"
    )

    def write(manifest: str) -> None:
        rest = {"input": INPUT, "emotions": "[calm, angry, sad]"}
        lacking = "".join(f"{key}: {value}\n" for key, value in rest.items() if f"\n{key}:" not in manifest)
        (tmp_path / "own.model.yaml").write_text(f"version: 1\nmodel: own\n{manifest}{lacking}")

    return write


@pytest.fixture
def refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., None]:
    """Run the suite: one message that holds all of `told`, no traceback, no verdict, no report, nothing executed."""

    def refused(*told: str, code: int = 3) -> None:
        assert main(["run", "own.audit.yaml"]) == code
        out, err = capsys.readouterr()
        assert out == ""
        for part in told:
            assert part in err
        # A mistake in a file is shown with its line and a mark under it.
        assert len(err.splitlines()) == 1 if code == 3 else len(err.splitlines()) <= 3
        assert "Traceback" not in err
        assert "defect" not in err
        assert not (tmp_path / "exploded").exists()
        assert not (tmp_path / "reports").exists()

    return refused
