"""A suite whose verdicts are known, an audit that is finished, and spoken clips with a network that knows them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torch import nn

from audit.cli import main
from audit.data import Sample
from audit.layouts.synthetic import render, synthetic
from audit.representations.melspectrogram import melspectrogram


@pytest.fixture
def write_suite(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Write `tones.audit.yaml` with some checks into an empty current directory."""
    monkeypatch.chdir(tmp_path)
    tones = repository / "tests" / "tones"

    def write(checks: str) -> Path:
        path = tmp_path / "tones.audit.yaml"
        path.write_text(
            f"version: 1\nsuite: tones\nmodel: {tones / 'tones.model.yaml'}\n"
            f'data: {{layout: "{tones / "clips.py"}:tone_clips"}}\n'
            f"decide: {{seed: 1, bootstrap: 200}}\nchecks:\n{checks}",
            encoding="utf-8",
        )
        return path

    return write


@pytest.fixture
def finished(tmp_path: Path, repository: Path) -> Path:
    """A folder with a finished audit that failed."""
    folder = tmp_path / "finished"
    folder.mkdir()
    shutil.copy(repository / "tests/report/failed.audit.json", folder / "audit.json")
    return folder


@pytest.fixture(scope="session")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of generated clips, `<emotion>/<speaker>-<emotion>-<number>.wav`, 16 of each of six emotions."""
    root = tmp_path_factory.mktemp("spoken")
    for sample in synthetic(None, speakers=8, clips=2, seed=7):
        assert isinstance(sample, Sample)
        waveform, rate = render(sample)
        path = root / sample.emotion / f"{sample.id}.wav"
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, waveform, rate, subtype="FLOAT")
    return root


@pytest.fixture(scope="session")
def linear(spoken: Path) -> nn.Module:
    """A network that tells the spoken clips' emotions from their mel-spectrograms in [0, 1], (n, 1, 64, 63)."""
    files = sorted(spoken.glob("*/*.wav"))
    emotions = sorted({file.parent.name for file in files})
    waveforms = torch.from_numpy(np.stack([soundfile.read(file, dtype="float32")[0] for file in files]))
    inputs = melspectrogram(waveforms, 16000, n_mels=64).flatten(1).double()
    mean = inputs.mean(0)
    truths = nn.functional.one_hot(torch.tensor([emotions.index(file.parent.name) for file in files])).double()
    centred = inputs - mean
    # Ridge regression in its dual form: there are far fewer clips than cells.
    kernel = centred @ centred.T
    weights = centred.T @ torch.linalg.solve(kernel + 5.0 * torch.eye(len(files)), truths - 1 / len(emotions))
    network = nn.Sequential(nn.Flatten(), nn.Linear(64 * 63, len(emotions)))
    with torch.no_grad():
        network[1].weight.copy_(20 * weights.T)
        network[1].bias.copy_(-20 * weights.T @ mean)
    return network.eval()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def runs(capsys: pytest.CaptureFixture[str]) -> Callable[[str], list[str]]:
    """Judge a few clips by a suite, without an error, and return what is printed."""

    def judge(suite: str) -> list[str]:
        assert main(["check", suite]) == 0
        assert "problem" not in capsys.readouterr().out
        assert main(["run", suite, "--limit", "6", "--no-media"]) in (0, 1)
        told = capsys.readouterr().out.splitlines()
        assert told[-1].startswith(("GATE PASSED  0 fail", "GATE FAILED  "))
        assert "error" not in told[-1]
        return told

    return judge
